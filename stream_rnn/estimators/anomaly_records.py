"""From records to the table of numbers an anomaly detector takes."""

from array import array
from collections.abc import Sequence
from datetime import date
from math import inf, nan
from typing import Any, NamedTuple

import numpy as np

from ..errors import BadRecord
from ..features.calendar import DAY, wall_days
from ..features.cells import PLAIN
from ..features.missing import is_missing
from .series_records import LARGEST


class Table(NamedTuple):
    """Values (T, F) of the fields *names*, NaN where missing, and times (T,) in seconds.

    ``widths[t]`` fields were known by record t.
    """

    names: list[Any]
    values: np.ndarray
    times: np.ndarray
    widths: list[int]


def table(xs: Sequence[dict], known: list[Any], timestamp: str) -> Table:
    """The numeric fields of *xs*: first those *known*, then others as they appear.

    Datetimes are missing, and *timestamp* is no field.  Raises `BadRecord` for what is no number.
    """
    names = dict.fromkeys(known)
    for x in xs:
        if len(x) > len(names) or not names.keys() >= x.keys():
            names |= dict.fromkeys(x)
    names.pop(timestamp, None)
    columns = {}
    for name in names:
        columns[name] = _column([x.get(name) for x in xs], name)
    first = {n: int(np.argmin(np.isnan(c))) for n, c in columns.items() if not np.isnan(c).all()}
    new = sorted((n for n in first if n not in set(known)), key=lambda n: first[n])
    order = [*known, *new]
    filled = np.full((len(xs), len(order)), nan)
    for f, name in enumerate(order):
        if name in columns:
            filled[:, f] = columns[name]
    widths = np.full(len(xs), len(known))
    for name in new:
        widths[first[name] :] += 1
    return Table(order, filled, _times(xs, timestamp), widths.tolist())


def _column(values: list[Any], name: Any) -> np.ndarray:
    """Numbers (T,), NaN where missing."""
    try:  # the common case, without a Python step for each
        column = np.frombuffer(array("d", values))
    except (TypeError, OverflowError):
        column = np.array([_number(v, t, name) for t, v in enumerate(values)], np.float64)
    if np.abs(column).max(initial=0.0) <= LARGEST:  # not so with NaN or infinity either
        return column
    bad = np.flatnonzero(np.abs(column) > LARGEST)
    if len(bad):
        raise BadRecord(
            f"field {name!r}: {float(column[bad[0]])!r} is beyond ±{LARGEST:g}; give larger units, "
            "or None if it is missing",
            int(bad[0]),
        )
    return column


def _number(value: Any, index: int, name: Any) -> float:
    if is_missing(value) or isinstance(value, date):
        return nan
    try:
        read = PLAIN.read(value) if isinstance(value, str) else value
        found = inf if read is None else float(read)
    except (TypeError, ValueError, OverflowError):
        found = inf
    if found in (inf, -inf):
        raise BadRecord(f"field {name!r}: {value!r} is not a finite number; None if missing", index)
    return found


def _times(xs: Sequence[dict], timestamp: str) -> np.ndarray:
    """Seconds by the clock on the wall, NaN where there is no time."""
    times = np.full(len(xs), nan)
    for t, x in enumerate(xs):
        if not is_missing(value := x.get(timestamp)):
            try:
                times[t] = wall_days(value) * DAY
            except ValueError as error:
                raise BadRecord(f"{timestamp}: {error}", t) from None
    return times
