"""Rows with their times on the way to a forecaster: what is refused, what is filled in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import BadRecord
from .dated_frames import Row
from .dated_layout import Layout
from .expected_season import told
from .protocol import bad_records
from .series_clock import SeriesClock

Clocks = dict[Any, SeriesClock]  # by key
CHUNK = 10_000  # records learned at once


def check(rows: Sequence[Row], layout: Layout, clocks: Mapping[Any, SeriesClock]) -> None:
    """Raise `BadRecord` for the first time that does not come after the one before."""
    if layout.time is None:
        return
    last: Clocks = {}
    for row in rows:
        clock = last.get(row.key) or clocks.get(row.key)
        if clock is not None:
            try:
                clock.check(row.time)
            except BadRecord as bad:
                raise BadRecord(f"{layout.named(row.key)}{bad}") from None
        last[row.key] = now = SeriesClock()
        now.times.append(row.time)


def check_values(rows: Sequence[Row], layout: Layout, estimator: Any) -> None:
    """Raise `BadRecord` for the first value or input that *estimator* would refuse."""
    for group in grouped(rows).values():
        found = bad_records(estimator, [row.x for row in group], [row.y for row in group])
        for index, fault in found.items():
            row = group[index]
            raise BadRecord(f"{layout.named(row.key)}{row.time}: {fault}")


def grouped(rows: Sequence[Row]) -> dict[Any, list[Row]]:
    """The rows of each key."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return groups


def clocked(rows: Sequence[Row], clocks: Clocks, fill: bool = True) -> Iterator[Row]:
    """The *rows*, each after those that are missing before it; the *clocks* go on with them.

    A row without a time has the number of those before it.
    """
    for row in rows:
        clock = clocks.get(row.key)
        if clock is None:
            clock = clocks[row.key] = SeriesClock()
        time = clock.count if row.time is None else row.time
        before, spacing = (clock.times[-1] if clock.times else None), clock.spacing
        missing = clock.take(time)
        if fill and spacing is not None:
            for k in range(1, missing + 1):
                yield Row(row.key, spacing.after(before, k), None, {})
        yield row._replace(time=time)


def parts(rows: Sequence[Row], clocks: Clocks, fill: bool) -> Iterator[tuple[list[Row], int]]:
    """The rows of `clocked` in parts that are learned at once, each with a season, mostly 0.

    It is what the times of the series of the part's last row tell, from that row on.
    """
    part: list[Row] = []
    for row in clocked(rows, clocks, fill):
        part.append(row)
        clock = clocks[row.key]
        season = told(clock.times, clock.count) if row.time == clock.times[-1] else 0
        if season > 0 or len(part) == CHUNK:
            yield part, season
            part = []
    if part:
        yield part, 0
