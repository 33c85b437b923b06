"""How far the server's process gives way to the learner's: not at all while little is asked.

On busy processors a process with a higher ``nice`` waits for a whole slice of the others', some
milliseconds, each time it wakes up.  So one that needs little goes first, and one that has taken
more than `GREEDY_SHARE` of a processor goes last, for `LAST_SECONDS`: how much it would take is
not to be seen meanwhile.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

NICE = 19  # of the greedy; half of a processor becomes a hundredth
GREEDY_SHARE = 0.25  # of a processor
LOOK_SECONDS, LAST_SECONDS = 0.25, 5.0


class Manners:
    """Sets the ``nice`` of this thread by the time that the process uses.

    Where it may not be lowered again (Linux: ``ulimit -e``), who was greedy once goes last for
    good.

    >>> used, said = iter([0.0, 0.01, 0.2, 0.3, 0.31]), []
    >>> manners = Manners(lambda: next(used), said.append)
    >>> for seconds in (0.25, 0.5, 5.0, 6.0):
    ...     manners.look(seconds)
    ...     print(seconds, said)
    0.25 []
    0.5 [19]
    5.0 [19]
    6.0 [19, 0]
    """

    def __init__(
        self,
        used: Callable[[], float] = time.process_time,
        set_nice: Callable[[int], None] = lambda nice: os.setpriority(os.PRIO_PROCESS, 0, nice),
        start: float = 0.0,
        least: int = 0,
    ):
        self._used, self._set_nice, self.least = used, set_nice, least
        self._before, self._at, self._is_last, self._until = used(), start, False, start

    def look(self, now: float) -> None:
        """At the share of a processor since the last look, *now* in seconds."""
        used = self._used()
        is_greedy = used - self._before > GREEDY_SHARE * (now - self._at)
        self._before, self._at = used, now
        if is_greedy and not self._is_last:
            self._go(last=True)
            self._until = now + LAST_SECONDS
        elif self._is_last and now >= self._until:
            self._go(last=False)

    def _go(self, last: bool) -> None:
        with contextlib.suppress(PermissionError):
            self._set_nice(min(19, self.least + NICE * last))
            self._is_last = last


async def mind() -> None:
    """Until cancelled."""
    manners = Manners(start=time.monotonic(), least=os.getpriority(os.PRIO_PROCESS, 0))
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        manners.look(time.monotonic())
