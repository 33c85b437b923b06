"""How the times of a series follow one another: what comes next, what is missing in between.

Months and days are counted on the clock of the times' own zone, so that a daily series keeps its
hour over a change to summer time, and a monthly one its day or the month's end.  Whatever is
shorter than a day is counted in time that passes, so that an hourly series has its 23 and 25 hours.
"""

import calendar
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

LAST_DAY, LAST_WEEKDAY, FIRST_WEEKDAY = 31, 32, 33  # values of `Spacing.day`
EVERY_DAY, WEEKDAYS = 0b1111111, 0b0011111  # values of `Spacing.week`, Monday being bit 0
REGULAR = 0.5  # share of the usual step from which on a longer one is a gap
WEEK = timedelta(days=7)


class Spacing(NamedTuple):
    """The usual step: `size` units ("month", "day", "second" or "number").

    >>> days = [datetime(2024, 1, 31), datetime(2024, 2, 29), datetime(2024, 3, 31)]
    >>> find_spacing(days).after(days[-1]).isoformat()
    '2024-04-30T00:00:00'
    """

    unit: str
    size: float
    day: int = 0  # of the month; `LAST_DAY` is the month's end
    week: int = EVERY_DAY  # the days of the week on which there are values, a bit for each
    is_regular: bool = True  # most steps are of this size

    def after(self, last: Any, steps: int = 1) -> Any:
        """The time so many *steps* after *last*."""
        if self.unit == "number":
            return last + steps * self.size
        if self.unit == "month":
            return _normal(_in_month(last, steps * int(self.size), self.day))
        if self.unit == "day":
            return _normal(last + timedelta(days=self._days(last, steps)))
        passed = timedelta(seconds=steps * self.size)
        if last.tzinfo is None:
            return last + passed
        return (last.astimezone(UTC) + passed).astimezone(last.tzinfo)

    def steps(self, before: Any, now: Any) -> int:
        """How many steps, rounded, there are from *before* to *now*."""
        if self.unit == "number":
            return round((now - before) / self.size)
        if self.unit == "month":
            return round(_months(before, now) / self.size)
        if self.unit == "second":
            return round(_seconds(before, now) / self.size)
        days = now.toordinal() - before.toordinal()
        if self.week == EVERY_DAY:
            return round(days / self.size)
        weeks, rest = divmod(days, 7)
        kept = sum(self._holds(before.weekday() + k) for k in range(1, rest + 1))
        return weeks * self.week.bit_count() + kept

    def is_weekend(self, before: Any, now: Any) -> bool:
        """Whether between two days of a daily series there is a Saturday and a Sunday only."""
        return self[:2] == ("day", 1) and _is_weekend(before, now)

    def _holds(self, weekday: int) -> bool:
        return bool(self.week >> weekday % 7 & 1)

    def _days(self, last: datetime, steps: int) -> int:
        """Days from *last* to the value so many *steps* later."""
        if self.week == EVERY_DAY:
            return steps * int(self.size)
        weeks, rest = divmod(steps, self.week.bit_count())
        days = 7 * weeks
        while rest:
            days += 1
            rest -= self._holds(last.weekday() + days)
        return days


def find_spacing(times: Sequence[Any]) -> Spacing | None:
    """The spacing of *times* in increasing order; None where there are not two different ones.

    >>> find_spacing([datetime(2024, 1, d) for d in (1, 2, 3, 4, 5, 8, 9)]).week == WEEKDAYS
    True
    """
    if len(times) < 2 or times[0] == times[-1]:
        return None
    if not isinstance(times[0], datetime):
        return _usual("number", [float(b - a) for a, b in pairwise(times)])
    if len({(t.hour, t.minute, t.second, t.microsecond) for t in times}) > 1:
        return _usual("second", [_seconds(a, b) for a, b in pairwise(times)])
    day = _day_of_month(times)
    if day:
        found = _usual("month", [float(_months(a, b)) for a, b in pairwise(times)])
        return found and found._replace(day=day)
    steps = [float(b.toordinal() - a.toordinal()) for a, b in pairwise(times)]
    found = _usual("day", steps)
    if found is not None and found.size == 1:
        return found._replace(week=_days_of_week(times))
    return found


def instant(time: Any) -> Any:
    """*time* such that two of them compare as they follow; those of one zone compare by the clock.

    >>> from zoneinfo import ZoneInfo
    >>> first = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    >>> second = first.replace(fold=1)
    >>> first < second, instant(first) < instant(second)
    (False, True)
    """
    if isinstance(time, datetime) and time.tzinfo is not None:
        return time.astimezone(UTC)
    return time


def _seconds(before: datetime, now: datetime) -> float:
    return float((instant(now) - instant(before)).total_seconds())


def _usual(unit: str, steps: Sequence[float]) -> Spacing | None:
    """The step that most of *steps* are; else the shortest, if it is a measure of them all.

    Where there is neither, the steps are irregular, and the median is as good as any.
    """
    steps = sorted(round(step, 6) for step in steps if step > 0)
    if not steps:
        return None
    step, often = max(Counter(steps).items(), key=lambda item: (item[1], -item[0]))
    if often > 1 and often >= REGULAR * len(steps):
        return Spacing(unit, step)
    shortest = steps[0]
    if all(step % shortest == 0 for step in steps):
        return Spacing(unit, shortest, is_regular=len(steps) > 2)
    return Spacing(unit, steps[len(steps) // 2], is_regular=False)


def _day_of_month(times: Sequence[datetime]) -> int:
    """The day on which monthly *times* are; 0 where they are not a month or more apart."""
    if any(_months(a, b) < 1 for a, b in pairwise(times)):
        return 0
    if all(t.day == _length(t.year, t.month) for t in times):
        return LAST_DAY
    day = max(t.day for t in times)
    if all(t.day == min(day, _length(t.year, t.month)) for t in times):
        return day
    if all(t.day == _last_weekday(t.year, t.month) for t in times):
        return LAST_WEEKDAY
    return FIRST_WEEKDAY if all(t.day == _first_weekday(t.year, t.month) for t in times) else 0


def _days_of_week(times: Sequence[datetime]) -> int:
    """The days of the week with values, where two weeks, or one weekend, show that some have none.

    The weeks must be whole but for these days, so that a stretch that is missing shows nothing.
    """
    seen = 0
    for t in times:
        seen |= 1 << t.weekday()
    if seen & ~WEEKDAYS == 0 and any(_is_weekend(a, b) for a, b in pairwise(times)):
        return WEEKDAYS
    if seen == EVERY_DAY or times[-1] - times[0] < 2 * WEEK:
        return EVERY_DAY
    guess = Spacing("day", 1, week=seen)
    whole = sum(guess.steps(a, b) == 1 for a, b in pairwise(times))
    return seen if whole >= 0.9 * (len(times) - 1) else EVERY_DAY


def _is_weekend(before: datetime, now: datetime) -> bool:
    return before.weekday() == 4 and now.toordinal() - before.toordinal() == 3


def _months(before: date, now: date) -> int:
    return 12 * (now.year - before.year) + now.month - before.month


def _in_month(last: datetime, months: int, day: int) -> datetime:
    """*last* so many *months* later, on the *day* of the month or the last before it."""
    year, month = divmod(12 * last.year + last.month - 1 + months, 12)
    month += 1
    if day == LAST_WEEKDAY:
        day = _last_weekday(year, month)
    elif day == FIRST_WEEKDAY:
        day = _first_weekday(year, month)
    return last.replace(year=year, month=month, day=min(day, _length(year, month)))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _last_weekday(year: int, month: int) -> int:
    last = date(year, month, _length(year, month))
    return last.day - max(0, last.weekday() - 4)


def _first_weekday(year: int, month: int) -> int:
    return {5: 3, 6: 2}.get(date(year, month, 1).weekday(), 1)


def _normal(moment: datetime) -> datetime:
    """*moment*, or the same after the gap in the clock into which it falls."""
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).astimezone(moment.tzinfo)
