"""Rows of CSV in a known dialect: cells, or why there are none."""

import csv
from typing import Any, NamedTuple

from .dialect import Dialect, is_comment

BOM = b"\xef\xbb\xbf"
_SENTINEL = "\x1e"  # an extra last line: it stands alone exactly if the row before it is closed


class Row(NamedTuple):
    """One row: its cells or why there are none, and how many lines it took."""

    cells: list[str] | None
    raw: bytes
    error: str | None
    lines: int


class RowParser:
    r"""Cuts lines into rows; a quoted cell may span lines.

    >>> parser = RowParser(Dialect(delimiter=";"), 100)
    >>> [row.cells for row in parser.rows([b'"Ulm', b'Donau";21', b'"open'], 10, final=True)]
    [['Ulm\nDonau', '21'], None]
    """

    def __init__(self, dialect: Dialect, max_record_bytes: int):
        self.dialect = dialect
        self.max_record_bytes = max_record_bytes
        self.strips = dialect.padded or dialect.delimiter == " "
        marks = (dialect.quote, dialect.comment, dialect.escape)
        self._slow = (BOM, *(mark.encode(dialect.encoding) for mark in marks if mark))
        self._reader: dict[str, Any] = {
            "delimiter": dialect.delimiter,
            "quotechar": dialect.quote,
            "skipinitialspace": self.strips,
            "escapechar": dialect.escape or None,
        }

    def quick(self, window: list[bytes]) -> list[list[str]] | None:
        """The cells of each line of *window*; None when a line may not be a row by itself."""
        block = b"\n".join(window)
        if any([mark in block for mark in self._slow]):  # noqa: C419  a list is faster
            return None
        try:
            text = block.decode(self.dialect.encoding)
            return list(csv.reader(text.split("\n"), **self._reader))
        except (csv.Error, UnicodeDecodeError):
            return None

    def rows(
        self, lines: list[bytes], limit: int, final: bool, in_comment: bool = False
    ) -> list[Row]:
        """At most *limit* rows, blank ones included, with quotes and errors minded.

        With *in_comment* comments are rows too: the header may be one.
        """
        rows: list[Row] = []
        at, width = 0, max(limit, 2)
        while len(rows) < limit and at < len(lines):
            window = lines[at : at + width]
            last = at + len(window) == len(lines)
            found = self._parse(window, last and final, in_comment)
            if found:
                rows += found[: limit - len(rows)]
                at += sum(row.lines for row in found)
            elif last:
                break
            width = width if found else 2 * width  # an open row: look further
        return rows

    def _parse(self, lines: list[bytes], final: bool, in_comment: bool) -> list[Row]:
        """The rows that are complete within *lines*; if *final* an open row is an error."""
        encoding, comment = self.dialect.encoding, self.dialect.comment
        texts = [_text(line, encoding) + "\n" for line in lines]
        if self.dialect.escape:  # which would make an N of what is missing
            texts = [text.replace("\\N", "\\\\N") for text in texts]
        all_good = _encoding_error(lines, encoding) is None
        rows: list[Row] = []
        start = base = 0
        reader = csv.reader([*texts, _SENTINEL], **self._reader)
        while start < len(lines):
            if not in_comment and is_comment(texts[start].lstrip(), comment):
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
        return line.removeprefix(BOM).decode("utf-8", "surrogateescape")
    return line.decode(encoding, "replace")


def _encoding_error(lines: list[bytes], encoding: str) -> str | None:
    try:
        b"\n".join(lines).decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            return f"not {encoding}: {error.reason} at byte {error.start}"
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return None
