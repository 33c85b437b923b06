r"""The dialect of a CSV file, from its first lines.

Every candidate reads the lines, and the one whose rows agree best is taken: equally many
cells, as many as the header, and no other candidate left inside a cell.

>>> sniff([b"hour;load", b"0;20,5", b"1;21,98"]).describe()
"columns between semicolons, decimal mark ','"
>>> sniff([b"# station 7", b"hour,load", b"h,MW", b"0,20.5", b"1,21", b"2,22"]).describe()
"comment lines with '#', 2 header rows"
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from .. import times
from ..missing import is_marker
from .dialect import Dialect
from .numbers import SPACES, Numbers
from .units import number_in, units_of

SAMPLE = 100  # lines that are looked at
ALIKE = 4  # rows of one width that are a table
DELIMITERS = ",;\t| "
COMMENTS = ("#", "%", "//")
STYLES = (
    Numbers(),
    Numbers(".", " "),
    Numbers(".", "'"),
    Numbers(".", ","),
    Numbers(",", " "),
    Numbers(",", "."),
    Numbers(","),
)
_LIKE_NUMBERS = re.compile(r"[-+\d.,' \u00a0\u202feE]*").fullmatch  # in any style
_UNIT_ROWS = 2  # rows below the names that may be units or types


def sniff(
    lines: Sequence[bytes], given: dict[str, Any] | None = None, headed: bool = True
) -> Dialect:
    """The dialect of a file that begins with *lines*; what is *given* is taken as it is.

    Where all is text, *headed* says whether the first row is a header.
    """
    given = dict(given or {})
    encoding = given.setdefault("encoding", _encoding(lines))
    texts = [line.decode(encoding, "replace").removeprefix("\ufeff") for line in lines[:SAMPLE]]
    texts = [text.rstrip("\r") for text in texts]
    skip = given.get("skip_lines")
    if texts and (found := re.fullmatch(r"sep=(.)", texts[0])) and not skip:
        given.setdefault("delimiter", found[1])
        skip = 1
    comment = given.setdefault("comment", _comment(texts[skip or 0 :]))
    best = max(_readings(texts, given, skip, comment), key=lambda reading: reading.score)
    given |= {"delimiter": best.delimiter, "quote": best.quote, "skip_lines": best.skip}
    return _finish(best, given, texts, headed)


class Reading(NamedTuple):
    """The lines as one candidate reads them."""

    score: tuple
    delimiter: str
    quote: str
    skip: int
    rows: list[list[str]]


def _readings(texts: list[str], given: dict, skip: int | None, comment: str) -> Iterator[Reading]:
    for preference, delimiter in enumerate(given.get("delimiter") or DELIMITERS):
        quote = given.get("quote") or ("'" if _is_quoted_singly(texts, delimiter) else '"')
        yield _reading(texts, delimiter, quote, skip, comment, preference)


def _reading(
    texts: list[str], delimiter: str, quote: str, skip: int | None, comment: str, preference: int
) -> Reading:
    rows, numbers = [], []  # and the number of the line at which each row begins
    at = skip or 0
    for cells, lines in _cells(texts[at:], delimiter, quote):
        text = texts[at].lstrip()
        if cells and any(cells) and not (comment and text.startswith(comment)):
            rows.append(cells)
            numbers.append(at)
        at += lines
    if not rows:
        return Reading((False, 0.5, True, -preference), delimiter, quote, skip or 0, [])
    widths = [len(row) for row in rows]
    usual = Counter(widths[len(widths) // 3 :]).most_common(1)[0][0]
    first = 0
    if skip is None:  # titles before the header: short rows before the usual ones
        short, filled = min(usual, max(2, usual - 1)), [_filled(row) for row in rows]
        while first < len(rows) - 1 and filled[first] < short and not _is_table(filled[first:]):
            first += 1
    rows, widths = rows[first:], widths[first:]
    alike = sum(width == usual for width in widths) / (len(widths) + first)
    header = widths[0] in (usual, usual - 1)
    others = [mark for mark in DELIMITERS if mark not in (delimiter, " ")]
    clean = [_is_clean(cell, others) for row in rows for cell in row]
    fit = alike * header * sum(clean) / len(clean)
    score = (usual > 1 and fit > 0.5, fit, delimiter != " ", -preference)
    return Reading(score, delimiter, quote, numbers[first] if first else skip or 0, rows)


def _filled(row: list[str]) -> int:
    """Cells up to the last that is not empty: a spreadsheet writes titles as wide as the table."""
    return max((n for n, cell in enumerate(row, 1) if cell.strip()), default=0)


def _is_table(widths: list[int]) -> bool:
    """Whether rows of these widths begin with a table, which no title before another one is."""
    return len(widths) >= ALIKE and widths[0] > 2 and len(set(widths[:ALIKE])) == 1


def _is_clean(cell: str, others: list[str]) -> bool:
    """Whether no other delimiter is in a cell, unless it is a number or a sentence."""
    if not any(mark in cell for mark in others):
        return True
    number = number_in(cell)
    return any(style.is_strict(number) for style in STYLES) or ", " in cell


def _cells(texts: Sequence[str], delimiter: str, quote: str) -> Iterator[tuple[list[str], int]]:
    """The rows, each with how many lines it takes; a last one that is open is left out."""
    texts = [text.rstrip() if delimiter == " " else text for text in texts]
    reader = csv.reader(
        [*(text + "\n" for text in texts), "\x1e"],
        delimiter=delimiter,
        quotechar=quote,
        skipinitialspace=delimiter == " ",
    )
    before = 0
    while before < len(texts):
        try:
            cells = next(reader)
        except csv.Error:
            before = reader.line_num
            continue
        if reader.line_num > len(texts):
            return
        yield cells, reader.line_num - before
        before = reader.line_num


def _is_quoted_singly(texts: list[str], delimiter: str) -> bool:
    """Whether cells stand in '…', all that begin so."""
    if any('"' in text for text in texts):
        return False
    cells = [cell.strip() for text in texts for cell in text.split(delimiter)]
    opened = [cell for cell in cells if cell.startswith("'")]
    return bool(opened) and all(len(cell) > 1 and cell.endswith("'") for cell in opened)


def _encoding(lines: Sequence[bytes]) -> str:
    """UTF-8, or Windows-1252 where no letter beyond ASCII is UTF-8 and all could be Latin."""
    data = b"\n".join(lines[:SAMPLE])
    try:
        data.decode()
    except UnicodeDecodeError:
        if re.search(rb"[\xc2-\xf4][\x80-\xbf]", data):
            return "utf-8"  # and a damaged line
        odd = re.findall(rb"[\x80-\xff]", data)
        if all(byte in _LATIN for byte in odd):
            return "cp1252"
    return "utf-8"


_LATIN = frozenset(
    letter.encode("cp1252") for letter in "äöüßÄÖÜàâçéèêëîïôùûñáíóúåæøÅÆØãõ°µ²³€£±·ìòÀÉÈÊÑÓÚÍÁ§½¼"
)


def _comment(texts: list[str]) -> str:
    """What comment lines begin with, "" where there are none."""
    for mark in COMMENTS:
        marked = [text for text in texts if text.lstrip().startswith(mark)]
        if marked and len(marked) < len([text for text in texts if text.strip()]):
            return mark
    return ""


# What the rows say -----------------------------------------------------------------------


def _finish(best: Reading, given: dict[str, Any], texts: list[str], headed: bool) -> Dialect:
    rows = best.rows
    usual = Counter(len(row) for row in rows[1:] or rows).most_common(1)[0][0] if rows else 1
    padded = given.get("padded")
    if padded is None:
        given["padded"] = padded = _is_padded(rows)
    if padded:
        rows = [[cell.strip() for cell in row] for row in rows]
    ends_empty = bool(rows[1:]) and usual > 1
    ends_empty = ends_empty and all(row[-1] == "" for row in rows[1:] if len(row) == usual)
    header = rows[0] if rows else []
    given.setdefault("trailing", ends_empty and (len(header) < usual or header[-1] == ""))
    width = usual - given["trailing"]
    columns = _columns(_below_units(rows), width)
    if "units" not in given:
        given["units"] = [*units_of(columns)]
    if "decimal" not in given or "thousands" not in given:
        bare = Numbers(units=tuple(given["units"])).bare
        columns = [list(map(bare, column)) for column in columns] if given["units"] else columns
        found = _numbers(columns, best.delimiter, given)
        given |= {"decimal": found.decimal, "thousands": found.thousands or ""}
    if "header_rows" not in given:
        given["header_rows"] = _header_rows(rows, width, given, headed)
    given.setdefault("row_names", given["header_rows"] > 0 and len(header) == width - 1 > 0)
    if given["header_rows"] == 0 and given["comment"] and not given.get("skip_lines"):
        _commented_header(given, texts, width)
    return Dialect(**given)


def _below_units(rows: list[list[str]]) -> list[list[str]]:
    """The rows without the first, and without units below it, which have no digit."""
    below = rows[1:]
    for _ in range(_UNIT_ROWS):
        if len(below) > 1 and not any(map(str.isdigit, "".join(below[0]))):
            below = below[1:]
    return below or rows


def _commented_header(given: dict[str, Any], texts: list[str], width: int) -> None:
    """The last comment before the data names the columns where it has as many cells."""
    mark = given["comment"]
    before = []
    for text in texts:
        if not text.lstrip().startswith(mark):
            break
        before.append(text)
    if before:
        names = before[-1].lstrip().removeprefix(mark).strip()
        (cells, _), *_ = [*_cells([names], given["delimiter"], given["quote"]), ([], 0)]
        if len(cells) == width > 1:
            given |= {"skip_lines": len(before) - 1, "header_rows": 1, "in_comment": True}


def _is_padded(rows: list[list[str]]) -> bool:
    """Whether each cell after the first has a space before it, or one around it."""
    after = [cell for row in rows for cell in row[1:] if cell]
    return len(after) > 1 and all(cell[0] == " " or cell[-1] == " " for cell in after)


def _columns(rows: list[list[str]], width: int) -> list[list[str]]:
    """The cells of each column that are not missing."""
    full = [row for row in rows if len(row) >= width]
    columns = [[row[at] for row in full] for at in range(width)]
    return [[cell for cell in column if not is_marker(cell)] for column in columns]


def _numbers(columns: list[list[str]], delimiter: str, given: dict[str, Any]) -> Numbers:
    """The style in which most columns are numbers, cell by cell."""
    styles = [
        style
        for style in STYLES
        if given.get("decimal") in (None, style.decimal)
        and ("thousands" not in given or (given["thousands"] or None) == style.thousands)
    ]
    if delimiter == ";":  # chosen because commas are decimal marks
        styles.sort(key=lambda style: style == Numbers(".", ","))
    if not styles:
        return Numbers(given.get("decimal", "."), given.get("thousands") or None)

    columns = [column for column in columns if _are_like_numbers(column)]

    def read(style: Numbers) -> tuple[int, int]:
        """Columns that are mostly numbers in this style, and cells that are."""
        cells = sum(style.is_strict(cell) for column in columns for cell in column)
        return sum(_most(column, style) for column in columns), cells

    plain = styles[0]
    if read(plain) == (len(columns), sum(map(len, columns))):
        return plain
    best = max(styles, key=read)
    if read(best) <= read(plain):
        return plain
    marks = SPACES if best.thousands == " " else best.thousands or ""
    grouped = any(mark in cell.strip() for column in columns for cell in column for mark in marks)
    return best if grouped else best._replace(thousands=given.get("thousands"))


def _are_like_numbers(column: list[str]) -> bool:
    """Whether nearly all cells are made of what numbers are made of, and are no names as 007."""
    if any(len(c) > 1 and c[0] == "0" and c.isdigit() for c in column):
        return False
    return bool(column) and sum(bool(_LIKE_NUMBERS(c)) for c in column) >= 0.9 * len(column)


def _most(column: list[str], style: Numbers) -> bool:
    """Whether nearly all cells are numbers in that style."""
    return _mostly(map(style.is_strict, column))


def _mostly(answers: Iterable[bool]) -> bool:
    """Whether nearly all *answers* are yes."""
    every = list(answers)
    return sum(every) >= 0.9 * len(every)


def _header_rows(rows: list[list[str]], width: int, given: dict[str, Any], headed: bool) -> int:
    """How many rows name the columns: 0 if the first is as the others are."""
    style = Numbers(given["decimal"], given["thousands"] or None, tuple(given["units"]))
    if not rows:
        return int(headed)

    def is_data(cell: str) -> bool:
        return style.read(cell) is not None or times.looks_like(cell)

    def has_data(row: list[str]) -> bool:
        return any(map(is_data, row))

    rest = _columns(rows[1 + _UNIT_ROWS :] or rows[1:], width)
    counted = [at for at, cells in enumerate(rest) if cells and _mostly(map(is_data, cells))]
    if not rows[1:] or not counted:
        values = [cell for cell in rows[0] if not is_marker(cell)]
        return 0 if values and all(map(is_data, values)) else int(headed)
    offset = width - len(rows[0]) if len(rows[0]) == width - 1 else 0
    names = [rows[0][at - offset] for at in counted if 0 <= at - offset < len(rows[0])]
    if names and all(is_data(name) or is_marker(name) for name in names):
        return 0 if any(map(is_data, names)) else 1
    count = 1
    for row in rows[1 : 1 + _UNIT_ROWS] if len(rows) > 2 + _UNIT_ROWS else []:
        if has_data(row) or all(is_marker(row[at]) for at in counted if at < len(row)):
            break
        count += 1
    return count
