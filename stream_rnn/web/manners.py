"""How far the server's process gives way to the learner's: not at all while little is asked.

On busy processors a process with a higher ``nice`` waits for a whole slice of the others', some
milliseconds, each time it wakes up.  So one that needs little goes first, and one of which much
is asked goes last.  It is greedy above `GREEDY_SHARE` of a processor, and until it needs less
than `MODEST_SHARE`, which is below what a greedy one gets beside a busy learner.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

NICE = 10  # of the greedy; half of a processor becomes a tenth
GREEDY_SHARE, MODEST_SHARE = 0.25, 0.05  # of a processor
LOOK_SECONDS = 0.25


class Manners:
    """Sets the ``nice`` of this thread by the time that the process uses.

    Where it may not be lowered again (Linux: ``ulimit -e``), who was greedy once goes last for
    good.

    >>> used, said = iter([0.0, 0.01, 0.2, 0.22, 0.225]), []
    >>> manners = Manners(lambda: next(used), said.append)
    >>> for seconds in (0.25, 0.5, 0.75, 1.0):
    ...     manners.look(seconds)
    >>> said
    [10, 0]
    """

    def __init__(
        self,
        used: Callable[[], float] = time.process_time,
        set_nice: Callable[[int], None] = lambda nice: os.setpriority(os.PRIO_PROCESS, 0, nice),
        start: float = 0.0,
        least: int = 0,
    ):
        self._used, self._set_nice, self.least = used, set_nice, least
        self._before, self._at, self._is_greedy = used(), start, False

    def look(self, now: float) -> None:
        """At the share of a processor since the last look, *now* in seconds."""
        used = self._used()
        share = (used - self._before) / (now - self._at)
        self._before, self._at = used, now
        is_greedy = share > (MODEST_SHARE if self._is_greedy else GREEDY_SHARE)
        if is_greedy != self._is_greedy:
            with contextlib.suppress(PermissionError):
                self._set_nice(min(19, self.least + NICE * is_greedy))
                self._is_greedy = is_greedy


async def mind() -> None:
    """Until cancelled."""
    manners = Manners(start=time.monotonic(), least=os.getpriority(os.PRIO_PROCESS, 0))
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        manners.look(time.monotonic())
