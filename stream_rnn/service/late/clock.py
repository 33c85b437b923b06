"""The time of a stream, which one wrong date does not move.

Time is that of the records.  A date of the year 9999 in one of them would otherwise be the time
from then on, and every label after it too late.
"""

from collections.abc import Mapping
from typing import Any

WEEK = 7 * 86400.0
WITNESSES = 3  # records in a row that are far ahead, before it is believed


class Clock:
    """Reads the times of records and labels, one after the other.

    A time more than *ahead* seconds after the latest one counts as the latest one, until
    `WITNESSES` in a row are so far ahead: then time has gone on, after a gap say, to the
    earliest of them.

    >>> clock = Clock(ahead=10.0)
    >>> [clock.read(t) for t in (0.0, 4.0, 1e300, 3.0, 8.0)]
    [0.0, 4.0, 4.0, 3.0, 8.0]
    >>> [clock.read(t) for t in (100.0, 101.0, 102.0, 103.0)]  # a gap
    [8.0, 8.0, 102.0, 103.0]
    """

    def __init__(self, ahead: float):
        self.ahead = ahead
        self.latest: float | None = None
        self._witnesses: list[float] = []

    def read(self, time: float) -> float:
        """What *time* counts as."""
        if self.latest is None or time <= self.latest + self.ahead:
            self._witnesses.clear()
            self.latest = time if self.latest is None else max(self.latest, time)
            return time
        self._witnesses.append(time)
        if len(self._witnesses) < WITNESSES:
            return self.latest
        earliest = min(self._witnesses)
        self._witnesses.clear()
        time = min(time, earliest + self.ahead)
        self.latest = max(earliest, time)
        return time

    def snapshot(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {"latest": self.latest, "witnesses": self._witnesses.copy()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        self.latest, self._witnesses = saved["latest"], list(saved["witnesses"])
