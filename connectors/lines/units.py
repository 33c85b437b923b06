"""What stands behind or before all numbers of a column: a unit, a currency, a percent sign."""

import re
from collections import Counter
from collections.abc import Sequence

CURRENCIES = frozenset(
    ("$", "€", "£", "¥", "₹", "₩", "₽", "R$", "US$", "A$", "C$", "USD", "EUR", "GBP", "CHF", "JPY")
)
FEWEST = 3  # cells of a column that tell
LONGEST = 12  # characters of a unit
SIGNS = "%‰°$€£¥₹₩₽"  # that are units without a letter
NEARLY = 0.9  # share of the cells that have it
TIMES = frozenset(("am", "pm", "a.m.", "p.m.", "z"))  # which belong to a time of day

_PARTS = re.compile(r"([-+]?)([^\d\s+\-.,']*)\s*([-+]?\d[\d.,'\s]*|[-+]?[.,]\d+)([^\d]*)").fullmatch


def units_of(columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The units of columns whose cells are not missing, in the order of the columns.

    >>> units_of([["12 kW", "7,5 kW", "3 kW"], ["$1.50", "$2", "-$3"], ["A1", "A2", "A3"]])
    ('kW', '$')
    """
    found: dict[str, None] = {}
    for column in columns:
        unit = _unit(column)
        if unit:
            found[unit] = None
    return tuple(found)


def number_in(cell: str) -> str:
    """What is left of a cell without what may be a unit.

    >>> number_in(" 1.234,5 € "), number_in("Ulm, 3")
    ('1.234,5', 'Ulm, 3')
    """
    found = _PARTS(cell.strip())
    return cell if found is None or _affix(cell.strip()) is None else found[3].strip()


def _unit(column: Sequence[str]) -> str | None:
    if len(column) < FEWEST:
        return None
    counts = Counter(_affix(cell.strip()) for cell in column)
    (unit, count), *_ = counts.most_common(1)
    return unit if count >= NEARLY * len(column) else None


def _affix(cell: str) -> str | None:
    """The unit of one cell."""
    found = _PARTS(cell)
    if found is None:
        return None
    _, before, _, after = found.groups()
    after = after.strip()
    if bool(before) == bool(after) or len(after) > LONGEST or after.casefold() in TIMES:
        return None
    if after and not any(sign.isalpha() or sign in SIGNS for sign in after):
        return None  # quotes, parentheses and dashes are no units
    return after if after else before if before in CURRENCIES else None
