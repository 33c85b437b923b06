"""The first lines of a file as each candidate delimiter and quote reads them.

Every candidate reads the lines, and the one whose rows agree best is taken: equally many
cells, as many as the header, and no other candidate left inside a cell.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .dialect import is_comment
from .numbers import STYLES
from .units import number_in

ALIKE = 4  # rows of one width that are a table
USUAL = ",;\t| "
DELIMITERS = USUAL + "^~¦\x01"
_ESCAPED = re.compile(r"""\\["'](?!\s*(?:[,;\t|]|$))""")  # a quote within a cell
LONGEST = 40  # characters of a number


class Reading(NamedTuple):
    """The lines as one candidate reads them."""

    score: tuple
    delimiter: str
    quote: str
    skip: int
    rows: list[list[str]]


def readings(texts: list[str], given: dict, skip: int | None, comment: str) -> Iterator[Reading]:
    for preference, delimiter in enumerate(given.get("delimiter") or DELIMITERS):
        quote = given.get("quote") or ("'" if _is_quoted_singly(texts, delimiter) else '"')
        yield _reading(texts, delimiter, quote, given["escape"], skip, comment, preference)


def _reading(
    texts: list[str],
    delimiter: str,
    quote: str,
    escape: str,
    skip: int | None,
    comment: str,
    preference: int,
) -> Reading:
    rows, numbers = [], []  # and the number of the line at which each row begins
    at = skip or 0
    for cells, lines in rows_in(texts[at:], delimiter, quote, escape):
        if cells and any(cells) and not is_comment(texts[at].lstrip(), comment):
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
    others = [mark for mark in USUAL if mark not in (delimiter, " ")]
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
    if ", " in cell or not any(mark in cell for mark in others):
        return True
    number = number_in(cell)
    return len(number) <= LONGEST and any(style.is_strict(number) for style in STYLES)


def rows_in(
    texts: Sequence[str], delimiter: str, quote: str, escape: str = ""
) -> Iterator[tuple[list[str], int]]:
    """The rows, each with how many lines it takes; a last one that is open is left out."""
    texts = [text.rstrip() if delimiter == " " else text for text in texts]
    reader = csv.reader(
        [*(text + "\n" for text in texts), "\x1e"],
        delimiter=delimiter,
        quotechar=quote,
        skipinitialspace=delimiter == " ",
        escapechar=escape or None,
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


def escape_of(texts: list[str]) -> str:
    """A backslash where it makes a quote a part of its cell, as MySQL writes; "" elsewhere.

    >>> escape_of(['"a ' + chr(92) + '"b' + chr(92) + '" c",1']), escape_of(['"a ""b"" c",1'])
    ('\\\\', '')
    """
    return "\\" if any(map(_ESCAPED.search, texts)) else ""
