"""Rows into files: what is common to JSON Lines and CSV.

The position of a file sink is its length in bytes.  Restoring cuts the file there, so a
replay writes the same rows to the same place.
"""

import contextlib
import fcntl
import os
from typing import Any

from ..base import SinkError


class AppendFile:
    """A file that only grows, except that `restore` cuts it; one writer at a time.

    Opened on first use and created if missing, with its folder; existing content is kept.
    A failed write leaves no torn row behind where the file can be cut back.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._fd: int | None = None
        self._length = 0

    def length(self) -> int:
        """Bytes in the file."""
        self._open()
        return self._length

    def append(self, data: bytes) -> None:
        """Write all of *data* at the end."""
        fd = self._open()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, self._length)
            raise self._failed("written", error) from error
        self._length += len(data)

    def first_line(self) -> bytes:
        """The first line, without its newline."""
        self._open()
        with open(self.path, "rb") as file:
            return file.readline().rstrip(b"\r\n")

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        if self._fd is None:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failed("synced", error) from error

    def cut(self, length: int) -> None:
        """Forget what comes after the first *length* bytes."""
        fd = self._open()
        if self._length < length:
            raise SinkError(
                f"{self.path} has {self._length} bytes, fewer than the {length} written up to "
                "the checkpoint: it was cut or replaced; restore the file, or remove the "
                "checkpoint to start from the beginning"
            )
        try:
            os.ftruncate(fd, length)
            os.fsync(fd)
        except OSError as error:
            raise self._failed("cut", error) from error
        self._length = length

    def close(self) -> None:
        """Release the file for other writers."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._fd is not None:
            return self._fd
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            fd = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise self._failed("opened", error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise SinkError(
                f"{self.path} is being written by another process; stop it or choose another path"
            ) from error
        self._fd, self._length = fd, os.fstat(fd).st_size
        return fd

    def _failed(self, what: str, error: OSError) -> SinkError:
        return SinkError(f"{self.path} cannot be {what}: {error.strerror}")


class FileSink:
    """A sink on an `AppendFile`; subclasses say how rows become bytes."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._file = AppendFile(path)

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """The bytes of *rows*."""
        raise NotImplementedError

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append *rows*: all of them, or `SinkError` and none."""
        if rows:
            self._file.append(self.encode(rows))

    def flush(self) -> None:
        """Return when every row written is on the disk."""
        self._file.sync()

    def snapshot(self) -> dict[str, int]:
        """``{"bytes": length of the file}``."""
        return {"bytes": self._file.length()}

    def restore(self, position: dict[str, int] | None) -> None:
        """Cut the file to *position* (None: empty it); `SinkError` if it is shorter."""
        self._file.cut(0 if position is None else position["bytes"])

    def close(self) -> None:
        """Close the file; what was written stays written."""
        self._file.close()
