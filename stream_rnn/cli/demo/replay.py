"""A stream at a steady pace: a source that replays another, and what starts it."""

import time
from typing import Any

from connectors.base import Record, Source

from ...service.observers import Observer, Run
from ...service.outcome import Outcome
from .display import Progress

LONGEST = 50.0  # seconds with compilation, where that can be kept by replaying faster


class Replay:
    """A source that hands out the records of another at a steady pace.

    The first record comes at once; the others follow from when `start` is called, so that
    the time it takes to compile does not count.
    """

    def __init__(self, source: Source):
        self.source = source
        self._interval: float | None = None  # seconds from one record to the next
        self._next = 0.0
        self._begun = False

    @property
    def finished(self) -> bool:
        return self.source.finished

    def start(self, interval: float) -> None:
        """Let the records follow, one every *interval* seconds."""
        self._interval, self._next = interval, time.monotonic() + interval

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """One record if it is due within *timeout*, after waiting for it."""
        if self._interval is None:
            if self._begun:
                time.sleep(min(timeout, 0.05))
                return []
            self._begun = True
            return self.source.next_batch(1, timeout)
        wait = self._next - time.monotonic()
        time.sleep(max(0.0, min(wait, timeout)))
        if wait > timeout:
            return []
        self._next += self._interval
        return self.source.next_batch(1, timeout)

    def snapshot(self) -> Any:
        return self.source.snapshot()

    def restore(self, position: Any) -> None:
        self.source.restore(position)

    def close(self) -> None:
        self.source.close()


class Starter(Observer):
    """An observer that starts the replay once the first record was learned."""

    def __init__(self, progress: Progress, seconds: float):
        self.progress, self.seconds = progress, seconds
        self.replay: Replay | None = None

    def batch(self, run: Run, outcome: Outcome) -> None:
        """The first batch is over, compiled code is there: let the replay begin."""
        if self.replay is None:
            return
        seconds = min(self.seconds, max(self.seconds / 4, LONGEST - self.progress.waited))
        self.replay.start(seconds / self.progress.total)
        self.replay = None
