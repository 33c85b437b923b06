"""A task: one ordered stream of records, its features and its estimator.

A file is one task; of a Kafka topic each partition is one.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from river import base

from connectors.base import Record

from ..drift.losses import losses
from ..drift.monitor import Monitor
from ..errors import BadRecord
from ..estimators.described import check_finite
from ..estimators.protocol import (
    ManyKeys,
    Reacting,
    Snapshot,
    StreamEstimator,
    bad_records,
    drift_alarms,
    is_verbatim,
    last_rows,
    learner_of,
    unfinished,
)
from ..features.names import NameCheck
from ..features.paths import getter
from ..features.rows import Row, Rows
from ..keys.contexts import Contexts, Notes, beyond
from ..keys.key import MESSAGE_KEY, as_keys
from ..keys.shelf import Shelf
from ..numerics.trees import below
from .batch import numbers_of, unlabelled
from .behind import Behind, repeated
from .bounds import Bound
from .deletions import Deletions
from .met import Met
from .names import Names
from .outcome import Outcome, refusal, tombstones, undecodable, with_letters

log = logging.getLogger(__name__)

WATCH = "watch."  # arrays of the drift monitor in a checkpoint


class Task:
    """Predict and learn record by record; set aside what cannot be learned from.

    Args:
        estimator: predicts and learns.
        rows: makes its features and targets.
        copy: fields of the record that the result repeats.
        origin: whether a result says which partition and offset it belongs to.
        drift: watches the losses, and makes the estimator react if it has that set.
    """

    def __init__(
        self,
        estimator: StreamEstimator,
        rows: Rows,
        copy: Sequence[str] = (),
        origin: bool = False,
        drift: Monitor | None = None,
    ):
        self.estimator, self.rows = estimator, rows
        self.copy, self.origin, self.drift = tuple(copy), origin, drift
        self.names: Names | None = None  # fields that the configuration names, if watched
        self.most_keys: Bound | None = None  # that may have a context, if that is watched
        self.met: Met | None = None  # the names of features and classes, if they are limited
        self.deletions: Deletions | None = None  # of keys, if tombstones are that
        self.behind = Behind(0)  # of which record a result is
        self.used: dict[str, float] = {}  # the share of each limit that is taken
        self.guard: AbstractContextManager[Any] = nullcontext()  # held while the state changes
        # The contexts of keys, which a checkpoint holds beside the rest of the state.
        self.contexts: Contexts | None = (
            estimator.contexts if isinstance(estimator, ManyKeys) else None
        )
        if self.contexts is not None:
            rows.lags.histories = Notes(self.contexts)
        model = learner_of(estimator)
        rows.classes = isinstance(model, base.Classifier)
        rows.verbatim = is_verbatim(model)
        self._names = NameCheck({**rows.named, "run.copy": self.copy})

    def learn(self, records: Sequence[Record]) -> Outcome:
        """Results and dead letters of *records*; every record is in exactly one of them.

        A tombstone is in neither: it is counted, and passed over or learned as a deletion.
        """
        with self.guard:
            if self.deletions is None:
                return self._learn(records)
            return self.deletions.learn(self._learn, records)

    def _learn(self, records: Sequence[Record]) -> Outcome:
        start = time.perf_counter()
        if self.names is not None and not self.names.is_done:
            self.names.look(record.value for record in records if record.error is None)
        refused = undecodable(records)
        passed = tombstones(records)
        todo = [i for i in range(len(records)) if i not in refused and i not in passed]
        results: list[Row] = []
        self._keys: list[Any] = []
        labelled, at, most, has_asked = 0, 0, len(records), False
        while at < len(todo):
            limit = min(most, self._room(len(todo) - at))
            whole = limit == len(records)
            part = records if whole else [records[i] for i in todo[at : at + limit]]
            try:
                rows, learned = self._run(part)
            except BadRecord as bad:
                if not has_asked:  # set aside all of them at once
                    has_asked = True
                    found = self.faults([records[i] for i in todo[at:]])
                    refused |= {
                        todo[at + place]: refusal(records[todo[at + place]], fault)
                        for place, fault in found.items()
                    }
                    todo = [index for index in todo[at:] if index not in refused]
                    at = 0
                elif bad.index > 0:
                    most = bad.index  # those before it are good: they go first
                else:
                    refused[todo[at]] = refusal(records[todo[at]], bad)
                    at, most = at + 1, 1
            else:
                results += rows
                labelled += learned
                at += limit
                most *= 2  # so that many that nobody could name cost linear time too
                self._watch(rows)
        if self.most_keys is not None and self.contexts is not None:
            self.used["keys"] = self.most_keys.look(len(self.contexts))
        if self.met is not None:
            self.used |= self.met.used()
        return Outcome(
            rows=results,
            refused=[refused[index] for index in sorted(refused)],
            counts={
                "consumed": len(records),
                "predicted": len(results),
                "learned": labelled,
                "refused": len(refused),
            },
            reasons=Counter(row["reason"] for row in refused.values()),
            seconds=time.perf_counter() - start,
            timestamps=[r.timestamp for r in records if r.timestamp is not None],
            keys=self._keys,
            passed=len(passed),
        )

    def faults(self, records: Sequence[Record]) -> dict[int, BadRecord]:
        """What is wrong with which of *records*, as far as it can be told; nothing changes."""
        values = self._values(records)
        numbers = numbers_of(records)
        bad = self.rows.faults(values, numbers)
        good = [t for t in range(len(values)) if t not in bad]
        xs, ys = self.rows.transform([values[t] for t in good], numbers)
        inner = bad_records(self.estimator, xs, ys)
        bad |= {good[t]: fault for t, fault in inner.items()}
        left = [t for t in range(len(good)) if t not in inner]
        parts = (xs, ys, [values[t] for t in good])
        crowd = self._crowd(*([part[t] for t in left] for part in parts))
        return bad | {good[left[t]]: fault for t, fault in crowd.items()}

    def _crowd(
        self, xs: Sequence[Row], ys: Sequence[Any], values: Sequence[Row]
    ) -> dict[int, BadRecord]:
        """The records with a key, feature or class that is new beyond its limit."""
        names = {} if self.met is None else self.met.look(xs, ys)
        bound, contexts, field = self.most_keys, self.contexts, self.rows.key
        if bound is None or contexts is None or field is None:
            return names
        if len(contexts) + len(values) <= bound.limit:  # the common case
            return names
        keys = as_keys([getter(field)(value) for value in values], field)
        return names | beyond(bound.limit, keys, contexts)

    def _values(self, records: Sequence[Record]) -> list[Row]:
        values: list[Row] = [record.value for record in records]  # type: ignore[misc]
        if self.rows.key == MESSAGE_KEY:
            values = [{**v, MESSAGE_KEY: r.key} for v, r in zip(values, records, strict=True)]
        return values

    def _run(self, records: Sequence[Record]) -> tuple[list[Row], int]:
        """Result rows and the number of labels; a `BadRecord` has changed nothing."""
        values = self._values(records)
        for said in self._names.look(values):
            log.warning(said)
        xs, ys = self.rows.transform(values, numbers_of(records))
        for _, bad in sorted(self._crowd(xs, ys, values).items()):
            raise bad
        outputs = self.estimator.stream(xs, ys)
        self.rows.commit()
        if self.met is not None:
            self.met.commit()
        if self.rows.key is not None:
            self._keys += [x[self.rows.key] for x in xs]
        labels = len(records)
        if self.rows.target is not None:  # a stream without targets teaches by itself
            labels -= unlabelled(ys)
            for output, y in zip(outputs, ys, strict=True):
                output.setdefault("target", y)  # of a whole sequence it has its own
        told = repeated(values, records, self.copy, self.origin)
        told = self.behind.take(told, self._keys[-len(told) :])
        for output, own in zip(outputs, told, strict=True):
            output |= own
        return outputs, labels

    def _room(self, count: int) -> int:
        """How many of *count* records to learn before the estimator may react to drift."""
        if self.drift is None or self.drift.on_drift is None:
            return count
        return min(count, self.drift.room())

    def _watch(self, rows: list[Row]) -> None:
        if self.drift is not None:
            self.drift.update(*losses(rows))
            if self.drift.due() and isinstance(self.estimator, Reacting):
                self.estimator.react(str(self.drift.on_drift))

    def drift_alarms(self) -> dict[str, int]:
        """How often each detector has raised an alarm."""
        own = {} if self.drift is None else {self.drift.name: self.drift.alarms}
        inside = drift_alarms(self.estimator)
        return {name: own.get(name, 0) + inside.get(name, 0) for name in {**own, **inside}}

    def without(
        self, outcome: Outcome, records: Sequence[Record], problems: Mapping[int, str]
    ) -> Outcome:
        """*outcome* of *records* with letters in the place of rows that cannot be written.

        *problems* says which rows, and why.  What they taught stays learned.
        """
        has_letter = {(letter["partition"], letter["offset"]) for letter in outcome.refused}
        owners = [
            index
            for index, record in enumerate(records)
            if record.error is None
            and (record.partition, record.offset) not in has_letter
            and not self.is_label(record)
        ]
        return with_letters(
            outcome, records, {owners[at]: p for at, p in problems.items()}, problems
        )

    def last(self) -> list[Row]:
        """The rows that are owed at the end."""
        return last_rows(self.estimator)

    def finish(self) -> None:
        """No further record will come."""
        if self.names is not None:
            self.names.finish()
        if said := unfinished(self.estimator):
            log.warning("at the end of the stream %s", said)

    def is_label(self, record: Record) -> bool:
        """Whether it only tells the target of another record, and so has no result."""
        return False

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name."""
        return self.estimator.health()

    def snapshot(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """All of the state but `contexts`: JSON-able, and arrays by name."""
        model = self.estimator
        arrays, meta = model.snapshot_shared() if isinstance(model, ManyKeys) else model.snapshot()
        saved = {"estimator": meta, "rows": self.rows.snapshot(), **self.behind.snapshot()}
        if self.met is not None:
            saved["met"] = self.met.snapshot()
        if self.drift is not None:
            own, saved["drift"] = self.drift.snapshot()
            arrays = {**arrays, **{f"{WATCH}{name}": array for name, array in own.items()}}
        return saved, arrays

    def restore(
        self, meta: dict[str, Any], arrays: dict[str, np.ndarray], contexts: Shelf | None = None
    ) -> None:
        """Take over a snapshot; raises `CheckpointError` if it is of another model."""
        inner = {name: array for name, array in arrays.items() if not name.startswith(WATCH)}
        check_finite(inner)
        snapshot = Snapshot(inner, meta["estimator"])
        if isinstance(self.estimator, ManyKeys):
            self.estimator.restore_shared(snapshot, contexts or Shelf())
        else:
            self.estimator.restore(snapshot)
        self.rows.restore(meta["rows"])
        if self.met is not None:
            self.met.restore(meta.get("met", {}))
        self.behind.restore(meta)
        if self.drift is not None:
            own = below(WATCH, arrays)
            if "drift" not in meta or not self.drift.restore(own, meta["drift"]):
                log.warning("the drift detector starts anew: its settings have changed")
