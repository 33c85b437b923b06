"""A task whose labels come later, in records of their own."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from river import base

from connectors import times
from connectors.base import Label, Record

from ...drift.monitor import Monitor
from ...errors import BadRecord, faults
from ...estimators.delayed import Delayed
from ...estimators.protocol import is_verbatim, learner_of
from ...features.rows import MissingTarget, Row, Rows
from ..bounds import Bound
from ..met import TooManyNames
from ..outcome import Outcome, joined, letter_of, tombstones
from ..task import Task
from .buffer import Id, LabelBuffer
from .clock import WEEK, Clock
from .join import NOTHING, Join, id_of, labelled, seconds, with_settled

log = logging.getLogger(__name__)

#: Of letters of labels that are refused for what they hold.
REASONS = {MissingTarget: "missing_target", TooManyNames: "too_many_names"}


class LateTask(Task):
    """Predicts records as they come; learns them in their order when their labels are there.

    A `connectors.base.Label` is a label, and in a stream without any, with *alone*, a record
    in which a target is not null.

    Args:
        estimator: predicts and learns.
        rows: makes features and targets; ``missing_target`` must be "advance".
        join: how labels find their records.
        alone: labels are in the same stream.
        copy, origin, drift: as of `Task`; drift is watched when a label is there.
    """

    estimator: Delayed

    def __init__(
        self,
        estimator: Delayed,
        rows: Rows,
        join: Join,
        alone: bool = True,
        copy: Sequence[str] = (),
        origin: bool = False,
        drift: Monitor | None = None,
    ):
        super().__init__(estimator, rows, list(dict.fromkeys([join.key, *copy])), origin, drift)
        learner = learner_of(estimator.late)
        rows.classes = isinstance(learner, base.Classifier)
        rows.verbatim = is_verbatim(learner)
        self.join, self.alone = join, alone
        self.buffer = LabelBuffer(join.within, join.max_pending)
        self.clock = Clock(max(WEEK, 10 * (join.within or 0.0)))
        waits = "the oldest record is learned without its label"
        self.pending = Bound("records that wait", join.max_pending, "labels.max_pending", waits)
        self._times: dict[int, float | None] = {}  # of the records being learned

    def is_label(self, record: Record) -> bool:
        """Whether it tells the target of another record."""
        if isinstance(record, Label):
            return True
        value = record.value
        return self.alone and value is not None and not self._is_without_target(value)

    def _is_without_target(self, value: Row) -> bool:
        return self.rows.is_unlabelled(value)

    def _learn(self, records: Sequence[Record]) -> Outcome:
        """Results and dead letters of *records*; a label that is good is in neither."""
        start, at = time.perf_counter(), 0
        self._times = {id(record): self._read_time(record) for record in records}
        parts: list[Outcome] = []
        before = dict(self.buffer.counts)
        while at < len(records):
            if self.is_label(records[at]):
                end = self._end_of_labels(records, at)
                parts.append(self._take_labels(records[at:end]))
            else:
                end = self._predict_up_to(records, at, parts)
            at = end
        self.used["labels"] = self.pending.look(len(self.buffer))
        labels = {name: n - before[name] for name, n in self.buffer.counts.items()}
        return joined(parts, labels, time.perf_counter() - start)

    # -- records ---------------------------------------------------------------------

    def _predict_up_to(self, records: Sequence[Record], at: int, parts: list[Outcome]) -> int:
        """Predict from *at* as far as nothing is learned in between; where that ends."""
        now = self._time(records[at])
        if now is not None:
            self.buffer.advance(now)
        settled = self._settle(room=1)
        end = self._stretch(records, at)
        part = super()._learn(records[at:end])
        for record in records[at:end]:  # the refused ones tell the time too
            if (now := self._time(record)) is not None:
                self.buffer.advance(now)
        parts.append(with_settled(part, settled))
        if settled := self._settle():  # the last one's label was there before it, or it is late
            parts.append(with_settled(NOTHING, settled))
        return end

    def _stretch(self, records: Sequence[Record], at: int) -> int:
        """Up to the next label, the next record that is given up or learned."""
        head, free = self.buffer.head_time, self.join.max_pending - len(self.buffer)
        clock, end = self.buffer.clock, at
        while end < len(records) and end - at < free and not self.is_label(records[end]):
            now = self._time(records[end])
            if now is not None:
                clock = max(clock, now)
                head = now if head is None else min(head, now)  # to stop early does no harm
            if end > at and head is not None and clock > head + self.buffer.within:
                break
            end += 1
            value = records[end - 1].value
            if value is not None and self.buffer.has_label(id_of(value.get(self.join.key))):
                break
        return end

    def faults(self, records: Sequence[Record]) -> dict[int, BadRecord]:
        """See `Task.faults`; also the records that no label could find."""
        bad = faults(lambda t: self._identify(records[t], t), len(records))
        good = [t for t in range(len(records)) if t not in bad]
        inner = super().faults([records[t] for t in good])
        return bad | {good[t]: fault for t, fault in inner.items()}

    def _run(self, records: Sequence[Record]) -> tuple[list[Row], int]:
        """Result rows; a `BadRecord` has changed nothing."""
        known = [self._identify(record, index) for index, record in enumerate(records)]
        outputs, _ = super()._run(records)
        for (id, now), x, output in zip(known, self.estimator.taken, outputs, strict=True):
            output.pop("target", None)
            made = {"prediction": output.get("prediction")}
            if "probabilities" in output:
                made["probabilities"] = {}  # a class was predicted, see `drift.losses`
            is_inside = output.get("steps", 0) is None  # of a sequence, whose end has the label
            self.buffer.add(None if is_inside else id, x, made, now)
        return outputs, 0

    # -- labels ----------------------------------------------------------------------

    def _end_of_labels(self, records: Sequence[Record], at: int) -> int:
        while at < len(records) and self.is_label(records[at]):
            at += 1
        return at

    def _take_labels(self, records: Sequence[Record]) -> Outcome:
        refused: list[Row] = []
        reasons: dict[str, int] = {}
        settled: list[Row] = []
        passed = tombstones(records)
        for place, record in enumerate(records):
            if place in passed:
                continue
            try:
                self._take_label(record)
            except BadRecord as bad:
                reason = REASONS.get(type(bad), "label")
                reason = "undecodable" if record.error is not None else reason
                refused.append(letter_of(record, "label", reason, record.error or str(bad)))
                reasons[reason] = reasons.get(reason, 0) + 1
            settled += self._settle()
        counts = {
            "consumed": len(records),
            "predicted": 0,
            "learned": len(labelled(settled)),
            "refused": len(refused),
        }
        return Outcome([], refused, counts, reasons, 0.0, [], settled, passed=len(passed))

    def _take_label(self, record: Record) -> None:
        if record.value is None:
            raise BadRecord(record.error or "no value", 0)
        id, now = self._identify(record, 0)
        if self._is_without_target(record.value):
            raise MissingTarget(f"the label has no {' and no '.join(self.rows.targets)}", 0)
        [y] = self.rows.labels([record.value], record.numbers)
        self.estimator.check_target(y)
        if self.met is not None:
            self.met.take(y)
        self.buffer.label(id, y, now)

    def _settle(self, room: int = 0) -> list[Row]:
        """Learn what is settled; its predictions and targets, None for those given up."""
        taken = self.buffer.take(room)
        if taken:
            self.estimator.learn([w.x for w in taken], [w.y for w in taken])
        settled = [{**w.prediction, "target": w.y} for w in taken]
        if known := labelled(settled):
            super()._watch(known)
        return settled

    def _watch(self, rows: list[Row]) -> None:
        """Nothing: of predictions without their targets there is nothing to be seen."""

    # -- both ------------------------------------------------------------------------

    def _identify(self, record: Record, index: int) -> tuple[Id, float]:
        """The id and the time of a record or label; raises `BadRecord`."""
        value: Row = record.value  # type: ignore[assignment]
        id: Any = id_of(value.get(self.join.key))
        if id is None:
            raise BadRecord(
                f"the field {self.join.key!r}, by which labels and records are joined, "
                f"is {value.get(self.join.key)!r}; text or an integer is needed",
                index,
            )
        now = self._time(record)
        if now is None and self.join.within is not None:
            field = self.join.time
            raise BadRecord(
                f"the field {field!r} is {value.get(field)!r}, not a time before the year 2200"
                if field is not None
                else "the record has no time; name the field that has it as labels.time",
                index,
            )
        return id, 0.0 if now is None else now

    def _time(self, record: Record) -> float | None:
        """What the time of one of the records being learned counts as."""
        return self._times[id(record)]

    def _read_time(self, record: Record) -> float | None:
        """Seconds since 1970 by the clock, or None where there is no time or none is needed."""
        if self.join.within is None:
            return None
        if self.join.time is None:
            told = record.timestamp
        else:
            told = None if record.value is None else seconds(record.value.get(self.join.time))
        # One that is centuries away is no time; one that is far ahead is not believed at once.
        return self.clock.read(told) if told is not None and abs(told) < times.LATEST else None

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name."""
        return {**super().health(), "labels_pending": float(len(self.buffer))}

    # -- state -----------------------------------------------------------------------

    def snapshot(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """All of the state, what waits included."""
        meta, arrays = super().snapshot()
        waits = {**self.buffer.snapshot(), "time": self.clock.snapshot()}
        return {**meta, "labels": waits}, arrays

    def restore(self, meta: dict[str, Any], arrays: dict[str, np.ndarray], *more: Any) -> None:
        """Take over a snapshot; raises `CheckpointError` if it is of another model."""
        super().restore(meta, arrays, *more)
        self.buffer.restore(meta["labels"])
        before = {"latest": meta["labels"]["clock"], "witnesses": []}  # version 0.1.0
        self.clock.restore(meta["labels"].get("time", before))
