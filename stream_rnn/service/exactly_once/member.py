"""A member of a consumer group that gives every record exactly one effect.

It owns some partitions of a topic and has a run for each.  What happens between joining the
group and leaving it is in `session`; a session that fails is followed by another one, which goes
on from the checkpoints.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from connectors.base import Denied, Lost, SinkError, Unreachable
from connectors.kafka.driver import Consumer, Gone, Partition
from connectors.kafka.names import is_pattern
from connectors.kafka.settings import KafkaSettings
from connectors.state import Dependency

from ..ledger import SKIPPING, Schedule
from ..observers import Observer
from .membership import Batching, Membership
from .partition import PartitionRun
from .session import Session

log = logging.getLogger(__name__)

PAUSE = 10.0  # seconds until a password that was refused is tried again
PATIENCE = 20  # sessions in a row that end without a commit, before giving up


class Member:
    """One process of the service; start as many as there are partitions, or fewer.

    Args:
        open_consumer: makes a consumer that is a member of the group.
        make_run: makes the run of a partition, not opened yet.
        topics: the input topics, by name or pattern.
        schedule: sizes and times of batches and checkpoints.
        batching: sizes and times of transactions.
        observers: told what happens.
        stop_at_end: end when everything that is there at the start has been committed.
        dependency: the source, which is told whether its brokers answer.
        settings: how to ask, beside the reading, whether topics are still those that they were.
    """

    def __init__(
        self,
        open_consumer: Callable[[], Consumer],
        make_run: Callable[[Partition], PartitionRun],
        topics: Sequence[str],
        schedule: Schedule | None = None,
        batching: Batching | None = None,
        observers: Sequence[Observer] = (),
        stop_at_end: bool = False,
        dependency: Dependency | None = None,
        settings: KafkaSettings | None = None,
    ):
        self.open_consumer, self.make_run = open_consumer, make_run
        self.dependency, self.settings = dependency or Dependency("source"), settings
        self.membership = Membership(topics, schedule, batching, observers, stop_at_end)

    def run(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Until *stop* is set or the end is reached; then drain.  Counts of this process."""
        stop, observers = stop or threading.Event(), self.membership.observers
        observers.state("starting")
        try:
            self._sessions(stop)
            if not stop.is_set():
                self.membership.refusals.finish()
        except BaseException:
            observers.state("failed")
            raise
        observers.state("stopped")
        return self.membership.counters

    def _sessions(self, stop: threading.Event) -> None:
        failures, membership = 0, self.membership
        parts = self.open_consumer, self.make_run, self.dependency, self.settings
        while True:
            before = membership.commits
            try:
                Session(membership, *parts).run(stop)
                return
            except Unreachable:  # an outage, of which the dependencies tell: it is waited for
                if stop.wait(1.0):
                    return
            except Gone as error:  # a new session has those that are left
                failures = 1 if membership.commits > before else failures + 1
                if not any(map(is_pattern, membership.topics)) or failures >= PATIENCE:
                    raise
                log.warning("%s; the other topics are read on", error)
                if stop.wait(1.0):
                    return
            except Lost as error:  # a new session skips what is lost, or says that it cannot
                if not membership.schedule.skip_lost:
                    if SKIPPING in str(error):
                        raise
                    raise Lost(f"{error}; {SKIPPING}") from None
                failures = 1 if membership.commits > before else failures + 1
                if failures > 1:
                    raise
                log.warning("%s", error)
            except Denied as error:  # a password that is being renewed, if it has worked before
                if not membership.commits:
                    raise
                self.dependency.down(str(error))
                if stop.wait(PAUSE):
                    return
            except SinkError as error:
                failures = 1 if membership.commits > before else failures + 1
                if failures >= PATIENCE:
                    raise
                log.warning("%s; going on from the checkpoints", error)
                if stop.wait(min(0.1 * 2**failures, 10.0)):
                    return

    def close(self) -> None:
        """Nothing is left open: a session closes what it opened."""
