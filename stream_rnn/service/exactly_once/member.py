"""A member of a consumer group that gives every record exactly one effect.

It owns some partitions of a topic and has a learner for each.  What happens between joining the
group and leaving it is in `session`; a session that fails is followed by another one, which goes
on from the checkpoints.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.base import SinkError
from connectors.kafka.driver import Consumer, Partition, Unreachable

from ..pipeline import Observer, Schedule
from ..refusal_limit import Refusals
from .partition import PartitionLearner
from .session import Session

log = logging.getLogger(__name__)

PATIENCE = 20  # sessions in a row that end without a commit, before giving up


class Batching(NamedTuple):
    """How many records make a transaction: at least `least`, or what comes in `seconds`."""

    least: int = 100
    seconds: float = 0.1
    overlap: bool = True  # read on while committing


class Worker:
    """One process of the service; start as many as there are partitions, or fewer.

    Args:
        open_consumer: makes a consumer that is a member of the group.
        make_learner: makes the learner of a partition, not opened yet.
        topic: the input topic.
        schedule: sizes and times of batches and checkpoints.
        batching: sizes and times of transactions.
        observers: told what happens.
        stop_at_end: end when everything that is there at the start has been committed.
    """

    def __init__(
        self,
        open_consumer: Callable[[], Consumer],
        make_learner: Callable[[Partition], PartitionLearner],
        topic: str,
        schedule: Schedule | None = None,
        batching: Batching | None = None,
        observers: tuple[Observer, ...] = (),
        stop_at_end: bool = False,
    ):
        self.open_consumer, self.make_learner, self.topic = open_consumer, make_learner, topic
        self.schedule, self.batching = schedule or Schedule(), batching or Batching()
        self.observers = observers
        self.refusals = Refusals(self.schedule.max_refused, self.schedule.window)
        self.counters = dict.fromkeys(("consumed", "predicted", "learned", "refused"), 0)
        self.ends: dict[Partition, int] | None = {} if stop_at_end else None
        self.commits = 0

    def run(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Until *stop* is set or the end is reached; then drain.  Counts of this process."""
        stop = stop or threading.Event()
        self.tell("state", "starting")
        try:
            self._sessions(stop)
        except BaseException:
            self.tell("state", "failed")
            raise
        self.tell("state", "stopped")
        return self.counters

    def _sessions(self, stop: threading.Event) -> None:
        failures = 0
        while True:
            before = self.commits
            try:
                Session(self).run(stop)
                return
            except (SinkError, Unreachable) as error:
                failures = 1 if self.commits > before else failures + 1
                if failures >= PATIENCE or (isinstance(error, Unreachable) and not self.commits):
                    raise
                log.warning("%s; going on from the checkpoints", error)
                if stop.wait(min(0.1 * 2**failures, 10.0)):
                    return

    def close(self) -> None:
        """Nothing is left open: a session closes what it opened."""

    def tell(self, event: str, *details: Any) -> None:
        """Pass *event* on to the observers that have a method of that name."""
        for observer in self.observers:
            if hasattr(observer, event):
                getattr(observer, event)(*details)
