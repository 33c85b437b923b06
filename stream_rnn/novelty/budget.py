"""How many false alarms are allowed, and by what they are counted."""

import re
from typing import NamedTuple

from ..errors import ConfigError
from .joint import DOUBLING, PER_RECORDS, PER_SECONDS

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_RATE = re.compile(r"([\d.]+(?:e-?\d+)?) per (?:([\d_.]+(?:e\d+)?) )?([a-z]+?)s?")


class Budget(NamedTuple):
    """*allowed* false alarms by *unit*: a doubling of the stream, a record, or a second."""

    allowed: float
    unit: int


def budget(false_alarms: float | str) -> Budget:
    """A number is per doubling of the stream, text a rate; raises `ConfigError`.

    >>> budget("1 per 100000 records"), budget("2 per week").unit == PER_SECONDS
    (Budget(allowed=1e-05, unit=1), True)
    """
    if isinstance(false_alarms, str):
        found = _RATE.fullmatch(false_alarms.strip())
        if found and (found[3] == "record" or found[3] in SECONDS):
            try:
                allowed = float(found[1]) / float(found[2] or 1)
            except (ValueError, ZeroDivisionError):
                allowed = 0.0
            if 0 < allowed < float("inf"):
                if found[3] == "record":
                    return Budget(allowed, PER_RECORDS)
                return Budget(allowed / SECONDS[found[3]], PER_SECONDS)
    elif not isinstance(false_alarms, bool) and 0 < false_alarms < float("inf"):
        return Budget(float(false_alarms), DOUBLING)
    raise ConfigError(
        f"false_alarms: {false_alarms!r}; give how many to allow each time the stream doubles, "
        'such as 3, or a rate such as "1 per day" or "1 per 100000 records"'
    )
