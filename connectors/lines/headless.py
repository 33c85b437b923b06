"""What the formats share whose lines need no header before them."""

from collections.abc import Sequence
from typing import Any

from .dialect import Dialect

BOM = b"\xef\xbb\xbf"  # a byte order mark, which some editors put first


class Headless:
    """The part of `connectors.lines.formats.LineFormat` that is about headers."""

    header: list[str] | None = None
    dialect: Dialect | None = None
    needs_header = False

    def start_file(self) -> None:
        """No header is read."""

    def resume(self, header: list[str] | None, dialect: Sequence[Any] | None = None) -> None:
        """No header is taken over."""
