"""Which column of a frame is the id, which the time, which the target, and what the times are."""

import re
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals.stable.v2 as nw

from connectors import times

from ..errors import ConfigError, suggest
from ..features.missing import is_missing

ID, TIME, TARGET = "unique_id", "ds", "y"  # as they are usually called
COUNTED = "step"  # the time of series without one
_HAS_ZONE = re.compile(r"\d\s*(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$", re.ASCII | re.IGNORECASE)


class Layout(NamedTuple):
    """What the columns of a frame are, and how one like it is made."""

    backend: Any  # the name of the library
    id: str | None
    time: str | None  # None where rows are counted
    target: str
    features: tuple[str, ...]
    kind: str  # of the times: "datetime", "date", "whole" or "number"
    zone: str | None  # the name of their time zone; "offset" where each has its own
    in_index: bool  # whether the time is the index (of pandas)
    unit: Any = "us"  # of the times

    def named(self, key: Any) -> str:
        """How a message about the series *key* begins."""
        return "" if self.id is None else f"{self.id} = {key!r}: "


def layout_of(
    frame: nw.DataFrame,
    in_index: bool,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    *,
    known: bool = True,
) -> Layout:
    """The layout of *frame*; names that are None are found, the target's if its values are *known*.

    Raises `ConfigError`.
    """
    names = list(frame.columns)
    for what, name in (("id", id), ("time", time), ("target", target)):
        if name is not None and name not in names and (known or what != "target"):
            raise ConfigError(f"{what} = {name!r}: no such column; {suggest(name, names)}")
    if id is None and ID in names:
        id = ID
    time = time or _time_among(frame, [n for n in names if n not in (id, target)])
    if target is None:
        others = [name for name in names if name not in (id, time)]
        target = _target_among(frame, others) if known else TARGET
    kind, zone = ("whole", None) if time is None else _kind_of(frame[time])
    features = tuple(name for name in names if name not in (id, time, target))
    backend = frame.implementation.value
    dtype = None if time is None else frame[time].dtype
    unit = dtype.time_unit if isinstance(dtype, nw.Datetime) else "us"
    return Layout(backend, id, time, target, features, kind, zone, in_index, unit)


def _time_among(frame: nw.DataFrame, names: Sequence[str]) -> str | None:
    if TIME in names:
        return TIME
    kinds = [n for n in names if frame[n].dtype in (nw.Datetime, nw.Date)]
    dates = kinds or [n for n in names if _are_times(frame[n])]
    if len(dates) > 1:
        raise ConfigError(f"time: {', '.join(map(repr, dates))} are times; say which one it is")
    return dates[0] if dates else None


def _are_times(column: nw.Series) -> bool:
    """Whether a column of texts or objects holds times."""
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        return False
    few = [value for value in column.head(20).to_list() if not is_missing(value)]
    return bool(few) and all(
        isinstance(v, date) or (isinstance(v, str) and times.looks_like(v)) for v in few
    )


def _target_among(frame: nw.DataFrame, names: Sequence[str]) -> str:
    if TARGET in names:
        return TARGET
    numbers = [name for name in names if frame[name].dtype.is_numeric()]
    if len(numbers) != 1:
        found = ", ".join(map(repr, numbers)) or "no column"
        raise ConfigError(f"target: {found} could be it; say which one with target=")
    return numbers[0]


def _kind_of(column: nw.Series) -> tuple[str, str | None]:
    """The kind and the zone of a column of times."""
    dtype = column.dtype
    if isinstance(dtype, nw.Datetime):
        zone = dtype.time_zone
        return "datetime", zone if zone is None or zone_named(zone) is not None else "offset"
    if dtype == nw.Date:
        return "date", None
    values = [value for value in column.to_list() if not is_missing(value)]
    if dtype.is_integer():
        return ("datetime" if values and all(map(_is_day, values)) else "whole"), None
    if dtype.is_numeric():
        return "number", None
    if values and all(type(value) is date for value in values):
        return "date", None
    with_zone = [
        value.tzinfo is not None if isinstance(value, datetime) else _HAS_ZONE.search(str(value))
        for value in values
    ]
    return "datetime", "offset" if any(with_zone) else None


def _is_day(value: int) -> bool:
    """Whether a number is a day written as 20240131."""
    if not 19_000_101 <= value <= 21_001_231:
        return False
    try:
        date(value // 10_000, value // 100 % 100, value % 100)
    except ValueError:
        return False
    return True


def zone_named(name: str) -> tzinfo | None:
    """The zone of that name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
