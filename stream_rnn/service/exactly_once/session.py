"""One membership in a consumer group, in rounds.

While the batches of one round are learned, the results of the round before are sent; while those
are committed, the records of the next round are read.  When the group takes a partition away, what
was learned is committed and checkpointed before it goes; when it was lost already, or a commit
fails, everything since the last checkpoint is thrown away and done again.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from connectors.base import Record, SinkError, Unreachable
from connectors.kafka.driver import METADATA_SECONDS, Consumer, Fenced, Partition
from connectors.kafka.names import is_pattern, partitions_of
from connectors.kafka.origins import Origin
from connectors.kafka.pulse import Pulse
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.watch import Watch
from connectors.state import Dependency

from ..runtime import set_for_streams
from .learned import Learned
from .membership import Membership
from .partition import PartitionRun
from .unsettled import Sent

log = logging.getLogger(__name__)


class Session:
    """From joining the group to leaving it, or to the first failure."""

    def __init__(
        self,
        membership: Membership,
        open_consumer: Callable[[], Consumer],
        make_run: Callable[[Partition], PartitionRun],
        dependency: Dependency | None = None,
        settings: KafkaSettings | None = None,
    ):
        self.watch = None if settings is None else Watch(settings, self._origins)
        self.membership, self.observers = membership, membership.observers
        self.open_consumer, self.make_run = open_consumer, make_run
        self.dependency = dependency or Dependency("source")
        self.runs: dict[Partition, PartitionRun] = {}
        self.fresh: set[Partition] = set()  # assigned, not opened yet
        self.gathered: dict[Partition, list[Record]] = {}
        self.learning: dict[Partition, Future[Learned]] = {}
        self.learned: dict[Partition, Learned] = {}
        self.publishing: dict[Partition, Sent] = {}
        self.failure: BaseException | None = None  # in a call from the consumer's thread

    def run(self, stop: threading.Event) -> None:
        """Until *stop* is set or the member's ends are reached; raises what went wrong."""
        self.consumer, membership = self.open_consumer(), self.membership
        try:
            there = partitions_of(self.consumer, membership.topics)
            self.pulse = Pulse(self.consumer, there[0], self.dependency)
            if membership.ends == {}:
                bounds = self.consumer.bounds(there)
                membership.ends = {p: end for p, (_, end) in bounds.items()}
            with set_for_streams(), ThreadPoolExecutor(16, "learner") as self.pool:
                try:
                    self._subscribe(there)
                    self.observers.state("running")
                    while not (stop.is_set() or self._at_end()):
                        self._round(stop)
                    self.observers.state("draining")
                    self._release(set(self.runs))
                finally:
                    self._discard(set(self.runs))
        finally:
            self._tell_of_settled()
            self.consumer.close()

    def _subscribe(self, there: Sequence[Partition]) -> None:
        self.names = sorted({partition.topic for partition in there})
        self.consumer.subscribe(self.names, self)
        self.look = time.monotonic() + METADATA_SECONDS

    def _look_for_topics(self) -> None:
        """Join for those that match a pattern now; the group shares them out anew."""
        is_growing = self.membership.ends is None and any(map(is_pattern, self.membership.topics))
        if not is_growing or time.monotonic() < self.look:
            return
        self.look = time.monotonic() + METADATA_SECONDS
        try:
            there = partitions_of(self.consumer, self.membership.topics)
        except Unreachable:
            return  # the next look finds them
        if self.names != sorted({partition.topic for partition in there}):
            self._subscribe(there)
            log.info("topics are now: %s", ", ".join(self.names))

    def _origins(self) -> dict[str, Origin]:
        """The topics of its runs, as they were when those began."""
        known = {partition.topic: run.origin for partition, run in self.runs.items()}
        return {topic: origin for topic, origin in known.items() if origin is not None}

    def _round(self, stop: threading.Event) -> None:
        self._look_for_topics()
        if self.watch is not None:
            self.watch.look()
        if not self.membership.batching.overlap:
            self._settle()
        self._gather(stop)
        self._settle()
        for partition, run in self.runs.items():
            if run.is_due(self.learned.get(partition)):  # while it rests
                if partition in self.learned:
                    self._publish(partition)
                    self._committed(partition)
                run.save()
        for partition, run in self.runs.items():
            if run.has_turn(self.consumer) or partition in self.gathered:
                records = self.gathered.pop(partition, [])
                self.learning[partition] = self.pool.submit(run.learn, records)
        for partition in list(self.learned):
            self._publish(partition)
        self._admit()

    def _gather(self, stop: threading.Event) -> None:
        """Read a round's records: a few at once, or what comes within a short time."""
        batching, schedule = self.membership.batching, self.membership.schedule
        busy = self.learning or self.learned or self.publishing
        wait, deadline, count = 0.0 if busy else schedule.poll_seconds, None, 0
        while True:
            polled = self.consumer.poll(schedule.batch_records, wait)
            self.pulse.beat(bool(polled))
            if self.failure is not None:
                raise self.failure
            for partition, records in polled.items():
                if partition in self.runs:
                    self.gathered.setdefault(partition, []).extend(records)
            count = sum(map(len, self.gathered.values()))
            now = time.monotonic()
            if deadline is None:
                deadline = now + batching.seconds
            wait = deadline - now
            if count >= batching.least or count == 0 or wait <= 0 or stop.is_set():
                return

    def _settle(self) -> None:
        """Wait for what is under way; raises what went wrong in it."""
        for partition in list(self.publishing):
            self._committed(partition)
        learning, self.learning = self.learning, {}
        self.learned |= {partition: learned.result() for partition, learned in learning.items()}

    def _publish(self, partition: Partition) -> None:
        """Send what was learned and begin to commit it."""
        run, learned = self.runs[partition], self.learned.pop(partition)
        start = time.perf_counter()
        sent: Learned = self._part(start, run.send, learned, self.consumer.group_metadata())
        commit = self.pool.submit(self._commit, start, run, sent)
        self.publishing[partition] = Sent(run, commit, sent)

    def _commit(self, start: float, run: PartitionRun, sent: Learned) -> float:
        """Commit what was sent; the seconds since *start*."""
        self._part(start, run.commit, sent)
        return time.perf_counter() - start

    def _part(self, start: float, call: Callable[..., Any], *arguments: Any) -> Any:
        """What *call* gives, as a part of a transaction begun at *start*."""
        try:
            return call(*arguments)
        except Fenced:
            self.observers.transaction("fenced", time.perf_counter() - start)
            raise
        except SinkError:
            self.observers.transaction("failed", time.perf_counter() - start)
            raise

    def _committed(self, partition: Partition) -> None:
        """Wait for the commit of what was sent and tell of it; raises what went wrong."""
        run, commit, learned = self.publishing[partition]
        seconds = commit.result()
        del self.publishing[partition]
        if learned.outcome is not None:
            self.observers.transaction("committed", seconds)
            run.highwater = self.consumer.highwater(partition)
        self._tell(run, learned)
        self.membership.refusals.judge()

    def _tell(self, run: PartitionRun, learned: Learned) -> None:
        """Count what is committed."""
        if learned.replayed:
            self.observers.replayed(learned.replayed["consumed"])
        if learned.outcome is not None:
            self.membership.committed(learned.outcome)
            self.observers.batch(run, learned.outcome)

    def _tell_of_settled(self) -> None:
        """Of commits that nobody waited for, and that were done all the same."""
        for run, commit, learned in self.membership.unsettled.committed():
            self.observers.transaction("committed", commit.result())
            self._tell(run, learned)

    def _admit(self) -> None:
        while self.fresh:
            self._admit_one(self.fresh.pop())

    def _admit_one(self, partition: Partition) -> None:
        """Open the run of a newly assigned partition, from its checkpoint."""
        run = self.make_run(partition)
        self.runs[partition] = run
        offset = run.open(self.consumer)
        self.consumer.seek(partition, offset)
        self.observers.started(run)
        self._tell_of_settled()
        if (sent := self.membership.unsettled.found(partition, run.published)) is not None:
            self._tell(run, sent)

    def _at_end(self) -> bool:
        ends = self.membership.ends
        if ends is None or not self.runs or self.fresh:
            return False
        if self.learning or self.learned or self.publishing or self.gathered:
            return False
        if any(run.has_turn(self.consumer) for run in self.runs.values()):
            return False
        return all((self.consumer.position(p) or 0) >= ends.get(p, 0) for p in self.runs)

    def _release(self, partitions: set[Partition]) -> None:
        """Commit and checkpoint all that was learned, then let go."""
        self._settle()
        for partition in partitions & set(self.learned):
            self._publish(partition)
            self._committed(partition)
        for partition in partitions:
            run = self.runs[partition]
            run.save()
            run.close()
            del self.runs[partition]

    def _discard(self, partitions: set[Partition]) -> None:
        """Let go without writing anything; what is being committed may be done all the same."""
        for partition in partitions:
            if (sent := self.publishing.pop(partition, None)) is not None:
                self.membership.unsettled.add(partition, sent)
            self.learning.pop(partition, None)
            self.learned.pop(partition, None)
            self.runs.pop(partition).discard()

    # -- calls from the consumer, while `poll` or `close` waits --------------------------

    def assigned(self, partitions: set[Partition]) -> None:
        """Their runs are opened between two rounds."""
        self.fresh |= partitions
        self._tell_of_settled()  # before the gauges of what is gone are removed
        self.observers.rebalance(len(self.runs) + len(self.fresh))
        log.info("assigned: %s", ", ".join(sorted(map(str, partitions))) or "nothing")

    def revoked(self, partitions: set[Partition]) -> None:
        """Finish them: the next owner begins when this returns."""
        log.info("revoked: %s", ", ".join(sorted(map(str, partitions))) or "nothing")
        self._leave(partitions, self._release)

    def lost(self, partitions: set[Partition]) -> None:
        """Throw away what was not committed: it would be fenced."""
        log.warning("lost: %s", ", ".join(sorted(map(str, partitions))))
        self._leave(partitions, self._discard)

    def _leave(self, partitions: set[Partition], how: Callable[[set[Partition]], None]) -> None:
        self.fresh -= partitions
        for partition in partitions:
            self.gathered.pop(partition, None)
        try:
            how(partitions & set(self.runs))
        except BaseException as error:
            self.failure = error
            self._discard(set(self.runs))
