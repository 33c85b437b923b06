"""The state of a learner in another process, copied while somebody asks.

The learner's side (`tell`) sends a copy when there is a newer one, at most once in
`FRESH_SECONDS` and in `COPY_SHARE` of the learner's time.  The other side (`Mirror`) answers
from a task with the same settings, while another thread makes a second one take the next copy
over: no question waits for that.
"""

import asyncio
import gc
import json
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..service.task import Task
from .answers import Asked, Record, answer
from .asking import Refused, find
from .replica import COPY_SHARE, FRESH_SECONDS, Copy, TooBusy, in_time
from .site import Site
from .wire import Streams, call, hear, say

log = logging.getLogger(__name__)

INTEREST_SECONDS = 10.0  # copies are sent for so long after the last question

Answers = tuple[list[dict[str, Any]], int]


async def tell(site: Site, partition: str | None, streams: Streams) -> None:
    """Send the state of a learner whenever it is another, until the other side has enough.

    A learner that is not here, or not any more, is said as ``problem``.
    """
    reader, writer = streams
    replica, version = None, -1
    while not reader.at_eof():
        try:
            found = find(site.replicas, partition)
        except Refused as refused:
            say(writer, {"problem": [refused.status, str(refused), refused.field]})
            return
        if replica is not None and found is not replica:
            return
        replica, pause = found, FRESH_SECONDS
        if replica.turn.version != version:
            copy = await asyncio.shield(asyncio.wrap_future(replica.ask()))
            start = time.perf_counter()
            say(writer, packed(copy))
            version, cost = copy.version, copy.seconds + time.perf_counter() - start
            pause = max(pause, cost / COPY_SHARE)
            await writer.drain()
        await asyncio.sleep(pause)


def packed(copy: Copy) -> dict[str, Any]:
    """A copy as a message; what is not an array is the JSON of a checkpoint."""
    arrays = {name: np.asarray(array, order="C") for name, array in copy.arrays.items()}
    return {
        "records": copy.records,
        "meta": json.dumps(copy.meta),
        "arrays": [(name, a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()],
    }


def unpacked(message: dict[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `Task.restore` takes."""
    arrays = {
        name: np.frombuffer(body, np.dtype(kind)).reshape(shape).copy()
        for name, kind, shape, body in message["arrays"]
    }
    return json.loads(message["meta"]), arrays


class Mirrors:
    """Answers for the learners behind the *line*.

    Args:
        line: to their process.
        make: makes a task with the settings of theirs.
    """

    def __init__(self, line: socket.socket, make: Callable[[], Task]):
        self.line, self.make = line, make
        self._known: dict[str | None, Mirror] = {}

    async def answer(
        self, partition: str | None, records: Sequence[Record], asked: Asked
    ) -> Answers:
        """Answers, and how many records had been learned; raises as `Mirror.answer`."""
        mirror = self._known.setdefault(partition, Mirror(self.line, self.make, partition))
        try:
            return await mirror.answer(records, asked)
        except Refused:
            self._known.pop(partition, None)
            raise

    def now(self, partition: str | None, records: Sequence[Record], asked: Asked) -> Answers | None:
        """The same where nothing has to be waited for, else None."""
        mirror = self._known.get(partition)
        return None if mirror is None else mirror.now(records, asked)


class Mirror:
    """Of one learner."""

    def __init__(self, line: socket.socket, make: Callable[[], Task], partition: str | None):
        self.line, self.make, self.partition = line, make, partition
        self._task: Task | None = None  # that is asked
        self._spare: Task | None = None  # that takes over the next copy
        self._records, self._asked_at, self._is_warm = 0, 0.0, False
        self._following: asyncio.Task[None] | None = None
        self._first: asyncio.Future[Exception | None]
        self._busy = asyncio.Lock()  # held while another thread has a task

    async def answer(self, records: Sequence[Record], asked: Asked) -> Answers:
        """From the newest copy; raises `BadRecord`, `TooBusy`, and `Refused` for no learner."""
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        if self._following is None or self._following.done():
            self._first = loop.create_future()
            self._following = asyncio.create_task(self._follow())
        if not self._first.done():
            await in_time(asyncio.shield(self._first))
        if (error := self._first.result()) is not None:
            raise error
        if self._is_warm:
            return self._answers(records, asked)
        async with self._busy:  # the first answer may compile
            if self._task is None:
                raise TooBusy("the learner's state could not be taken over; the log says why")
            found = await asyncio.to_thread(self._answers, records, asked)
        self._is_warm = True
        gc.freeze()  # all that is there will stay: to go through it takes longer than an answer
        return found

    def now(self, records: Sequence[Record], asked: Asked) -> Answers | None:
        """From the newest copy; None if there is none, or the first answer has to be made."""
        if not self._is_warm or self._following is None or self._following.done():
            return None
        if not self._first.done() or self._first.result() is not None:
            return None
        self._asked_at = self._following.get_loop().time()
        return self._answers(records, asked)

    def _answers(self, records: Sequence[Record], asked: Asked) -> Answers:
        assert self._task is not None
        return [answer(self._task, record, asked) for record in records], self._records

    async def _follow(self) -> None:
        """Take copies until nobody has asked for a while, or there are no more."""
        writer = None
        try:
            message = {"call": "state", "partition": self.partition}
            reader, writer = await call(self.line, message)
            while (told := await self._next(reader)) is not None:
                if "problem" in told:
                    raise Refused(*told["problem"])
                if self._task is None:  # to make one takes longer than `PATIENCE_SECONDS`
                    self._arrived()
                await self._take(told)
                self._arrived()
        except Refused as refused:
            self._arrived(refused)
        except Exception as error:
            log.error("the state of a learner was not taken over", exc_info=error)
        finally:
            if writer is not None:
                writer.close()
            self._arrived(TooBusy("the learner has gone; ask again"))

    def _arrived(self, error: Exception | None = None) -> None:
        """Let those go on who wait for the first copy."""
        if not self._first.done():
            self._first.set_result(error)

    async def _next(self, reader: asyncio.StreamReader) -> dict[str, Any] | None:
        coming = asyncio.create_task(hear(reader))
        loop = asyncio.get_running_loop()
        try:
            while (left := self._asked_at + INTEREST_SECONDS - loop.time()) > 0:
                if (await asyncio.wait({coming}, timeout=left))[0]:
                    return coming.result()
        finally:
            coming.cancel()
        return None

    async def _take(self, told: dict[str, Any]) -> None:
        async with self._busy:
            newer = await asyncio.to_thread(self._taken, self._spare, told)
            self._task, self._spare = newer, self._task
            self._records = told["records"]

    def _taken(self, task: Task | None, told: dict[str, Any]) -> Task:
        """*task*, or another one, with the state it was told."""
        task = task or self.make()
        task.restore(*unpacked(told))
        return task
