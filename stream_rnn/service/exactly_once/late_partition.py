"""One partition of records and the partition of their labels, each with one exact effect.

The two are read in rounds; `journal` says how their order outlives a crash.  What a run learns
again after a crash is in the same rounds, up to the last commit, and so has the same bits.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

from connectors.base import Label, Lost, Record, SourceError
from connectors.kafka.driver import Consumer, Partition
from connectors.kafka.source import KafkaSource

from ...checkpoints.file import Checkpoint
from ..observers import Sample
from .journal import Journal, Place, rounds_after
from .learned import Learned
from .partition import PartitionRun

log = logging.getLogger(__name__)

BATCH = 1000
IDLE_SECONDS = 0.05  # how long labels are waited for when nothing else is to be done
REPLAY_SECONDS = 120.0  # labels that were read before are waited for
JOURNAL_SECONDS = 1.0  # between two checkpoints that are written to shorten the journal


class LatePartitionRun(PartitionRun):
    """A `PartitionRun` whose labels come from the same partition of another topic.

    Args:
        open_labels: opens that partition, to be read from its start or its end.
        labels_topic: its topic.
        others: as of `PartitionRun`.
    """

    def __init__(
        self,
        *others: Any,
        open_labels: Callable[[int], KafkaSource],
        labels_topic: str,
        **more: Any,
    ):
        super().__init__(*others, **more)
        self.open_labels = open_labels
        self.labels_place = Partition(labels_topic, self.partition.number)
        self.labels_position = 0  # the next offset whose label has taken effect
        self.journal = Journal(Place(0, 0))
        self._labels: KafkaSource | None = None
        self._rounds: deque[Place] = deque()  # to be learned again
        self._inputs: deque[Record] = deque()  # read, not learned yet
        self._held: deque[Record] = deque()  # labels, likewise
        self._at = Place(0, 0)  # what the task has learned up to
        self._reached = -inf  # the latest time of a record
        self._is_caught_up = False  # there are no further records now

    # -- taking over -----------------------------------------------------------------

    def open(self, consumer: Consumer) -> int:
        """See `PartitionRun.open`."""
        self._consumer = consumer
        self._labels = self.open_labels(self.partition.number)
        return super().open(consumer)

    def _begin(self, committed: int | None, bounds: tuple[int, int]) -> None:
        self.labels_position = self._labels_next()
        super()._begin(committed, bounds)
        self._at = self.place()
        self.journal = Journal(self._at)

    def _resume(self, checkpoint: Checkpoint, committed: int | None) -> None:
        position = checkpoint.manifest["position"]
        self.labels_position = position[self.labels_place.topic][str(self.partition.number)]
        super()._resume(checkpoint, committed)
        note = self._consumer.note(self.partition)
        rounds, is_exact = rounds_after(note, self.place(), self.published)
        if not is_exact:
            log.warning(
                "%s: the journal of the group does not reach back to %s: records and labels up to "
                "the committed offset are learned again, each once, but in another order than "
                "before, so that the parameters may differ in their last digits",
                *(self.part, checkpoint.name),
            )
        self._at = self.place()
        self.journal = Journal(self._at, rounds)
        self._rounds.extend(rounds)
        assert self._labels is not None
        self._restore_labels(position[self.labels_place.topic])

    def _take_up(self, checkpoint: Checkpoint) -> None:
        super()._take_up(checkpoint)
        saved = checkpoint.manifest["position"][self.labels_place.topic]
        assert self._labels is not None
        self._labels.restore_left({self.labels_place.topic: saved})
        self.labels_position = self._labels_next()

    def _move(self, *others: Any) -> None:
        """See `PartitionRun._move`."""
        super()._move(*others)
        self._without_rounds()

    def _nothing(self) -> Learned:
        return super()._nothing()._replace(labels=self.labels_position)

    def _without_rounds(self) -> None:
        """No round of before can be learned again; what is published is one."""
        self._at = self.place()
        self._rounds.clear()
        if self.published > self.position:
            self._rounds.append(Place(self.published, self.labels_position))
        self.journal = Journal(self._at, self._rounds)

    def _restore_labels(self, saved: Mapping[str, Any]) -> None:
        """Go on with the labels where the checkpoint is, or with those that are left."""
        topic, number = self.labels_place
        position = {topic: {**saved, str(number): self._at.labels}}
        assert self._labels is not None
        try:
            self._labels.restore(position)
        except Lost as error:
            self._skipped(error)
            self.ledger.observers.gap(self._labels.restore_left(position))
            self.labels_position = self._labels_next()
            self._without_rounds()

    def _labels_next(self) -> int:
        assert self._labels is not None
        return self._labels.snapshot()[self.labels_place.topic][str(self.partition.number)]

    # -- working ---------------------------------------------------------------------

    def has_turn(self, consumer: Consumer) -> bool:
        """Labels may have come, unless they have been read to their end."""
        position, end = consumer.position(self.partition), consumer.highwater(self.partition)
        self._is_caught_up = position is not None and end is not None and position >= end
        if self._rounds or self._held:
            return True
        return self._labels is not None and not self._labels.finished

    def learn(self, records: Sequence[Record]) -> Learned:
        """Learn what was learned before, then a round of what is new."""
        self._inputs.extend(records)
        replayed: dict[str, int] = {}
        while self._rounds and self._can_repeat(self._rounds[0]):
            end = self._rounds.popleft()
            for name, number in self.task.learn(self._merged(end)).counts.items():
                replayed[name] = replayed.get(name, 0) + number
        fresh = [] if self._rounds else self._merged(self._next_place(not records))
        outcome = self.task.learn(fresh) if fresh else None
        return Learned(fresh, outcome, replayed, self._at.records, self._at.labels)

    def _can_repeat(self, end: Place) -> bool:
        """Whether all records of a round are here; its labels are waited for."""
        if end.records > self._at.records and not (
            self._inputs and self._inputs[-1].offset >= end.records - 1
        ):
            return False
        deadline = time.monotonic() + REPLAY_SECONDS
        while end.labels > self._at.labels and not (
            self._held and self._held[-1].offset >= end.labels - 1
        ):
            if time.monotonic() > deadline:
                raise SourceError(
                    f"{self.labels_place}: the labels up to offset {end.labels} were read before "
                    "and do not come any more; restore them, or start anew with another "
                    "checkpoint directory and another source.group"
                )
            self._fetch(1.0)
        return True

    def _next_place(self, is_idle: bool) -> Place:
        """Where the next round ends: at the last record, and the last label of its time."""
        at = self._at
        records = self._inputs[-1].offset + 1 if self._inputs else at.records
        for record in self._inputs:
            self._reached = max(self._reached, record.timestamp or -inf)
        if self.journal.is_full:
            return Place(records, at.labels)  # until a checkpoint could be written
        limit = inf if self._is_caught_up else self._reached
        self._fetch(IDLE_SECONDS if is_idle else 0.0)
        while self._may_be_behind(limit):
            held = len(self._held)
            self._fetch(IDLE_SECONDS)
            if len(self._held) == held:
                break
        labels = at.labels
        for label in self._held:
            if (label.timestamp or -inf) > limit:
                break
            labels = label.offset + 1
        return Place(records, labels)

    def _may_be_behind(self, limit: float) -> bool:
        """Whether labels of this round may not have been fetched; at the end of both, not."""
        if self._labels is None or self._labels.finished or self._labels.is_caught_up():
            return False
        if len(self._held) >= BATCH:
            return False
        return not self._held or (self._held[-1].timestamp or -inf) <= limit

    def _fetch(self, timeout: float) -> None:
        if self._labels is None:
            raise SourceError(f"{self.labels_place} was closed")
        if len(self._held) < BATCH or self._rounds:
            self._held.extend(self._labels.next_batch(BATCH, timeout))

    def _merged(self, end: Place) -> list[Record]:
        """The records and labels up to *end*, by time, a record before a label of the same."""
        records, labels = self._inputs, self._held
        merged: list[Record] = []
        while True:
            has_record = bool(records) and records[0].offset < end.records
            has_label = bool(labels) and labels[0].offset < end.labels
            if has_record and has_label:
                has_record = (records[0].timestamp or -inf) <= (labels[0].timestamp or -inf)
            if has_record:
                merged.append(records.popleft())
            elif has_label:
                merged.append(Label._make(labels.popleft()))
            else:
                self._at = end
                return merged

    # -- durability ------------------------------------------------------------------

    def send(self, learned: Learned, group_metadata: Any) -> Learned:
        """See `PartitionRun.send`."""
        if learned.outcome is not None:
            self.journal.add(Place(learned.position, learned.labels))
        return super().send(learned, group_metadata)

    def commit(self, learned: Learned) -> None:
        """See `PartitionRun.commit`."""
        super().commit(learned)
        self.labels_position = learned.labels

    def moves(self, learned: Learned) -> dict[str, Any]:
        """The labels' offset, and the journal."""
        return {"also": {self.labels_place: learned.labels}, "note": self.journal.text()}

    def place(self) -> Place:
        """How far the checkpoint would reach."""
        return Place(self.position, self.labels_position)

    def positions(self) -> dict[str, dict[str, Any]]:
        """The positions of both, for the checkpoint."""
        topic, number = self.labels_place
        known = {} if self._labels is None else self._labels.snapshot()[topic]
        return super().positions() | {topic: {**known, str(number): self.labels_position}}

    def is_due(self, pending: Learned | None = None) -> bool:
        """Also when the journal is long."""
        elapsed = time.monotonic() - self.ledger.saved_at
        return super().is_due(pending) or (self.journal.is_long and elapsed > JOURNAL_SECONDS)

    def save(self) -> bool:
        """See `PartitionRun.save`."""
        saved = super().save()
        if saved:
            self.journal.mark(self.place())
        return saved

    def metrics(self) -> Iterator[Sample]:
        """Those of records and of labels."""
        yield from super().metrics()
        if self._labels is not None:
            yield from self._labels.metrics()

    # -- letting go ------------------------------------------------------------------

    def discard(self) -> None:
        """See `PartitionRun.discard`."""
        super().discard()
        self._close_labels()

    def close(self) -> None:
        """See `PartitionRun.close`."""
        super().close()
        self._close_labels()

    def _close_labels(self) -> None:
        labels, self._labels = self._labels, None
        if labels is not None:
            labels.close()
