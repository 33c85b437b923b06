"""One run per partition: its state, and what it owes to the output topic.

Invariant: the checkpoint's position is never beyond the group's committed offset.  The commit
comes first, the checkpoint after it; a run that resumes between the two learns again what
lies between them, silently, because the results of those records are published already.
"""

import logging
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from connectors.base import Lost, Record, Unwritable
from connectors.kafka.driver import Consumer, Partition
from connectors.kafka.origins import Origin, check_origin
from connectors.kafka.positions import Bounds, check_position, position_of, what_is_left
from connectors.kafka.transactions import TransactionalSink

from ...checkpoints.file import Checkpoint
from ...checkpoints.store import Store
from ...errors import CheckpointError
from ..ledger import SKIPPING, Ledger
from ..observers import Sample
from ..outcome import Outcome
from .learned import Learned, message_keys

log = logging.getLogger(__name__)


class PartitionRun:
    """One partition of the input topic: its ledger and its transactions.

    Without a checkpoint of its own it begins at *start*, with the newest model in *warm*.
    *origin* tells its topic from one that is made again under its name.
    """

    def __init__(
        self,
        partition: Partition,
        ledger: Ledger,
        sink: TransactionalSink,
        start: str = "earliest",
        warm: Store | None = None,
        origin: Origin | None = None,
    ):
        self.partition, self.ledger, self.sink = partition, ledger, sink
        self.start, self.warm, self.origin = start, warm, origin
        self.task = ledger.task
        self.part = str(partition)
        self.position = 0  # the next offset whose record has not taken effect
        self.published = 0  # the next offset whose result is not published
        self.highwater: int | None = None
        self._saved_place: Any = None

    # -- taking over -----------------------------------------------------------------

    def open(self, consumer: Consumer) -> int:
        """Become the owner and continue from the checkpoint; the offset to read from.

        The order matters: fence the owner before this one, only then ask what it committed.
        Raises `CheckpointError` when checkpoint and group disagree, `Lost` when the
        topic no longer holds what comes next.
        """
        self.sink.open()
        committed = consumer.committed([self.partition])[self.partition]
        bounds = consumer.bounds([self.partition])
        checkpoint = self.ledger.newest()
        if checkpoint is None:
            self._begin(committed, bounds[self.partition])
            return self.position
        topic = self.partition.topic
        before = Origin.of(checkpoint.manifest["position"][topic])
        try:
            check_origin(topic, before, self.origin)
        except Lost as error:
            self._skipped(error)
            self._take_up(checkpoint)
            self._move(bounds, {topic}, (), consumer)
        else:
            self._resume(checkpoint, committed)
            same = {topic} if before is not None and before == self.origin else ()
            self._within(bounds, same, consumer)
        return self.position

    def _skipped(self, error: Lost) -> None:
        """Raise *error*, unless what is lost may be skipped."""
        if not self.ledger.schedule.skip_lost:
            raise Lost(f"{error}; {SKIPPING}") from None
        log.warning("%s; the model is kept, and goes on with what is there", error)

    def _within(self, bounds: Bounds, same: Collection[str], consumer: Consumer) -> None:
        """Be where the topic still has records, or raise `Lost`."""
        try:
            check_position({self.partition: self.position}, bounds)
        except Lost as error:
            self._skipped(error)
            self._move(bounds, (), same, consumer)

    def _move(
        self, bounds: Bounds, remade: Collection[str], same: Collection[str], consumer: Consumer
    ) -> None:
        """Go to where there are records; see `connectors.kafka.positions.what_is_left`."""
        left, lost = what_is_left({self.partition: self.position}, bounds, remade, same)
        self.ledger.observers.gap(lost)
        before, self.position = self.position, left[self.partition]
        if not remade and self.position > before:  # what the group has committed is not behind
            self.published = max(self.position, self.published)
            return
        # The group is told before the checkpoint, which must not be ahead of it.
        self.published = self.position
        moves = self.moves(self._nothing())
        self.sink.send((), (), (), (), self.position, consumer.group_metadata(), **moves)
        self.sink.commit()
        self._saved_place = None
        self.save()

    def _nothing(self) -> Learned:
        """What a transaction without records has learned."""
        return Learned((), None, {}, self.position)

    def _begin(self, committed: int | None, bounds: tuple[int, int]) -> None:
        if committed is not None:
            raise CheckpointError(
                f"{self.partition}: the group has committed offset {committed}, but "
                f"{self._folder} holds no checkpoint, so what was learned up to there is gone. "
                "Give the checkpoint directory of that group, or start anew under another "
                "source.group"
            )
        if (warm := self._warm()) is not None:
            self.ledger.learn_from(warm)
            log.info("%s: begins with the model of %s", self.partition, warm.name)
        self.position = self.published = bounds[0] if self.start == "earliest" else bounds[1]
        self.save()  # where the stream began, for a run killed before its first checkpoint

    def _warm(self) -> Checkpoint | None:
        """The model that was learned elsewhere, from files say, to begin with."""
        return None if self.warm is None else self.warm.load_newest(of_run=True)

    def _take_up(self, checkpoint: Checkpoint) -> None:
        """The model of a checkpoint whose place is lost."""
        topic, number = self.partition
        self.position = checkpoint.manifest["position"][topic][str(number)]
        self.ledger.resume(checkpoint)

    def _resume(self, checkpoint: Checkpoint, committed: int | None) -> None:
        manifest = checkpoint.manifest
        topic, number = self.partition
        self.position = manifest["position"][topic][str(number)]
        if committed is None and manifest["counters"]["consumed"] == 0:
            committed = self.position  # killed before the first commit
        if committed is None or self.position > committed:
            raise CheckpointError(
                f"{self.partition}: checkpoint and group disagree: {checkpoint.name} in "
                f"{self._folder} is at offset {self.position}, but the group has committed "
                f"{'nothing' if committed is None else committed}. The group's offsets were "
                "reset or have expired, or this is another cluster. Set the group's offset to "
                f"{self.position}, correct source.group or source.bootstrap, or start anew with "
                "another checkpoint directory and another source.group"
            )
        self.ledger.resume(checkpoint)
        self.published, self._saved_place = committed, self.place()
        log.info(
            "%s: resumed from %s at offset %d, published up to %d",
            *(self.partition, checkpoint.name, self.position, committed),
        )

    # -- working ---------------------------------------------------------------------

    @property
    def _folder(self) -> str:
        """Where its checkpoints are."""
        return "nowhere" if self.ledger.store is None else self.ledger.store.url

    def learn(self, records: Sequence[Record]) -> Learned:
        """Learn all; keep for publication what lies beyond the committed offset."""
        cut = bisect_left(records, self.published, key=lambda record: record.offset)
        replayed: dict[str, int] = {}
        if cut:
            replayed = self.task.learn(records[:cut]).counts
        fresh = records[cut:]
        outcome = self.task.learn(fresh) if fresh else None
        return Learned(fresh, outcome, replayed, records[-1].offset + 1)

    def send(self, learned: Learned, group_metadata: Any) -> Learned:
        """Hand over results, dead letters and offset, in one transaction; raises `SinkError`.

        What was sent: a result that no message can hold has become a letter.
        """
        outcome = learned.outcome
        if outcome is None:
            return learned
        try:
            self._send(learned, outcome, group_metadata)
        except Unwritable as error:
            outcome = self.task.without(outcome, learned.records, error.problems)
            self._send(learned, outcome, group_metadata)
        return learned._replace(outcome=outcome)

    def _send(self, learned: Learned, outcome: Outcome, group_metadata: Any) -> None:
        keys, letter_keys = message_keys(learned.records, outcome, self.task.is_label)
        self.sink.send(
            *(outcome.rows, keys, outcome.refused, letter_keys),
            *(learned.position, group_metadata),
            **self.moves(learned),
        )

    def commit(self, learned: Learned) -> None:
        """Make visible what was sent; raises `SinkError`."""
        outcome = learned.outcome
        if outcome is not None:
            self.sink.commit()
            self.published = learned.position
            for letter in outcome.refused[:1]:
                log.warning(
                    *("%s: refused %s: %s", self.part, letter["offset"], letter["reason"]),
                    extra={"values": letter["error"]},  # may name what the record holds
                )
        for counts in (learned.replayed, outcome.counts if outcome else {}):
            self.ledger.count(counts)
        self.position = learned.position

    def moves(self, learned: Learned) -> dict[str, Any]:
        """What else a transaction commits; see `TransactionalSink.send`."""
        return {}

    def place(self) -> Any:
        """How far the checkpoint would reach."""
        return self.position

    def positions(self) -> dict[str, dict[str, Any]]:
        """The same, for the checkpoint: see `connectors.kafka.positions.position_of`."""
        known = {} if self.origin is None else {self.partition.topic: self.origin}
        return position_of({self.partition: self.position}, known)

    def has_turn(self, consumer: Consumer) -> bool:
        """Whether it has something to do even if no record has come for it."""
        return False

    def is_due(self, pending: Learned | None = None) -> bool:
        """Whether it is time for a checkpoint, once *pending* is published."""
        further = 0
        if pending is not None:
            further = pending.replayed.get("consumed", 0) + len(pending.records)
        return self.ledger.is_due(further)

    def save(self) -> bool:
        """Write a checkpoint if anything has happened; to be called between batches.

        See `Ledger.save` for one that cannot be written.
        """
        place = self.place()
        if place == self._saved_place:
            return False
        self.ledger.position = self.positions()
        saved = self.ledger.save({})
        if saved:
            self._saved_place = place
        return saved

    def metrics(self) -> Iterator[Sample]:
        """Position and lag, as samples: name, labels, value."""
        labels = {"topic": self.partition.topic, "partition": str(self.partition.number)}
        yield "consumer_position_offset", labels, self.position
        if self.highwater is not None:
            yield "consumer_lag_records", labels, max(0, self.highwater - self.position)

    # -- letting go ------------------------------------------------------------------

    def discard(self) -> None:
        """Another owner has it: write nothing more."""
        self.sink.discard()
        self.ledger.close()

    def close(self) -> None:
        """After the last `commit` and `save`."""
        self.sink.close()
        self.ledger.close()
