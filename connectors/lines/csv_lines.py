"""CSV (RFC 4180, and what `csv` of the standard library forgives) in any dialect."""

import logging
from collections.abc import Sequence
from typing import Any

from ..base import Record, SourceError, good_records
from .csv_header import apart, checked_names, names_of
from .csv_rows import BOM, Row, RowParser
from .dialect import Dialect, checked
from .dicts import dicts_of
from .sniff import SAMPLE, sniff

log = logging.getLogger(__name__)


class CsvLines:
    r"""Decodes CSV into cells of text; quoted fields may span lines.

    What the file is made of is found in its first lines, see `connectors.lines.sniff`, but
    for what *settings*, fields of `Dialect`, say.  The header names the columns unless
    *columns* does; without either they are column1, column2, ….  Blank lines are skipped,
    and so is the header where it stands again.  A row with too few or too many cells is an
    error record, and so is the first line of a row whose quotes are not closed within
    *max_record_bytes*: decoding goes on after it.

    With *live* (a stream that grows) the dialect is found in what is there, at least one row,
    and a new file may begin without a header: its first row is a header if it repeats the
    old one, or if it is all text with no cell twice.

    >>> lines = [b"city;t", b'"Ulm', b'Donau";21,5', b"Bonn;", b"Kiel"]
    >>> for record in CsvLines().decode(lines, 10, True, "f", 0)[0]:
    ...     print(record.value or record.error)
    {'city': 'Ulm\nDonau', 't': '21,5'}
    {'city': 'Bonn', 't': ''}
    row has 1 cells, the header has 2
    """

    def __init__(
        self,
        *,
        columns: Sequence[str] | None = None,
        max_record_bytes: int = 1 << 20,
        live: bool = False,
        **settings: Any,
    ):
        self.settings = checked(settings)
        self.max_record_bytes = max_record_bytes
        self.live = live
        self._named = columns is not None
        self.header: list[str] | None = (
            checked_names(list(columns)) if columns is not None else None
        )
        self.dialect: Dialect | None = None
        self._at_start = True  # of a file, where a header may stand
        self._skip = 0  # lines before the header that were passed over

    @property
    def needs_header(self) -> bool:
        """Whether a header row must come before the next record."""
        return self._at_start and not self._named

    def start_file(self) -> None:
        """Another file begins; it has a header of its own."""
        self._at_start, self._skip = True, 0

    def resume(self, header: list[str] | None, dialect: Sequence[Any] | None = None) -> None:
        """Continue within a file whose columns are *header*, in the *dialect* it was read in."""
        self.header = header
        self._at_start, self._skip = header is None, 0  # stopped before the header
        if dialect is not None:
            self._adopt(Dialect(*dialect))
        elif header is not None:  # of an older checkpoint
            self._adopt(Dialect(**self.settings))

    def decode(
        self, lines: list[bytes], limit: int, final: bool, partition: str, offset: int
    ) -> tuple[list[Record], int]:
        """At most *limit* records of *lines*; see `connectors.lines.formats.LineFormat`."""
        if self.dialect is None and not self._find_dialect(lines, final, partition):
            return [], 0
        used = self._skip_header(lines, final, partition) if self._at_start else 0
        if self._at_start:
            return [], used
        records: list[Record] = []
        while len(records) < limit and used < len(lines):
            room = limit - len(records)
            window = lines[used : used + room]
            quick = self._parser.quick(window)
            if quick is not None:
                records += self._records(quick, window, partition, offset + len(records))
                used += len(window)
                continue
            rows = self._parser.rows(lines[used:], room, final)
            if not rows:
                break
            records += self._checked_rows(rows, partition, offset + len(records))
            used += sum(row.lines for row in rows)
        return records, used

    # The dialect --------------------------------------------------------------------------

    def _find_dialect(self, lines: list[bytes], final: bool, partition: str) -> bool:
        """Whether *lines* are enough to tell it."""
        if not final and len(lines) < (2 if self.live else SAMPLE):
            return False
        found = sniff(lines, self.settings, headed=not self._named)
        self._adopt(found)
        if said := found.describe():
            log.info("%s: %s", partition, said)
        return True

    def _adopt(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._numbers = dialect.numbers
        self._comment = dialect.comment.encode(dialect.encoding)
        self._parser = RowParser(dialect, self.max_record_bytes)

    # The header ---------------------------------------------------------------------------

    def _skip_header(self, lines: list[bytes], final: bool, partition: str) -> int:
        """How many lines the header takes; sets `header` when it is there."""
        dialect = self.dialect
        assert dialect is not None
        used = min(len(lines), dialect.skip_lines - self._skip)
        self._skip += used
        if self._skip < dialect.skip_lines:
            return used
        names = self.header if self._named else None
        for number in range(dialect.header_rows):
            while used < len(lines) and self._is_passed_over(lines[used], number):
                used += 1
            rows = self._parser.rows(lines[used:], 1, final, dialect.in_comment)
            if not rows:
                return used if number == 0 else 0
            row = rows[0]
            if row.cells is None and not self._named:
                raise SourceError(
                    f"{partition}: the header row cannot be read: {row.error}; "
                    "repair it or give columns = [...]"
                )
            if number == 0 and not self._named:
                names = self._names(row.cells or [], partition)
                if self.live and self.header is not None and not self._is_header(names, row.cells):
                    self._at_start = False
                    return used
            used += row.lines
        if dialect.header_rows == 0 and not self._named:
            names = self._numbered(lines[used:], final)
            if names is None:
                return used
        self._at_start = False
        self.header = checked_names(names or [], partition)
        return used

    def _is_passed_over(self, line: bytes, number: int) -> bool:
        """Blank, or a comment that is not the header itself."""
        line = line.removeprefix(BOM).lstrip()
        if not line:
            return True
        in_comment = number == 0 and self.dialect is not None and self.dialect.in_comment
        return bool(self._comment) and line.startswith(self._comment) and not in_comment

    def _names(self, cells: list[str], partition: str) -> list[str]:
        """The names of the columns, no two alike."""
        assert self.dialect is not None
        names = names_of(cells, self.dialect)
        found = apart(names)
        if told := [f"{new!r}" for name, new in zip(names, found) if new != name]:
            log.warning("%s: names that stand twice are numbered: %s", partition, ", ".join(told))
        return found

    def _numbered(self, lines: list[bytes], final: bool) -> list[str] | None:
        """Names for the columns of a file without any; None before its first row."""
        rows = [row for row in self._parser.rows(lines, len(lines), final) if row.cells]
        if not rows:
            return None
        width = len(rows[0].cells or ()) - (self.dialect is not None and self.dialect.trailing)
        return [f"column{place}" for place in range(1, width + 1)]

    def _is_header(self, names: list[str], cells: list[str] | None) -> bool:
        """Whether the first row of a successor file, with these *cells*, names columns."""
        if names == self.header:
            return True
        return len(set(cells or ())) == len(cells or ()) and all(
            name and self._numbers.read(name) is None for name in names
        )

    # The records ------------------------------------------------------------------------

    def _records(
        self, rows: list[list[str]], raws: list[bytes], partition: str, offset: int
    ) -> list[Record]:
        """Records of *rows* that took one line each."""
        width = len(self.header or ())
        repeats = width > 1 and self.header in rows  # files put together, each with its header
        if repeats or self._parser.strips or set(map(len, rows)) != {width}:
            listed = [Row(cells, raw, None, 1) for cells, raw in zip(rows, raws)]
            return self._checked_rows(listed, partition, offset)
        values = dicts_of(tuple(self.header or ()))(rows)
        return good_records(values, raws, partition, offset, self._numbers)

    def _checked_rows(self, rows: list[Row], partition: str, offset: int) -> list[Record]:
        """Records of *rows* that may be errors, ragged or blank."""
        width = len(self.header or ())
        rows = [row for row in rows if row.cells != [] and not (width > 1 and row.raw.isspace())]
        rows = [self._fitted(row) for row in rows]
        if width > 1:
            rows = [row for row in rows if row.cells != self.header]
        records = []
        for number, row in enumerate(rows, offset):
            error, value = row.error, None
            if row.cells is not None:
                if len(row.cells) != width:
                    error = f"row has {len(row.cells)} cells, the header has {width}"
                else:
                    value = dict(zip(self.header or [], row.cells))
            records.append(
                Record(value, row.raw, error, partition, number, None, None, self._numbers)
            )
        return records

    def _fitted(self, row: Row) -> Row:
        """*row* without padding and without the delimiter too many."""
        if row.cells is None or self.dialect is None:
            return row
        cells = [cell.strip() for cell in row.cells] if self._parser.strips else row.cells
        spare = self.dialect.trailing or self.dialect.delimiter == " "
        if spare and len(cells) == len(self.header or ()) + 1 and not cells[-1]:
            cells = cells[:-1]
        return row if cells is row.cells else row._replace(cells=cells)
