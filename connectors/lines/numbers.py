"""Text cells to numbers: what a CSV field means.

A cell is an ``int`` or ``float`` when all of it is a decimal number, None (missing) when it
is empty, NaN when it says so, and text otherwise.

>>> [convert(cell) for cell in ("3", " -2.5e3", "", "nan", "12:30", "1_000")]
[3, -2500.0, None, nan, '12:30', '1_000']
"""

import re
from typing import Any

import msgspec

_number = re.compile(r"\s*[+-]?(?:\d+(\.\d*)?|(\.\d+))([eE][+-]?\d+)?\s*", re.ASCII).fullmatch
_not_finite = frozenset(
    sign + word for sign in ("", "+", "-") for word in ("nan", "inf", "infinity")
)
_numbers = msgspec.json.Decoder(list[int | float]).decode


def convert(cell: str) -> Any:
    """The value of one cell."""
    if not cell:
        return None
    found = _number(cell)
    if found is None:
        return float(cell) if cell.strip().lower() in _not_finite else cell
    if found[1] is found[2] is found[3] is None:
        try:
            return int(cell)
        except ValueError:  # longer than Python converts
            return float(cell)
    return float(cell)


def convert_column(cells: tuple[str, ...]) -> list[Any]:
    """The values of *cells*, each as `convert` gives it.

    A column of plain numbers is read as one JSON array, in compiled code and with the same
    results: a cell with a comma in it would change the count, anything else JSON refuses.
    """
    try:
        values = _numbers("[" + ",".join(cells) + "]")
        if len(values) == len(cells):
            return values
    except (ValueError, RecursionError):
        pass
    return list(map(convert, cells))
