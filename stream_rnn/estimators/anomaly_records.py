"""From records to the table of numbers an anomaly detector takes."""

from array import array
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from math import inf, nan
from typing import Any, NamedTuple

import numpy as np

from ..categories.values import text_of
from ..errors import BadRecord
from ..features.calendar import DAY, wall_days
from ..features.cells import PLAIN
from ..features.missing import is_missing
from .series_records import LARGEST


class Table(NamedTuple):
    """Values (T, F) of the fields *names*, NaN where missing, and times (T,) in seconds.

    ``widths[t]`` fields were known by record t.  Where field f holds text, ``texts[f]`` has the
    values, None where missing, and the column has 0.
    """

    names: list[Any]
    values: np.ndarray
    times: np.ndarray
    widths: list[int]
    texts: dict[int, list[str | None]]


class Kinds(NamedTuple):
    """The fields *known* so far, which of them hold *texts*, and the *rules* for some."""

    known: Sequence[Any]
    texts: Collection[Any]
    rules: Mapping[Any, str]


def table(xs: Sequence[dict], kinds: Kinds, timestamp: str) -> Table:
    """The fields of *xs*: first those known, then others as they appear.

    A field holds text if its first value is text and no number, or its rule says so.  Datetimes
    are missing, and *timestamp* is no field.  Raises `BadRecord` for what is no number.
    """
    known = kinds.known
    names = dict.fromkeys(known)
    for x in xs:
        if len(x) > len(names) or not names.keys() >= x.keys():
            names |= dict.fromkeys(x)
    names.pop(timestamp, None)
    columns, texts = {}, {}
    for name in names:
        if kinds.rules.get(name) == "leave":
            continue
        column = [x.get(name) for x in xs]
        if _is_text(name, column, kinds):
            texts[name] = [None if is_missing(value) else text_of(value) for value in column]
            columns[name] = np.array([nan if text is None else 0.0 for text in texts[name]])
        else:
            columns[name] = _column(column, name)
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
    by_place = {f: texts[name] for f, name in enumerate(order) if name in texts}
    return Table(order, filled, _times(xs, timestamp), widths.tolist(), by_place)


def _is_text(name: Any, column: list[Any], kinds: Kinds) -> bool:
    if name in kinds.texts or name in kinds.rules:
        return True
    if name in kinds.known:
        return False
    for value in column:
        if not is_missing(value):
            return isinstance(value, str) and PLAIN.read(value) is None
    return False


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
        raise BadRecord(
            f"field {name!r}: {value!r} is not a finite number; None if missing; if these are "
            f'names, say features.categorical = {{{name} = "statistics"}}',
            index,
        )
    return found


def _times(xs: Sequence[dict], timestamp: str) -> np.ndarray:
    """Seconds by the clock on the wall, NaN where there is no time."""
    times = np.full(len(xs), nan)
    for t, x in enumerate(xs):
        times[t] = seconds(x.get(timestamp), timestamp, t)
    return times


def seconds(value: Any, timestamp: str, index: int) -> float:
    """A time by the clock on the wall, NaN where there is none; raises `BadRecord`."""
    if is_missing(value):
        return nan
    try:
        return wall_days(value) * DAY
    except ValueError as error:
        raise BadRecord(f"{timestamp}: {error}", index) from None
