"""A sink that writes predictions as lines of text."""

import os
from typing import Any

from msgspec import Struct


class Tally(Struct, tag="tally", forbid_unknown_fields=True):
    """A file of predictions, one a line."""

    path: str

    def open(self) -> "Lines":
        """What writes them."""
        return Lines(self.path)


class Lines:
    """Appends; a position is the size of the file."""

    def __init__(self, path: str):
        self.file = open(path, "a+b")  # noqa: SIM115

    def write(self, rows: list[dict[str, Any]]) -> None:
        """One line a row."""
        self.file.write(b"".join(f"{row['prediction']!r}\n".encode() for row in rows))

    def flush(self) -> None:
        """Make them durable."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def snapshot(self) -> Any:
        """The size of the file."""
        self.file.flush()
        return self.file.tell()

    def restore(self, position: Any) -> None:
        """Cut off what came after."""
        self.file.truncate(int(position))
        self.file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
