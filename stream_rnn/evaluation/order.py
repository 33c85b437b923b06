"""The times of a file: their order, spacing, gaps and repeats, before anything is scored."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any, NamedTuple

from connectors import times
from connectors.base import Record, Source
from connectors.day_first import find_day_first

from ..features.missing import is_missing
from ..features.paths import ABSENT, getter
from .share import Share
from .whole import WholeSource

YEAR = 31_557_600.0  # seconds
CYCLES = {YEAR / 12: "month", YEAR / 4: "quarter", YEAR: "year"}  # of unequal lengths
UNITS = (("day", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))


class Order(NamedTuple):
    """What the times of a stream say, in seconds."""

    number: int
    first: float
    last: float
    spacing: float  # the usual one, 0 where there is none
    gaps: int  # steps of more than one and a half spacings
    repeats: int  # records of the same time as the one before
    backwards: int  # steps back
    day_first: times.First

    @property
    def direction(self) -> str:
        """One of "forwards", "backwards", "restarts" (a few steps back) and "shuffled"."""
        steps = max(1, self.number - 1)
        if not self.backwards:
            return "forwards"
        if self.backwards + self.repeats == steps:
            return "backwards"
        if self.backwards / steps > 0.5:
            return "backwards"
        return "restarts" if self.backwards <= 0.05 * steps else "shuffled"

    def describe(self) -> str:
        """In one line.

        >>> find_order(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05"]).describe()
        '4 times from 2024-01-01 to 2024-01-05, every day, 1 gap, forwards'
        """
        low, high = sorted((self.first, self.last))
        said = [f"{self.number:,} times from {_moment(low)} to {_moment(high)}"]
        if self.spacing:
            said.append(f"every {_duration(self.spacing)}")
        if self.gaps:
            said.append(f"{self.gaps:,} gap{'s' * (self.gaps > 1)}")
        if self.repeats:
            said.append(f"{self.repeats:,} repeated")
        said.append(
            self.direction
            if self.direction != "restarts"
            else f"{self.backwards:,} step{'s' * (self.backwards > 1)} back"
        )
        return ", ".join(said)


def find_order(
    values: Sequence[Any], day_first: times.First = None, keys: Sequence[Any] | None = None
) -> Order | None:
    """The order of the times *values*, those of each key by itself; None if none can be read.

    Where neither *day_first* nor a time says whether the day or the month comes first, it is
    the one with which the times are in order.
    """
    known = [(v, None if keys is None else keys[i]) for i, v in enumerate(values)]
    known = [(value, key) for value, key in known if not is_missing(value)]
    if day_first is None:
        day_first = find_day_first(value for value, _ in known)
    choices = [day_first] if day_first is not None else [None, True, False]
    orders = [order for choice in choices if (order := _order(known, choice)) is not None]
    return min(orders, key=lambda order: (order.backwards, order.gaps), default=None)


def _order(known: Sequence[tuple[Any, Any]], day_first: times.First) -> Order | None:
    seconds: list[float] = []
    steps: list[float] = []
    before: dict[Any, float] = {}
    for value, key in known:
        try:
            now = times.seconds(value, day_first)
        except times.WhichDay:
            return None
        except times.NotATime:
            continue  # such a record is refused, later, with the reason
        if key in before:
            steps.append(now - before[key])
        before[key] = now
        seconds.append(now)
    if not seconds:
        return None
    sizes = [abs(step) for step in steps if step]
    usual = _usual(sizes)
    return Order(
        len(seconds),
        seconds[0],
        seconds[-1],
        usual,
        sum(size > 1.5 * usual for size in sizes),
        sum(step == 0 for step in steps),
        sum(step < 0 for step in steps),
        day_first,
    )


def times_of(
    source: Source,
    field: str,
    key: str | None = None,
    limit: int | None = None,
    progress: Callable[[int, float | None], None] | None = None,
) -> tuple[list[Any], list[Any] | None]:
    """What stands in the *field* of each record of *source*, and in the field of the *key*."""
    get, whose = getter(field), getter(key or "")
    found: list[Any] = []
    keys: list[Any] = []
    share = Share(source)
    while not source.finished and (limit is None or len(found) < limit):
        room = 10_000 if limit is None else min(10_000, limit - len(found))
        for record in source.next_batch(room, timeout=0):
            if record.value is not None:
                value = get(record.value)
                found.append(None if value is ABSENT else value)
                keys.append(whose(record.value) if key else None)
        if progress is not None:
            progress(len(found), share(len(found)))
    return found, keys if key else None


class SortedSource(WholeSource):
    """The records of a source in the order of their times; those without one come first."""

    def __init__(self, source: Source, field: str, day_first: times.First = None):
        get = getter(field)

        def when(record: Record) -> float:
            if record.value is None:
                return float("-inf")
            try:
                return times.seconds(get(record.value), day_first)
            except times.NotATime:
                return float("-inf")

        super().__init__(source, lambda records: sorted(records, key=when))


def _usual(sizes: Sequence[float]) -> float:
    """The median of *sizes*, or the mean length of a month, quarter or year where it is one.

    >>> day = 86400.0
    >>> CYCLES[_usual([31 * day, 28 * day, 31 * day])], _usual([30 * day, 30 * day]) / day
    ('month', 30.0)
    """
    usual = median(sizes) if sizes else 0.0
    if len(set(sizes)) < 2:
        return usual
    for mean in CYCLES:
        if abs(usual - mean) < 0.03 * mean and min(sizes) > 0.9 * mean:
            return mean
    return usual


def _moment(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds").removesuffix("+00:00")
    return text.removesuffix(":00").removesuffix(" 00:00")


def _duration(seconds: float) -> str:
    if seconds in CYCLES:
        return CYCLES[seconds]
    for unit, size in UNITS:
        if seconds >= size:
            count = seconds / size
            if unit == "day":
                return "day" if count == 1 else f"{count:g} days"
            return f"{count:.4g} {unit}"
    return f"{seconds:g} s"
