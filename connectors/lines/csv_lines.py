"""CSV (RFC 4180, and what `csv` of the standard library forgives) in any dialect."""

import csv
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..base import Record, SourceError, good_records
from .dialect import Dialect, checked
from .sniff import SAMPLE, sniff

_BOM = b"\xef\xbb\xbf"
_SENTINEL = "\x1e"  # an extra last line: it stands alone exactly if the row before it is closed

log = logging.getLogger(__name__)


class Row(NamedTuple):
    """One row: its cells or why there are none, and how many lines it took."""

    cells: list[str] | None
    raw: bytes
    error: str | None
    lines: int


class CsvLines:
    r"""Decodes CSV into cells of text; quoted fields may span lines.

    What the file is made of is found in its first lines, see `connectors.lines.sniff`, but
    for what *settings*, fields of `Dialect`, say.  The header names the columns unless
    *columns* does; without either they are column1, column2, ….  Blank lines are skipped.  A
    row with too few or too many cells is an error record, and so is the first line of a row
    whose quotes are not closed within *max_record_bytes*: decoding goes on after it.

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
        self.header: list[str] | None = _checked(list(columns)) if columns is not None else None
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
        self._strip = dialect.padded or dialect.delimiter == " "
        quote = dialect.quote.encode(dialect.encoding)
        self._slow = (quote, _BOM) if not self._comment else (quote, _BOM, self._comment)
        self._reader: dict[str, Any] = {
            "delimiter": dialect.delimiter,
            "quotechar": dialect.quote,
            "skipinitialspace": self._strip,
        }

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
            rows = self._rows(lines[used:], 1, final)
            if not rows:
                return used if number == 0 else 0
            row = rows[0]
            if row.cells is None and not self._named:
                raise SourceError(
                    f"{partition}: the header row cannot be read: {row.error}; "
                    "repair it or give columns=[...]"
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
        self.header = _checked(names or [], partition)
        return used

    def _is_passed_over(self, line: bytes, number: int) -> bool:
        """Blank, or a comment that is not the header itself."""
        line = line.removeprefix(_BOM).lstrip()
        if not line:
            return True
        in_comment = number == 0 and self.dialect is not None and self.dialect.in_comment
        return bool(self._comment) and line.startswith(self._comment) and not in_comment

    def _names(self, cells: list[str], partition: str) -> list[str]:
        """The names of the columns; one without a name is named by its place."""
        dialect = self.dialect
        assert dialect is not None
        names = [cell.strip() for cell in cells]
        if dialect.in_comment:
            names[0] = names[0].removeprefix(dialect.comment).strip()
            names = names[1:] if not names[0] else names
        if dialect.trailing and not names[-1]:
            names = names[:-1]
        if dialect.row_names:
            names = ["", *names]
        names = [name or f"column{place}" for place, name in enumerate(names, 1)]
        found = apart(names)
        if told := [f"{new!r}" for name, new in zip(names, found) if new != name]:
            log.warning("%s: names that stand twice are numbered: %s", partition, ", ".join(told))
        return found

    def _numbered(self, lines: list[bytes], final: bool) -> list[str] | None:
        """Names for the columns of a file without any; None before its first row."""
        rows = [row for row in self._rows(lines, len(lines), final) if row.cells]
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

    # The rows -----------------------------------------------------------------------------

    def _quick_rows(self, window: list[bytes]) -> list[list[str]] | None:
        """The cells of each line of *window*; None when a line may not be a row by itself."""
        block = b"\n".join(window)
        if any([mark in block for mark in self._slow]):  # noqa: C419  a list is faster
            return None
        assert self.dialect is not None
        try:
            text = block.decode(self.dialect.encoding)
            return list(csv.reader(text.split("\n"), **self._reader))
        except (csv.Error, UnicodeDecodeError):
            return None

    def _records(
        self, rows: list[list[str]], raws: list[bytes], partition: str, offset: int
    ) -> list[Record]:
        """Records of *rows* that took one line each."""
        width = len(self.header or ())
        if self._strip or set(map(len, rows)) != {width}:
            listed = [Row(cells, raw, None, 1) for cells, raw in zip(rows, raws)]
            return self._checked_rows(listed, partition, offset)
        return good_records(self._values(rows), raws, partition, offset, self._numbers)

    def _values(self, rows: Sequence[list[str]]) -> list[dict[str, Any]]:
        header = self.header or []
        return [dict(zip(header, row)) for row in rows]

    def _checked_rows(self, rows: list[Row], partition: str, offset: int) -> list[Record]:
        """Records of *rows* that may be errors, ragged or blank."""
        width = len(self.header or ())
        rows = [row for row in rows if row.cells != [] and not (width > 1 and row.raw.isspace())]
        records = []
        for number, row in enumerate(map(self._fitted, rows), offset):
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
        cells = [cell.strip() for cell in row.cells] if self._strip else row.cells
        spare = self.dialect.trailing or self.dialect.delimiter == " "
        if spare and len(cells) == len(self.header or ()) + 1 and not cells[-1]:
            cells = cells[:-1]
        return row if cells is row.cells else row._replace(cells=cells)

    def _rows(self, lines: list[bytes], limit: int, final: bool) -> list[Row]:
        """At most *limit* rows, blank ones included, with quotes and errors minded."""
        rows: list[Row] = []
        at, width = 0, max(limit, 2)
        while len(rows) < limit and at < len(lines):
            window = lines[at : at + width]
            last = at + len(window) == len(lines)
            found = self._parse(window, last and final)
            if found:
                rows += found[: limit - len(rows)]
                at += sum(row.lines for row in found)
            elif last:
                break
            width = width if found else 2 * width  # an open row: look further
        return rows

    def _parse(self, lines: list[bytes], final: bool) -> list[Row]:
        """The rows that are complete within *lines*; if *final* an open row is an error."""
        assert self.dialect is not None
        encoding, comment = self.dialect.encoding, self._comment
        texts = [_text(line, encoding) + "\n" for line in lines]
        all_good = _encoding_error(lines, encoding) is None
        rows: list[Row] = []
        start = base = 0
        reader = csv.reader([*texts, _SENTINEL], **self._reader)
        while start < len(lines):
            is_comment = bool(comment) and lines[start].removeprefix(_BOM).lstrip().startswith(
                comment
            )
            if is_comment and not (self._at_start and self.dialect.in_comment):
                rows.append(Row([], lines[start], None, 1))
                start = base = start + 1
                reader = csv.reader([*texts[start:], _SENTINEL], **self._reader)
                continue
            cells, error = None, None
            try:
                cells = next(reader)
            except csv.Error as problem:
                error = str(problem)
            end = base + reader.line_num
            raw = b"\n".join(lines[start:end])
            if len(raw) > self.max_record_bytes:
                limit = self.max_record_bytes
                error = f"a quoted field is not closed within max_record_bytes={limit}"
            elif end > len(lines):
                if not final:
                    break
                error = "a quoted field is never closed"
            if error is not None:  # only the first line is lost; the rest is read again
                rows.append(Row(None, lines[start], error, 1))
                start = base = start + 1
                reader = csv.reader([*texts[start:], _SENTINEL], **self._reader)
                continue
            if not all_good:
                error = _encoding_error(lines[start:end], encoding)
            rows.append(Row(None if error else cells, raw, error, end - start))
            start = end
        return rows


def _text(line: bytes, encoding: str) -> str:
    if encoding == "utf-8":
        return line.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    return line.decode(encoding, "replace")


def _encoding_error(lines: list[bytes], encoding: str) -> str | None:
    try:
        b"\n".join(lines).decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            return f"not {encoding}: {error.reason} at byte {error.start}"
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return None


def apart(names: Sequence[str]) -> list[str]:
    """The same names, numbered from the second on where one stands more than once.

    >>> apart(["temp", "temp", "temp_2", "temp"])
    ['temp', 'temp_3', 'temp_2', 'temp_4']
    """
    found: list[str] = []
    taken = set(names)
    for name in names:
        mine, number = name, 2
        while mine in found or (mine != name and mine in taken):
            mine, number = f"{name}_{number}", number + 1
        found.append(mine)
    return found


def _checked(names: list[str], partition: str = "columns") -> list[str]:
    if not names:
        raise SourceError(f"{partition}: there must be at least one column name")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{partition}: column name {twice[0]!r} stands twice; rename one or give columns=[...]"
        )
    return names
