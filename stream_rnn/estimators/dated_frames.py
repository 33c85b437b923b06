"""Frames of series: rows out of them, and frames like them out of rows.

A frame is long: a row for each value, with its time and, where there are many series, the id of
its own.  The names that Nixtla's libraries use, ``unique_id``, ``ds`` and ``y``, are known.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from connectors import times
from connectors.day_first import find_day_first

from ..errors import BadRecord, ConfigError
from ..features.missing import is_missing
from ..features.spacing import instant
from ..keys.key import key_of
from .dated_layout import COUNTED, TARGET, TIME, Layout, zone_named

Frame = Any  # of any library that narwhals reads


class Row(NamedTuple):
    """One value of a series."""

    key: Any
    time: Any
    y: Any
    x: dict[str, Any]


def opened(frame: Frame) -> tuple[nw.DataFrame, bool]:
    """*frame*, or a series, as narwhals' frame; and whether its times are in its index.

    Raises `ConfigError` for what is none.
    """
    if hasattr(frame, "collect") and not hasattr(frame, "to_pandas"):
        frame = frame.collect()  # of Polars, put off until now
    in_index = False
    if hasattr(frame, "index") and hasattr(frame, "reset_index"):
        if hasattr(frame, "to_frame") and not hasattr(frame, "columns"):
            frame = frame.to_frame(TARGET if frame.name is None else frame.name)
        index = frame.index
        if type(index).__name__ == "PeriodIndex":
            frame = frame.set_axis(index.to_timestamp().rename(index.name))
            index = frame.index
        in_index = type(index).__name__ == "DatetimeIndex"
        if in_index and index.name is None:
            frame = frame.rename_axis(TIME)
        if in_index or any(name is not None for name in index.names):
            frame = frame.reset_index()
    try:
        wrapped = nw.from_native(frame, eager_only=True, allow_series=True)
    except TypeError:
        raise ConfigError(
            f"{type(frame).__name__} is no data frame; give one of pandas, Polars or PyArrow"
        ) from None
    if isinstance(wrapped, nw.Series):
        wrapped = wrapped.alias(wrapped.name or TARGET).to_frame()
    return wrapped, in_index


def rows_of(frame: nw.DataFrame, layout: Layout, *, known: bool = True) -> list[Row]:
    """The rows of *frame* by key, each key's in order of time; *known* if they have a target.

    Raises `ConfigError` for a column that is not there, `BadRecord` for a time that is none.
    """
    wanted = [layout.id, layout.time, layout.target if known else None]
    for name in wanted:
        if name is not None and name not in frame.columns:
            raise ConfigError(f"the frame has no column {name!r}; it has {list(frame.columns)}")
    count = len(frame)
    keys: list[Any] = [None] * count
    if layout.id is not None:
        names = enumerate(frame[layout.id].to_list())
        keys = [key_of(name, layout.id, index) for index, name in names]
    ys = frame[layout.target].to_list() if known else [None] * count
    moments = read_times(frame, layout)
    features = [name for name in layout.features if name in frame.columns]
    values = [frame[name].to_list() for name in features]
    xs = [dict(zip(features, row)) for row in zip(*values)] if features else [{}] * count
    ys = [None if is_missing(y) else y for y in ys]
    rows = [Row(*each) for each in zip(keys, moments, ys, xs, strict=True)]
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    if layout.time is not None:
        for group in groups.values():
            group.sort(key=lambda row: instant(row.time))
    return [row for group in groups.values() for row in group]


def read_times(frame: nw.DataFrame, layout: Layout) -> list[Any]:
    """The times of the rows as Python's own; None for each where they are counted."""
    if layout.time is None:
        return [None] * len(frame)
    values = frame[layout.time].to_list()
    for index, value in enumerate(values):
        if is_missing(value):
            raise BadRecord(f"{layout.time}: row {index} has no time; leave it out", index)
    if layout.kind == "whole":
        return [int(value) for value in values]
    if layout.kind == "number":
        return [float(value) for value in values]
    day_first = find_day_first(values)
    return [_moment(value, layout, day_first, index) for index, value in enumerate(values)]


def made(
    layout: Layout, keys: Sequence[Any], moments: Sequence[Any], columns: Mapping[str, Any]
) -> Frame:
    """A frame of the library that *layout* names: ids, times, and *columns* by name.

    A column is a list of numbers, or of times where its name is that of one.
    """
    parts = []
    if layout.id is not None:
        parts.append(nw.new_series(layout.id, list(keys), backend=layout.backend))
    name = COUNTED if layout.time is None else layout.time
    parts.append(time_column(layout, name, moments))
    parts += [
        column if isinstance(column, nw.Series) else _numbers(layout, title, column)
        for title, column in columns.items()
    ]
    frame = nw.concat([part.to_frame() for part in parts], how="horizontal").to_native()
    return frame.set_index(name) if layout.in_index else frame


def time_column(layout: Layout, name: str, moments: Sequence[Any]) -> nw.Series:
    """A column of times like the one that was read."""
    backend = layout.backend
    if layout.kind in ("whole", "number"):
        as_read = int if layout.kind == "whole" else float
        return nw.new_series(name, [as_read(t) for t in moments], backend=backend)
    if layout.kind == "date":
        return nw.new_series(name, [t.date() for t in moments], backend=backend)
    unit = nw.Datetime("us")
    if layout.zone is None:
        plain = nw.new_series(name, list(moments), unit, backend=backend)
        return plain.cast(nw.Datetime(layout.unit))
    passed = [t.astimezone(UTC).replace(tzinfo=None) for t in moments]
    column = nw.new_series(name, passed, unit, backend=backend).dt.replace_time_zone("UTC")
    if layout.zone == "offset":
        return column
    column = column.dt.convert_time_zone(layout.zone)
    return column.cast(nw.Datetime(layout.unit, layout.zone))


def zone_of(layout: Layout) -> tzinfo | str | None:
    """What `series_clock.from_arrays` wants to know of the times."""
    if layout.kind in ("whole", "number") or layout.zone is None:
        return layout.kind if layout.kind in ("whole", "number") else None
    return zone_named(layout.zone) or "offset"


def _moment(value: Any, layout: Layout, day_first: times.First, index: int) -> datetime:
    """One time, in the zone of the column; raises `BadRecord`."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    if isinstance(value, datetime) and (value.tzinfo is None) != (layout.zone is None):
        known, this = ("a zone", "none") if layout.zone else ("no zone", "one")
        raise BadRecord(
            f"{layout.time}: row {index}: the times have {known}, and {value} has {this}", index
        )
    if not isinstance(value, datetime):
        if isinstance(value, date):
            value = datetime.combine(value, time())
        else:
            try:
                value = times.read(value, day_first)
            except times.NotATime as error:
                raise BadRecord(f"{layout.time}: row {index}: {error}", index) from None
    if layout.zone is None:
        return value.replace(tzinfo=None)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value if layout.zone == "offset" else value.astimezone(zone_named(layout.zone))


def _numbers(layout: Layout, name: str, values: Sequence[float]) -> nw.Series:
    return nw.new_series(name, list(values), nw.Float64, backend=layout.backend)
