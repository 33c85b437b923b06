"""One membership in a consumer group, in rounds.

While the batches of one round are learned, the results of the round before are sent; while those
are committed, the records of the next round are read.  When the group takes a partition away, what
was learned is committed and checkpointed before it goes; when it was lost already, or a commit
fails, everything since the last checkpoint is thrown away and done again.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from connectors.base import Record, SinkError
from connectors.kafka.driver import Fenced, Partition

from ...checkpoints.store import CheckpointWriteError
from ..runtime import set_for_streams
from .partition import Learned, PartitionLearner

if TYPE_CHECKING:
    from .member import Worker

log = logging.getLogger(__name__)


class Session:
    """From joining the group to leaving it, or to the first failure."""

    def __init__(self, worker: "Worker"):
        self.worker = worker
        self.learners: dict[Partition, PartitionLearner] = {}
        self.fresh: set[Partition] = set()  # assigned, not opened yet
        self.gathered: dict[Partition, list[Record]] = {}
        self.learning: dict[Partition, Future[Learned]] = {}
        self.learned: dict[Partition, Learned] = {}
        self.publishing: dict[Partition, tuple[Future[float], Learned]] = {}
        self.failure: BaseException | None = None  # in a call from the consumer's thread

    def run(self, stop: threading.Event) -> None:
        """Until *stop* is set or the worker's ends are reached; raises what went wrong."""
        self.consumer = self.worker.open_consumer()
        try:
            if self.worker.ends == {}:
                bounds = self.consumer.bounds(self.consumer.partitions(self.worker.topic))
                self.worker.ends = {p: end for p, (_, end) in bounds.items()}
            with set_for_streams(), ThreadPoolExecutor(16, "learner") as self.pool:
                try:
                    self.consumer.subscribe([self.worker.topic], self)
                    self.worker.tell("state", "running")
                    while not (stop.is_set() or self._at_end()):
                        self._round(stop)
                    self.worker.tell("state", "draining")
                    self._release(set(self.learners))
                finally:
                    self._discard(set(self.learners))
        finally:
            self.consumer.close()

    def _round(self, stop: threading.Event) -> None:
        if not self.worker.batching.overlap:
            self._settle()
        self._gather(stop)
        self._settle()
        for partition, learner in self.learners.items():
            if learner.is_due(self.learned.get(partition)):  # while it rests
                if partition in self.learned:
                    self._committed(partition, *self._publish(partition))
                self._save(learner)
        for partition, learner in self.learners.items():
            if learner.has_turn(self.consumer) or partition in self.gathered:
                records = self.gathered.pop(partition, [])
                self.learning[partition] = self.pool.submit(learner.learn, records)
        for partition in list(self.learned):
            self.publishing[partition] = self._publish(partition)
        self._admit()

    def _gather(self, stop: threading.Event) -> None:
        """Read a round's records: a few at once, or what comes within a short time."""
        batching, schedule = self.worker.batching, self.worker.schedule
        busy = self.learning or self.learned or self.publishing
        wait, deadline, count = 0.0 if busy else schedule.poll_seconds, None, 0
        while True:
            polled = self.consumer.poll(schedule.batch_records, wait)
            if self.failure is not None:
                raise self.failure
            for partition, records in polled.items():
                if partition in self.learners:
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
        publishing, self.publishing = self.publishing, {}
        for partition, (committed, learned) in publishing.items():
            self._committed(partition, committed, learned)
        learning, self.learning = self.learning, {}
        self.learned |= {partition: learned.result() for partition, learned in learning.items()}

    def _publish(self, partition: Partition) -> tuple[Future[float], Learned]:
        """Send what was learned and begin to commit it; the commit's future, and what it is of."""
        learner, learned = self.learners[partition], self.learned.pop(partition)
        start = time.perf_counter()
        self._part(start, learner.send, learned, self.consumer.group_metadata())
        return self.pool.submit(self._part, start, learner.commit, learned), learned

    def _part(self, start: float, call: Callable[..., None], *arguments: Any) -> float:
        """A part of a transaction begun at *start*; the seconds since then."""
        try:
            call(*arguments)
        except Fenced:
            self.worker.tell("transaction", "fenced", time.perf_counter() - start)
            raise
        except SinkError:
            self.worker.tell("transaction", "failed", time.perf_counter() - start)
            raise
        return time.perf_counter() - start

    def _committed(self, partition: Partition, commit: Future[float], learned: Learned) -> None:
        """Wait for a commit and tell of it; raises what went wrong."""
        worker, learner, seconds = self.worker, self.learners[partition], commit.result()
        if learned.replayed:
            worker.tell("replayed", learned.replayed["consumed"])
        if learned.outcome is not None:
            worker.commits += 1
            for name, number in learned.outcome.counts.items():
                worker.counters[name] += number
            worker.tell("transaction", "committed", seconds)
            learner.highwater = self.consumer.highwater(partition)
            worker.tell("batch", learner, learned.outcome)
            worker.refusals.add(learned.outcome)

    def _save(self, learner: PartitionLearner) -> None:
        start = time.monotonic()
        try:
            if learner.save():
                self.worker.tell("checkpoint", learner, time.monotonic() - start)
        except CheckpointWriteError as error:
            self.worker.tell("checkpoint_failed", "write")
            if self.worker.schedule.stop_on_failure:
                raise
            log.error("%s; the stream goes on without it", error)

    def _admit(self) -> None:
        while self.fresh:
            self._admit_one(self.fresh.pop())

    def _admit_one(self, partition: Partition) -> None:
        """Open the learner of a newly assigned partition, from its checkpoint."""
        learner = self.worker.make_learner(partition)
        self.learners[partition] = learner
        offset = learner.open(self.consumer)
        for _ in range(learner.store.damaged):
            self.worker.tell("checkpoint_failed", "damaged")
        self.consumer.seek(partition, offset)
        self.worker.tell("started", learner)

    def _at_end(self) -> bool:
        ends = self.worker.ends
        if ends is None or not self.learners or self.fresh:
            return False
        if self.learning or self.learned or self.publishing or self.gathered:
            return False
        if any(learner.has_turn(self.consumer) for learner in self.learners.values()):
            return False
        return all((self.consumer.position(p) or 0) >= ends.get(p, 0) for p in self.learners)

    def _release(self, partitions: set[Partition]) -> None:
        """Commit and checkpoint all that was learned, then let go."""
        self._settle()
        for partition in partitions & set(self.learned):
            self._committed(partition, *self._publish(partition))
        for partition in partitions:
            learner = self.learners[partition]
            self._save(learner)
            learner.close()
            del self.learners[partition]

    def _discard(self, partitions: set[Partition]) -> None:
        """Let go without writing anything."""
        for partition in partitions:
            for futures in (self.learning, self.publishing, self.learned):
                futures.pop(partition, None)
            self.learners.pop(partition).discard()

    # -- calls from the consumer, while `poll` or `close` waits --------------------------

    def assigned(self, partitions: set[Partition]) -> None:
        """Their learners are opened between two rounds."""
        self.fresh |= partitions
        self.worker.tell("rebalance", len(self.learners) + len(self.fresh))
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
            how(partitions & set(self.learners))
        except BaseException as error:
            self.failure = error
            self._discard(set(self.learners))
