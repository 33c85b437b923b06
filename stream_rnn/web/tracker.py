"""What is remembered of one learner, for the page: bounded, and cheap to take in.

The pipeline's thread writes, a batch at a time; `Tracker.frame` is made by it at most twice a
second and then only read.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from operator import ne
from typing import Any, NamedTuple

import numpy as np

from ..drift.losses import losses
from ..metrics import Quality
from ..rows import kind_of
from ..service.outcome import Outcome

ROWS = 300  # results in the picture of truth and prediction
POINTS = 600  # of the curves over time, 5 minutes at two a second
WORST, EVENTS = 12, 50
FORGET_SECONDS = 900.0  # after which a surprise is none any more
KEYS_SHOWN = 12
CLASSES_SHOWN = 12

Row = Mapping[str, Any]


class Surprise(NamedTuple):
    """A result that was far from the truth, or an anomaly."""

    time: float
    number: int  # of the record in its stream, from 0
    size: float  # the error over the mean one; or the score
    key: Any
    row: Row


class Tracker:
    """Of one learner that has seen *first* records before, in other processes.

    >>> tracker = Tracker(first=100)
    >>> rows = [{"prediction": 1.0, "target": 1.5}, {"prediction": 1.0, "target": 9.0}]
    >>> counts = {"consumed": 2, "predicted": 2, "learned": 2, "refused": 0}
    >>> tracker.see(Outcome(rows, [], counts, {}, 0.1, []), mean=2.0)
    >>> tracker.worst[0].row["target"], tracker.worst[0].size, tracker.worst[0].number
    (9.0, 4.0, 101)
    """

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.counts = dict.fromkeys(("consumed", "predicted", "learned", "refused"), 0)
        self.rows: deque[tuple[int, Row]] = deque(maxlen=ROWS)
        self.worst: list[Surprise] = []
        self.anomalies: deque[Surprise] = deque(maxlen=EVENTS)
        self.classes: dict[str, int] = {}
        self.history: deque[dict[str, float]] = deque(maxlen=POINTS)
        self.marks: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self.seconds, self.latency = 0.0, float("nan")
        self._alarms: dict[str, float] = {}
        self._before = (time.monotonic(), 0, 0.0)

    def see(
        self, outcome: Outcome, mean: float = float("nan"), errors: np.ndarray | None = None
    ) -> None:
        """Take in a batch; *mean* is the recent mean error, by which a surprise is measured.

        *errors* are those of its results (T,), where they are known already.
        """
        rows = outcome.settled or outcome.rows
        start = self.first + self.counts["consumed"]
        for name, number in outcome.counts.items():
            self.counts[name] += number
        self.seconds += outcome.seconds
        if outcome.timestamps:
            self.latency = time.time() - outcome.timestamps[-1]
        self.rows.extend(enumerate(rows[-ROWS:], start + max(0, len(rows) - ROWS)))
        if not rows:
            return
        keys = outcome.keys if len(outcome.keys) == len(rows) else ()
        kind = kind_of(rows[0])
        if kind == "anomalies":
            self._see_anomalies(rows, keys, start)
        elif kind == "classes":
            self._see_classes(rows, keys, start)
        elif kind == "text":
            self._see_lines(rows, keys, start)
        elif isinstance(rows[0].get("prediction"), str | list):
            self._see_worst(np.array([_wrong(row) for row in rows]), rows, keys, start)
        elif mean > 0:
            if errors is None:
                errors = losses(rows)[0].max(axis=1, initial=-1.0)
            self._see_worst(errors / mean, rows, keys, start)

    def _see_worst(self, sizes: np.ndarray, rows: Sequence[Row], keys: Sequence, at: int) -> None:
        """The worst of a batch, if it is among the worst of late."""
        sizes = np.where(np.isnan(sizes), -1.0, sizes)
        t = int(sizes.argmax())
        if sizes[t] <= 0.0:
            return
        if len(self.worst) < WORST or sizes[t] > self.worst[-1].size:
            key = keys[t] if keys else None
            self.worst.append(Surprise(time.time(), at + t, float(sizes[t]), key, rows[t]))
            self.worst.sort(key=lambda surprise: -surprise.size)
            del self.worst[WORST:]

    def _see_anomalies(self, rows: Sequence[Row], keys: Sequence, at: int) -> None:
        scores = np.array([row["score"] for row in rows], float)
        self._see_worst(scores, rows, keys, at)
        for t, row in enumerate(rows):
            if row["alarm"]:
                key = keys[t] if keys else None
                self.anomalies.append(Surprise(time.time(), at + t, row["score"], key, row))

    def _see_classes(self, rows: Sequence[Row], keys: Sequence, at: int) -> None:
        shares = []
        for row in rows:
            truth = row.get("target")
            if truth is not None:
                name = str(truth)
                if name in self.classes or len(self.classes) < 1000:
                    self.classes[name] = self.classes.get(name, 0) + 1
            known = truth is not None and row["probabilities"]
            shares.append(-np.log2(max(row["probabilities"].get(truth, 0), 1e-6)) if known else -1)
        self._see_worst(np.array(shares), rows, keys, at)

    def _see_lines(self, rows: Sequence[Row], keys: Sequence, at: int) -> None:
        sizes = [row["surprise"] if row["surprise"] is not None else -1.0 for row in rows]
        self._see_worst(np.array(sizes, float), rows, keys, at)

    # -- twice a second --------------------------------------------------------------

    @property
    def moved(self) -> bool:
        """Whether the newest points of the curves are not those of now."""
        late = self.counts["consumed"] != self._before[1]
        return late or bool(self.history and self.history[-1].get("rate"))

    def tick(self, measures: Mapping[str, float], health: Mapping, alarms: Mapping) -> None:
        """A point on every curve, and a mark where drift was reported."""
        now, clock = time.time(), time.monotonic()
        before, consumed, seconds = self._before
        elapsed, records = clock - before, self.counts["consumed"] - consumed
        self._before = (clock, self.counts["consumed"], self.seconds)
        point = {
            "time": now,
            "rate": records / elapsed if elapsed > 0 else 0.0,
            # The first batch compiles.
            "update": (self.seconds - seconds) / records if records and consumed else float("nan"),
            "latency": self.latency,
            **measures,
            **{name: health[name] for name in CURVES if name in health},
        }
        self.history.append({k: v for k, v in point.items() if np.isfinite(v)})
        for detector, count in alarms.items():
            if count > self._alarms.get(detector, count):
                self.mark(f"drift ({detector})")
            self._alarms[detector] = count
        self.worst = [s for s in self.worst if now - s.time < FORGET_SECONDS]

    def mark(self, text: str) -> None:
        """Something happened now that a reader of the curves should know."""
        self.marks.append({"time": time.time(), "text": text})

    def frame(self, quality: Quality) -> dict[str, Any]:
        """All of it at this moment, for another thread to write down."""
        errors = sorted(
            ((key, past) for key, past in quality.keys.items() if past.error == past.error),
            key=lambda pair: -pair[1].error,
        )
        return {
            "counts": dict(self.counts),
            "rows": tuple(self.rows),
            "history": tuple(self.history),
            "marks": tuple(self.marks),
            "worst": tuple(self.worst),
            "anomalies": tuple(self.anomalies),
            "classes": sorted(self.classes.items(), key=lambda item: -item[1])[:CLASSES_SHOWN],
            "keys": [(key, past.error, past.count) for key, past in errors[:KEYS_SHOWN]],
        }


def _wrong(row: Row) -> float:
    """The share of labels that are wrong; of another prediction 1 if it is."""
    made, truth = row.get("prediction"), row.get("target")
    if made is None or truth is None:
        return -1.0
    if isinstance(made, list) and isinstance(truth, list | tuple) and len(made) == len(truth):
        return sum(map(ne, made, truth)) / max(1, len(made))
    return float(made != truth)


CURVES = (
    *("bits_per_symbol_rolling", "gradient_norm", "parameter_norm", "vocabulary_size"),
    *("keys", "labels_pending"),
)
