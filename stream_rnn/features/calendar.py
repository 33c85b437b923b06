"""Time of day, of week and of year as sines and cosines.

A linear model on these columns can draw any smooth daily, weekly or yearly profile; the
k-th harmonic is the part that repeats k times a cycle.
"""

from collections.abc import Callable
from datetime import UTC
from math import cos, pi, sin
from typing import Any

from connectors.times import read

DAY = 86_400.0
WEEK_BEGAN = 4  # the epoch, 1970-01-01, was a Thursday; weeks begin on Monday

#: Cycles by name: default number of harmonics.
CYCLES = {"day": 4, "week": 3, "year": 2}


class Calendar:
    """From the time of a record to its place in daily, weekly and yearly cycles.

    *cycles* are names of `CYCLES`, each with its number of harmonics if it is not the
    default: ``"day"`` or ``"day:2"``.  Calling it with a time — a `date`, a `datetime`, or what
    else `connectors.times` reads — returns the columns.  A time with an offset counts by its own
    clock on the wall, one without as UTC.  Raises ValueError for an unknown cycle, and for a
    value that is no time.

    >>> calendar = Calendar("day:1", "week:1")
    >>> row = calendar("2014-07-03T06:00:00")  # a Thursday
    >>> {name: round(value, 3) for name, value in row.items()}
    {'day.sin1': 1.0, 'day.cos1': 0.0, 'week.sin1': 0.223, 'week.cos1': -0.975}
    >>> calendar(1404367200) == row  # the same moment in epoch seconds
    True
    """

    def __init__(self, *cycles: str):
        self.cycles: dict[str, int] = {}
        for entry in cycles:
            name, _, harmonics = str(entry).partition(":")
            if name not in CYCLES or (harmonics and not harmonics.isdecimal()):
                known = ", ".join(CYCLES)
                raise ValueError(f"{entry!r} is not a cycle; choose from {known}, or e.g. 'day:2'")
            self.cycles[name] = int(harmonics or CYCLES[name])
        self._columns = [
            (PHASES[name], 2 * pi * k, f"{name}.sin{k}", f"{name}.cos{k}")
            for name, harmonics in self.cycles.items()
            for k in range(1, harmonics + 1)
        ]

    def __call__(self, value: Any) -> dict[str, float]:
        """The columns for the time *value*; raises ValueError if it is not a time."""
        days = wall_days(value)
        row = {}
        for phase, factor, sine, cosine in self._columns:
            angle = factor * phase(days)
            row[sine], row[cosine] = sin(angle), cos(angle)
        return row

    def __repr__(self) -> str:
        cycles = ", ".join(repr(f"{name}:{count}") for name, count in self.cycles.items())
        return f"Calendar({cycles})"


def _of_day(days: float) -> float:
    return days % 1.0


def _of_week(days: float) -> float:
    return (days + WEEK_BEGAN - 1) % 7.0 / 7.0


def _of_year(days: float) -> float:
    return days % 365.2425 / 365.2425


PHASES: dict[str, Callable[[float], float]] = {
    "day": _of_day,
    "week": _of_week,
    "year": _of_year,
}


def wall_days(value: Any) -> float:
    """Days from 1970-01-01 00:00 to *value*, by the clock of its own time zone.

    Raises `connectors.times.NotATime`.

    >>> wall_days("1970-01-02T12:00:00+05:00"), wall_days("1970-01-03")
    (1.5, 2.0)
    """
    moment = read(value)
    return moment.replace(tzinfo=UTC).timestamp() / DAY
