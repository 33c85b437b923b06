"""What a line-oriented format is to a source, and the choice of one by name."""

import re
from collections.abc import Sequence
from typing import Any, Protocol

from ..base import Record, SourceError
from .csv_lines import CsvLines
from .dialect import Dialect
from .json_lines import JsonLines
from .text_lines import TextLines

FORMATS = ("jsonl", "csv", "text")


class LineFormat(Protocol):
    """Turns complete lines into records; remembers a header where the format has one."""

    header: list[str] | None
    dialect: Dialect | None  # of CSV, once it is known

    @property
    def needs_header(self) -> bool:
        """Whether a header row must come before the next record."""

    def decode(
        self, lines: list[bytes], limit: int, final: bool, partition: str, offset: int
    ) -> tuple[list[Record], int]:
        """At most *limit* records from *lines*, and how many lines they took.

        Fewer lines than given are taken when the last record is incomplete and *final*
        (no further line belongs to it) is false.  *offset* is the number of the first
        record.  Never raises for what a record holds: that is `Record.error`.
        """

    def start_file(self) -> None:
        """Another file of the same stream begins."""

    def resume(self, header: list[str] | None, dialect: Sequence[Any] | None = None) -> None:
        """Continue within a file whose columns are *header*, in the *dialect* it was read in."""


def line_format(
    name: str,
    *,
    columns: Sequence[str] | None = None,
    max_record_bytes: int = 1 << 20,
    live: bool = False,
    **settings: Any,
) -> LineFormat:
    """The format called *name*: ``jsonl``, ``csv`` or ``text``; *settings* as of `CsvLines`."""
    if name == "csv":
        return CsvLines(columns=columns, max_record_bytes=max_record_bytes, live=live, **settings)
    given = {"columns": columns, **settings}
    for setting, value in given.items():
        if value is not None:
            raise ValueError(f"{setting}={value!r} is for format='csv', not {name!r}")
    if name == "jsonl":
        return JsonLines()
    if name == "text":
        return TextLines()
    raise ValueError(f"format={name!r} is unknown; use one of {', '.join(FORMATS)}")


_SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".dat", ".data"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".txt", ".log"), "text"),
}
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz", ".zip")


def plain_name(path: str) -> str:
    """The name of what a file holds: in lower case, without a compression's suffix.

    >>> plain_name("Day.CSV.gz")
    'day.csv'
    """
    plain = path.lower()
    for ending in COMPRESSIONS:
        plain = plain.removesuffix(ending)
    return plain


def format_of(path: str) -> str:
    """The format that the suffix of *path* names, below that of a compression.

    >>> format_of("day.csv.gz")
    'csv'
    """
    plain = plain_name(path)
    for suffix, name in _SUFFIXES.items():
        if plain.endswith(suffix):
            return name
    raise SourceError(
        f"cannot tell the format of {path!r} from its name; give format (--format), one of "
        f"{', '.join(FORMATS)}"
    )


def format_in(head: bytes) -> str | None:
    """The format of a file that begins with *head*; None if nothing is in it.

    >>> format_in(b' {"u": 1}'), format_in(b"u,y")
    ('jsonl', 'csv')
    """
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not first:
        return None
    return "jsonl" if _OBJECT(first) else "csv"


_OBJECT = re.compile(rb"""\x1e?(?:\[\s*)*\{\s*["'}]""").match
