"""How the numbers of a file's columns are written, and whether its first row is a header."""

import re
from collections.abc import Iterable
from typing import Any

from .. import times
from ..missing import is_marker
from .numbers import SPACES, STYLES, Numbers

UNIT_ROWS = 2  # rows below the names that may be units or types
_LIKE_NUMBERS = re.compile(r"[-+\d.,' \u00a0\u202f\u2212()eE]*").fullmatch  # in any style


def cells_of(rows: list[list[str]], width: int) -> list[list[str]]:
    """The cells of each column that are not missing."""
    full = [row for row in rows if len(row) >= width]
    columns = [[row[at] for row in full] for at in range(width)]
    return [[cell for cell in column if not is_marker(cell)] for column in columns]


def number_style(columns: list[list[str]], delimiter: str, given: dict[str, Any]) -> Numbers:
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


def header_rows(rows: list[list[str]], width: int, given: dict[str, Any], headed: bool) -> int:
    """How many rows name the columns: 0 if the first is as the others are."""
    style = Numbers(given["decimal"], given["thousands"] or None, tuple(given["units"]))
    if not rows:
        return int(headed)

    def is_data(cell: str) -> bool:
        return style.read(cell) is not None or times.looks_like(cell)

    def has_data(row: list[str]) -> bool:
        return any(map(is_data, row))

    rest = cells_of(rows[1 + UNIT_ROWS :] or rows[1:], width)
    counted = [at for at, cells in enumerate(rest) if cells and _mostly(map(is_data, cells))]
    if not rows[1:] or not counted:
        values = [cell for cell in rows[0] if not is_marker(cell)]
        return 0 if values and all(map(is_data, values)) else int(headed)
    offset = width - len(rows[0]) if len(rows[0]) == width - 1 else 0
    names = [rows[0][at - offset] for at in counted if 0 <= at - offset < len(rows[0])]
    if names and all(is_data(name) or is_marker(name) for name in names):
        return 0 if any(map(is_data, names)) else 1
    count = 1
    for row in rows[1 : 1 + UNIT_ROWS] if len(rows) > 2 + UNIT_ROWS else []:
        if has_data(row) or all(is_marker(row[at]) for at in counted if at < len(row)):
            break
        count += 1
    return count
