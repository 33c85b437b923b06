"""What comes first in the dates of a column: the day, the month, or a year of two digits.

A date such as 13/02/2024 tells by itself.  In 24-01-02 the day or the year may be first: what
decides is the reading in which the dates are in order, with the fewest gaps, or else the one in
which they are closest together, for the others make months of days, or years.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import inf
from statistics import median
from typing import Any

from .time_forms import YEAR_LAST
from .times import First, NotATime, Order, possible_orders, seconds

MOST = 10_000  # dates that are looked at where none tells by itself
IN_ORDER = 0.05  # of the steps may go the other way


def find_day_first(values: Iterable[Any]) -> First:
    """True for the day, False for the month, "year"; None if none of the *values* tells.

    A single date is not taken to begin with the year if it may begin with the day.

    >>> find_day_first(["01/02/2024", "13/02/2024"]), find_day_first(["01/02/2024"])
    (True, None)
    >>> find_day_first(["24-01-30", "24-01-31", "24-02-01"]), find_day_first(["24-01-30"])
    ('year', True)
    """
    possible: list[Order] = [True, False, "year"]
    looked_at: list[str] = []
    dotted = True
    for value in values:
        found = YEAR_LAST(value.strip()) if isinstance(value, str) else None
        if found is None or (found["mark"] == "." and len(found["year"]) == 4):
            continue
        mine = possible_orders(found)
        possible = [order for order in possible if order in mine] or possible
        dotted = dotted and found["mark"] == "."
        if len(possible) == 1:
            break
        if "year" in possible and len(looked_at) < MOST:
            looked_at.append(value)
    if "year" in possible and len(possible) > 1:
        stranger = {order: _strangeness(looked_at, order) for order in possible}
        year = stranger.pop("year") < min(stranger.values())
        possible = ["year"] if year else list(stranger)
    habit = dotted and possible == [True]  # which nothing but dots tells
    return possible[0] if len(possible) == 1 and not habit else None


def may_begin_with_the_year(value: Any) -> bool:
    """Whether a date could begin with the year or with something else: 24-01-02; not with dots."""
    found = YEAR_LAST(value.strip()) if isinstance(value, str) else None
    if found is None or found["mark"] == ".":
        return False
    possible = possible_orders(found)
    return "year" in possible and len(possible) > 1


def _strangeness(values: Sequence[str], order: Order) -> tuple[bool, int, float]:
    """Whether the times are out of order; gaps, if not; how far apart the first and the last are.

    A gap is a step of more than one and a half of the usual ones.
    """
    try:
        times = [seconds(value, order) for value in values]
    except NotATime:
        return True, 0, inf
    steps = [b - a for a, b in pairwise(times)]
    other_way = min(sum(step < 0 for step in steps), sum(step > 0 for step in steps))
    sizes = [abs(step) for step in steps if step]
    out, usual = other_way > IN_ORDER * len(steps), median(sizes) if sizes else 0.0
    gaps = 0 if out else sum(size > 1.5 * usual for size in sizes)
    return out, gaps, max(times, default=0.0) - min(times, default=0.0)
