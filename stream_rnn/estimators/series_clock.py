"""The time of a series: when its last values were, and when the next ones will be."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np

from ..errors import BadRecord
from ..features.spacing import Spacing, find_spacing, instant

WINDOW = 40  # times of which the spacing is found
LONGEST = 10_000  # missing values that are filled in, and no more than there were values
UNITS = ("number", "second", "day", "month")
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


class SeriesClock:
    """The times of one series, the last `WINDOW` of them, and their spacing.

    >>> clock = SeriesClock()
    >>> [clock.take(datetime(2024, 1, day)) for day in (1, 2, 3, 6)]
    [0, 0, 0, 2]
    >>> [t.day for t in clock.next(2)]
    [7, 8]
    """

    def __init__(self) -> None:
        self.times: deque[Any] = deque(maxlen=WINDOW)
        self.spacing: Spacing | None = None
        self.count = 0

    def take(self, now: Any) -> int:
        """The time *now* of the next value; how many are missing before it.

        Depends on the times before alone, not on how many of them come at once.  Raises
        `BadRecord` where it is not after the last one; nothing has changed then.
        """
        self.check(now)
        missing = 0
        before = self.times[-1] if self.times else None
        self.times.append(now)
        self.count += 1
        known = self.spacing
        if before is None:
            return 0
        if known is not None and known.is_regular:
            if instant(known.after(before)) == instant(now):
                return 0
            if not known.is_weekend(before, now):
                missing = max(0, known.steps(before, now) - 1)
        self.spacing = find_spacing(list(self.times))
        return missing if missing <= min(LONGEST, self.count) else 0

    def check(self, now: Any) -> None:
        """Raise `BadRecord` where *now* does not come after the last time."""
        last = self.times[-1] if self.times else None
        if last is None or instant(now) > instant(last):
            return
        if instant(now) == instant(last):
            raise BadRecord(
                f"there are two values at {now}; keep one of them, or their mean, or give the "
                "times a zone if the clock was put back"
            )
        raise BadRecord(f"{now} is before {last}, which has been learned; give what comes after it")

    def next(self, steps: int, spacing: Spacing | None = None) -> list[Any]:
        """The next times; *spacing* where there are too few to tell.  Raises `ValueError`."""
        spacing = self.spacing or spacing
        if spacing is None or not self.times:
            raise ValueError(
                "the dates of a forecast follow from at least two that were learned; "
                f"there {'is one' if self.times else 'are none'}"
            )
        return [spacing.after(self.times[-1], k) for k in range(1, steps + 1)]


# State ----------------------------------------------------------------------------------------


def to_arrays(clocks: Iterable[SeriesClock]) -> dict[str, np.ndarray]:
    """The *clocks* as arrays: times (n, WINDOW), those of a calendar in μs with an offset in s."""
    clocks = list(clocks)
    times = np.zeros((len(clocks), WINDOW))
    wall = np.zeros((len(clocks), WINDOW), np.int64)
    offset = np.zeros((len(clocks), WINDOW), np.int64)
    spacing = np.zeros((len(clocks), 5), np.float64)
    counts = np.array([(len(c.times), c.count) for c in clocks], np.int64).reshape(-1, 2)
    for n, clock in enumerate(clocks):
        for k, time in enumerate(clock.times):
            if isinstance(time, datetime):
                wall[n, k] = (time.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
                shift = time.utcoffset()
                offset[n, k] = 0 if shift is None else shift.total_seconds()
            elif isinstance(time, int):
                wall[n, k] = time
            else:
                times[n, k] = time
        if clock.spacing is not None:
            unit, *rest = clock.spacing
            spacing[n] = (UNITS.index(unit), *rest)
    return {
        "times": times, "wall": wall, "offset": offset, "spacing": spacing, "counts": counts,
    }  # fmt: skip


def from_arrays(arrays: dict[str, np.ndarray], zone: tzinfo | str | None) -> list[SeriesClock]:
    """The clocks of `to_arrays`; *zone* is theirs, or one of "number", "whole" and "offset".

    None is a clock without a zone, "offset" one whose times have an offset each.
    """
    clocks = []
    for n, (kept, count) in enumerate(arrays["counts"].tolist()):
        clock = SeriesClock()
        clock.count = count
        for k in range(kept):
            clock.times.append(_time(arrays, n, k, zone))
        unit, size, day, week, regular = arrays["spacing"][n].tolist()
        if size:
            clock.spacing = Spacing(UNITS[int(unit)], size, int(day), int(week), bool(regular))
        clocks.append(clock)
    return clocks


def _time(arrays: dict[str, np.ndarray], n: int, k: int, zone: tzinfo | str | None) -> Any:
    if zone == "number":
        return float(arrays["times"][n, k])
    if zone == "whole":
        return int(arrays["wall"][n, k])
    wall = _EPOCH + int(arrays["wall"][n, k]) * _MICROSECOND
    if zone is None:
        return wall
    shift = timedelta(seconds=int(arrays["offset"][n, k]))
    if isinstance(zone, str):
        return wall.replace(tzinfo=timezone(shift))
    return (wall - shift).replace(tzinfo=UTC).astimezone(zone)


def usual_spacing(clocks: Sequence[SeriesClock]) -> Spacing | None:
    """The spacing that most of the *clocks* have."""
    found: dict[Spacing, int] = {}
    for clock in clocks:
        if clock.spacing is not None:
            found[clock.spacing] = found.get(clock.spacing, 0) + 1
    return max(found, key=found.__getitem__, default=None)
