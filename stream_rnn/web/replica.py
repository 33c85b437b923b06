"""A second estimator that has taken over the state of the one that learns, and answers for it.

Between two batches the learner's thread copies its state, at most once in `COPY_SHARE` of the
time, and only if somebody asks; everything else is done by the server's thread.  Estimators with
a state for each key are not copied: they are asked themselves, between two batches.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from ..checkpoints.store import Store
from ..service.task import Task
from .answers import Asked, Record, answer
from .turn import Turn

COPY_SHARE = 0.02  # of the learner's time may go into copies
FRESH_SECONDS = 0.05  # no copy is made sooner after the last one
STALE_SECONDS = 1.0  # an older copy is not good enough: a new one is waited for
PATIENCE_SECONDS = 5.0


class TooBusy(RuntimeError):
    """The learner has not come to rest in time."""


class Copy(NamedTuple):
    """The state of a task after so many batches."""

    version: int
    records: int
    meta: dict[str, Any]
    arrays: dict[str, Any]
    seconds: float  # that copying took


class Replica:
    """Answers for the learner behind a `Turn`.

    Args:
        task: that learns.
        turn: its guard.
        make: makes another one with the same settings.
        records: how many records it has consumed.
        store: of its checkpoints.
    """

    def __init__(
        self,
        task: Task,
        turn: Turn,
        make: Callable[[], Task],
        records: Callable[[], int],
        store: Store | None = None,
    ):
        self.task, self.turn, self.records, self.store = task, turn, records, store
        self._make = make
        self._copied: Task | None = None
        self._version, self._upto, self._at, self._cost = -1, 0, -1e9, 0.0
        self._coming: Future[Copy] | None = None

    async def answer(
        self, records: Sequence[Record], asked: Asked
    ) -> tuple[list[dict[str, Any]], int]:
        """Answers, and how many records had been learned; raises `BadRecord`, `TooBusy`."""
        if self.task.contexts is not None:
            return await self._at_rest(records, asked)
        await self._refresh()
        assert self._copied is not None
        return [answer(self._copied, record, asked) for record in records], self._upto

    async def _at_rest(self, records: Sequence[Record], asked: Asked) -> Any:
        def look() -> Any:
            return [answer(self.task, record, asked) for record in records], self.records()

        return await _soon(self.turn.ask(look))

    async def _refresh(self) -> None:
        """Take a newer copy if there is one, ask for one if need be, wait if it is needed."""
        if self._coming is not None and self._coming.done():
            self._take(self._coming.result())
        if self._version == self.turn.version:
            return  # nothing was learned since
        age = time.monotonic() - self._at
        due = age > max(FRESH_SECONDS, self._cost / COPY_SHARE)
        if self._coming is None and due and (copy := self.ask()).done():  # the learner rests
            self._take(copy.result())
            return
        if age > max(STALE_SECONDS, 2 * self._cost / COPY_SHARE) and self._coming is not None:
            coming = self._coming
            copy = await _soon(coming)
            if self._coming is coming:
                self._take(copy)

    def ask(self) -> "Future[Copy]":
        """A copy of the state, once the batch has ended that is being learned."""
        if self._coming is None or self._coming.done():
            self._coming = self.turn.ask(self._copy)
        return self._coming

    def _copy(self) -> Copy:
        """In the learner's thread, or in ours while it rests."""
        start = time.perf_counter()
        meta, arrays = self.task.snapshot()
        seconds = time.perf_counter() - start
        return Copy(self.turn.version, self.records(), meta, arrays, seconds)

    def _take(self, copy: Copy) -> None:
        self._coming = None
        if self._copied is None:
            self._copied = self._make()
        self._copied.restore(copy.meta, copy.arrays)
        self._version, self._upto, self._cost = copy.version, copy.records, copy.seconds
        self._at = time.monotonic()


async def _soon(future: "Future[Any]") -> Any:
    return await in_time(asyncio.shield(asyncio.wrap_future(future)))


async def in_time(coming: Awaitable[Any]) -> Any:
    """What comes, or `TooBusy` after `PATIENCE_SECONDS`."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await coming
    except TimeoutError:
        raise TooBusy("the learner is in the middle of a long batch; ask again") from None
