"""The season that a calendar tells of: how many steps there are in the next larger cycle.

Twelve months and four quarters are a year, 24 hours and 48 half hours a day, seven days a week,
52 weeks a year.  Most series of people's doings have that season, so that it can be expected
before two of them have passed.
"""

from .spacing import EVERY_DAY, Spacing

DAY, YEAR, WEEK, WEEKS = 86_400, 12, 7, 52  # seconds, months, days, weeks of a year
SHORTEST = 3  # steps


def cycle(spacing: Spacing | None) -> int:
    """Steps of that *spacing* in a year, a week or a day; 0 where there is no such cycle.

    >>> cycle(Spacing("month", 1)), cycle(Spacing("month", 3)), cycle(Spacing("second", 900))
    (12, 4, 96)
    >>> cycle(Spacing("day", 1)), cycle(Spacing("day", 1, week=0b0011111)), cycle(Spacing("day", 7))
    (7, 5, 52)
    >>> cycle(Spacing("second", 7000)), cycle(Spacing("number", 1)), cycle(None)
    (0, 0, 0)
    """
    if spacing is None or not spacing.is_regular:
        return 0
    unit, size, steps = spacing.unit, spacing.size, 0
    if unit == "month":
        steps = int(YEAR // size) if YEAR % size == 0 else 0
    elif unit == "day" and size == 1:
        steps = WEEK if spacing.week == EVERY_DAY else spacing.week.bit_count()
    elif unit == "day" and size == WEEK:
        steps = WEEKS
    elif unit == "second":
        steps = int(DAY // size) if DAY % size == 0 else 0
    return steps if steps >= SHORTEST else 0
