"""CSV with a header row (RFC 4180, and what `csv` of the standard library forgives)."""

import csv
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..base import Record, SourceError, good_records
from .numbers import convert, convert_column

_BOM = b"\xef\xbb\xbf"
_SENTINEL = "\x1e"  # an extra last line: it stands alone exactly if the row before it is closed


class Row(NamedTuple):
    """One row: its cells or why there are none, and how many lines it took."""

    cells: list[str] | None
    raw: bytes
    error: str | None
    lines: int


class CsvLines:
    r"""Decodes CSV; numbers become numbers, empty cells None, quoted fields may span lines.

    The first row names the columns unless *columns* does.  Blank lines are skipped.  A row
    with too few or too many cells is an error record, and so is the first line of a row
    whose quotes are not closed within *max_record_bytes*: decoding goes on after it.

    With *keep_header* (following a rotated file) a new file may begin without a header: its
    first row is a header if it repeats the old one, or if it is all text with no cell twice.

    >>> lines = [b"city,t", b'"Ulm', b'Donau",21.5', b"Bonn,", b"Kiel"]
    >>> for record in CsvLines().decode(lines, 10, True, "f", 0)[0]:
    ...     print(record.value or record.error)
    {'city': 'Ulm\nDonau', 't': 21.5}
    {'city': 'Bonn', 't': None}
    row has 1 cells, the header has 2
    """

    def __init__(
        self,
        *,
        columns: Sequence[str] | None = None,
        delimiter: str = ",",
        max_record_bytes: int = 1 << 20,
        keep_header: bool = False,
    ):
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError(f"delimiter={delimiter!r} must be one character, as ',' or ';'")
        self.delimiter = delimiter
        self.max_record_bytes = max_record_bytes
        self.keep_header = keep_header
        self._named = columns is not None
        self.header: list[str] | None = _checked(list(columns)) if columns is not None else None
        self._at_start = True  # of a file, where a header may stand

    @property
    def needs_header(self) -> bool:
        """Whether a header row must come before the next record."""
        return self._at_start and not self._named

    def start_file(self) -> None:
        """Another file begins; it has a header of its own."""
        self._at_start = True

    def resume(self, header: list[str] | None) -> None:
        """Continue within a file whose columns are *header*."""
        self.header = header
        self._at_start = header is None  # stopped before the header

    def decode(
        self, lines: list[bytes], limit: int, final: bool, partition: str, offset: int
    ) -> tuple[list[Record], int]:
        """At most *limit* records of *lines*; see `connectors.lines.formats.LineFormat`."""
        used = self._skip_header(lines, final, partition) if self._at_start else 0
        if self._at_start:
            return [], used
        records: list[Record] = []
        while len(records) < limit and used < len(lines):
            room = limit - len(records)
            window = lines[used : used + room]
            quick = self._quick_rows(window)
            if quick is not None:
                records += self._records(quick, window, partition, offset + len(records))
                used += len(window)
                continue
            rows = self._rows(lines[used:], room, final)
            if not rows:
                break
            records += self._checked_rows(rows, partition, offset + len(records))
            used += sum(row.lines for row in rows)
        return records, used

    def _skip_header(self, lines: list[bytes], final: bool, partition: str) -> int:
        """How many lines the header takes; sets `header` when it is there."""
        if self._named:
            self._at_start = False
            return 0
        blank = 0
        while blank < len(lines) and not lines[blank].strip():
            blank += 1
        rows = self._rows(lines[blank:], 1, final)
        if not rows:
            return blank
        row = rows[0]
        if row.cells is None:
            raise SourceError(
                f"{partition}: the header row cannot be read: {row.error}; "
                "repair it or give columns=[...]"
            )
        self._at_start = False
        names = [cell.strip() for cell in row.cells]
        if self.keep_header and self.header is not None and not self._is_header(names):
            return blank
        self.header = _checked(names, partition)
        return blank + row.lines

    def _is_header(self, names: list[str]) -> bool:
        """Whether the first row of a successor file names columns."""
        if names == self.header:
            return True
        return len(set(names)) == len(names) and all(
            name and convert(name) == name for name in names
        )

    def _quick_rows(self, window: list[bytes]) -> list[list[str]] | None:
        """The cells of each line of *window*; None when a line may not be a row by itself."""
        block = b"\n".join(window)
        if b'"' in block or _BOM in block:
            return None
        try:
            return list(csv.reader(block.decode().split("\n"), delimiter=self.delimiter))
        except (csv.Error, UnicodeDecodeError):
            return None

    def _records(
        self, rows: list[list[str]], raws: list[bytes], partition: str, offset: int
    ) -> list[Record]:
        """Records of *rows* that took one line each."""
        width = len(self.header or ())
        if any(len(row) != width for row in rows):
            listed = [Row(cells, raw, None, 1) for cells, raw in zip(rows, raws)]
            return self._checked_rows(listed, partition, offset)
        return good_records(self._values(rows), raws, partition, offset)

    def _values(self, rows: Sequence[list[str]]) -> list[dict[str, Any]]:
        header = self.header or []
        columns = [convert_column(cells) for cells in zip(*rows)]
        return [dict(zip(header, values)) for values in zip(*columns)]

    def _checked_rows(self, rows: list[Row], partition: str, offset: int) -> list[Record]:
        """Records of *rows* that may be errors, ragged or blank."""
        width = len(self.header or ())
        rows = [row for row in rows if row.cells != [] and not (width > 1 and row.raw.isspace())]
        values = iter(self._values([r.cells for r in rows if r.cells and len(r.cells) == width]))
        records = []
        for number, row in enumerate(rows, offset):
            error = row.error
            if row.cells is not None and len(row.cells) != width:
                error = f"row has {len(row.cells)} cells, the header has {width}"
            value = next(values) if error is None else None
            records.append(Record(value, row.raw, error, partition, number))
        return records

    def _rows(self, lines: list[bytes], limit: int, final: bool) -> list[Row]:
        """At most *limit* rows, blank ones included, with quotes and errors minded."""
        rows: list[Row] = []
        at, width = 0, max(limit, 2)
        while len(rows) < limit and at < len(lines):
            window = lines[at : at + width]
            last = at + len(window) == len(lines)
            found = _parse(window, self.delimiter, self.max_record_bytes, last and final)
            if found:
                rows += found[: limit - len(rows)]
                at += sum(row.lines for row in found)
            elif last:
                break
            width = width if found else 2 * width  # an open row: look further
        return rows


def _parse(lines: list[bytes], delimiter: str, max_bytes: int, final: bool) -> list[Row]:
    """The rows that are complete within *lines*; if *final* an open row is an error."""
    texts = [_text(line) + "\n" for line in lines]
    all_utf8 = _encoding_error(lines) is None
    rows: list[Row] = []
    start = base = 0
    reader = csv.reader([*texts, _SENTINEL], delimiter=delimiter)
    while start < len(lines):
        cells, error = None, None
        try:
            cells = next(reader)
        except csv.Error as problem:
            error = str(problem)
        end = base + reader.line_num
        raw = b"\n".join(lines[start:end])
        if len(raw) > max_bytes:
            error = f"a quoted field is not closed within max_record_bytes={max_bytes}"
        elif end > len(lines):
            if not final:
                break
            error = "a quoted field is never closed"
        if error is not None:  # only the first line is lost; the rest is read again
            rows.append(Row(None, lines[start], error, 1))
            start = base = start + 1
            reader = csv.reader([*texts[start:], _SENTINEL], delimiter=delimiter)
            continue
        if not all_utf8:
            error = _encoding_error(lines[start:end])
        rows.append(Row(None if error else cells, raw, error, end - start))
        start = end
    return rows


def _text(line: bytes) -> str:
    return line.removeprefix(_BOM).decode("utf-8", "surrogateescape")


def _encoding_error(lines: list[bytes]) -> str | None:
    try:
        b"\n".join(lines).decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return None


def _checked(names: list[str], partition: str = "columns") -> list[str]:
    if not names:
        raise SourceError(f"{partition}: there must be at least one column name")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{partition}: column name {twice[0]!r} stands twice; rename one or give columns=[...]"
        )
    return names
