"""River's anomaly detector: what the forecaster did not expect."""

from collections.abc import Sequence
from datetime import date
from math import isnan, log10
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord, ConfigError, faults
from ..forecasting import surprise
from ..forecasting.surprise import Surprise
from ..numerics.trees import under
from .described import check_same, described
from .forecaster import RecurrentForecaster
from .protocol import Snapshot
from .regressor import number
from .series_records import LARGEST, with_calendar

WORST = 1e9  # interval half-widths; an error where nothing has varied yet


class RecurrentAnomalyDetector(base.AnomalyDetector):
    """Scores each record by how far it is from its forecast, in view of past errors.

    Every numeric field is a series with a forecaster of its own.  A field's error is measured
    in half-widths of its 90 % interval; its score is −log₁₀ of the share of past errors that
    were as large.  So the threshold adapts to the stream: a score of 3 comes once in 1000
    records whatever the field's units, noise and tails.  The record's score is that of its
    worst field, less log₁₀ of the number of fields.

    Parameters
    ----------
    rate
        Share of records that may raise an alarm on a stream without anomalies.
    quiet
        Records in which the memory of an alarm halves; until a score exceeds what is left of
        the last one, no new alarm is raised.
    experts
        Of the forecasters, see `RecurrentForecaster`.
        ``stream_rnn.forecasting.experts.default.LIGHT`` takes a third of the time, for
        records of many fields.
    timestamp
        The field that holds the time of the record; it is not scored but gives the forecasters
        the time of day and of the week.
    seed
        Of the random weights.

    Examples
    --------
    >>> import random
    >>> from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
    >>> rng, model, scores = random.Random(1), RecurrentAnomalyDetector(), []
    >>> for t in range(300):
    ...     x = {"load": t % 12 + rng.gauss(0, 0.1) + (5 if t == 250 else 0)}
    ...     scores.append(model.score_one(x))
    ...     model.learn_one(x)
    >>> scores.index(max(scores))
    250
    """

    def __init__(
        self,
        rate: float = 0.001,
        quiet: float = 1000.0,
        experts: tuple | None = None,
        timestamp: str = "timestamp",
        seed: int = 0,
    ):
        self.rate = rate
        self.quiet = quiet
        self.experts = experts
        self.timestamp = timestamp
        self.seed = seed
        if not 0 < rate < 1:
            raise ConfigError(f"rate: {rate!r}; give a share of records such as 0.001")
        if not quiet > 0:
            raise ConfigError(f"quiet: {quiet!r}; give a number of records above 0")
        self._threshold = -log10(rate)
        self._fields: dict[Any, tuple[RecurrentForecaster, Surprise]] = {}
        self._alarms = np.zeros(2)  # raised; held score
        self._alarm = surprise.allocate()

    # river ------------------------------------------------------------------------------------

    def score_one(self, x: dict) -> float:
        """The score of *x* as the next record; 0 while too little is known."""
        values, _ = self._split([x])
        scores = []
        for name, column in values.items():
            if name in self._fields and not isnan(column[0]):
                model, past = self._fields[name]
                (made,) = model.forecast(1, level=0.9)
                error = _error(column[0], made.point, made.lower, made.upper)
                scores.append(surprise.score(past, error))
        return _worst(scores, len(self._fields))

    def learn_one(self, x: dict) -> None:
        """Take in the next record.  Raises `BadRecord` if a field is not a finite number."""
        self._run([x])

    reactions = RecurrentForecaster.reactions

    def react(self, kind: str) -> None:
        """Let every field's forecaster react to drift, see `RecurrentForecaster`."""
        for model, _ in self._fields.values():
            model.react(kind)

    # StreamEstimator --------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """Score each record before learning from it.

        Fields: ``score``; ``alarm``, the score if it is a new alarm, else 0; ``anomaly``,
        whether the alarm is above the threshold of `rate`; ``field``, the worst one.  Targets
        *ys* are ignored.
        """
        return self._run(xs)

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults(lambda t: self._split(xs[t : t + 1]), len(xs))

    def _run(self, xs: Sequence[dict]) -> list[dict[str, Any]]:
        values, inputs = self._split(xs)
        for name in values:
            if name not in self._fields:
                self._fields[name] = self._forecaster(), surprise.allocate()
        known = len(self._fields) - len(values)
        first = {name: int(np.argmin(np.isnan(column))) for name, column in values.items()}
        scores = {
            name: self._score_column(name, values.get(name, np.full(len(xs), np.nan)), inputs)
            for name in self._fields
        }
        results = []
        for t in range(len(xs)):
            fields = known + sum(at <= t for at in first.values())
            present = {n: s[t] for n, s in scores.items() if s[t] is not None}
            value = _worst(list(present.values()), fields)
            alarm = surprise.alarm(self._alarm, value, self.quiet)
            anomaly = alarm >= self._threshold
            self._alarms[0] += anomaly
            worst = max(present, key=lambda n: present[n]) if value > 0 else None
            results.append({"score": value, "alarm": alarm, "anomaly": anomaly, "field": worst})
        return results

    def _forecaster(self) -> RecurrentForecaster:
        """That of a new field."""
        return RecurrentForecaster(experts=self.experts, timestamp=self.timestamp, seed=self.seed)

    def _score_column(self, name: Any, column: np.ndarray, inputs: list[dict] | None) -> list:
        """Scores of one field; None where it is missing."""
        model, past = self._fields[name]
        rows = model.prequential(column, inputs, level=0.9).tolist()
        scores: list[float | None] = []
        for y, (point, lower, upper) in zip(column.tolist(), rows, strict=True):
            if isnan(y):
                scores.append(None)
            elif isnan(point):
                scores.append(0.0)
            else:
                error = _error(y, point, lower, upper)
                scores.append(surprise.score(past, error))
                surprise.learn(past, error)
        return scores

    def _split(self, xs: Sequence[dict]) -> tuple[dict[Any, np.ndarray], list[dict] | None]:
        """Columns by field, NaN where missing, and the records' times if they have one.

        Times are calendar columns already, once for all fields.
        """
        names = list(self._fields)
        for x in xs:
            names += [n for n in x if n not in names and n != self.timestamp]
        columns = {}
        for name in names:
            values = [x.get(name) for x in xs]
            if any(isinstance(v, date) for v in values):
                continue
            column = np.array([number(v, t, name) for t, v in enumerate(values)])
            if len(large := np.flatnonzero(np.abs(column) > LARGEST)):
                raise BadRecord(
                    f"field {name!r} is beyond ±{LARGEST:g}; give larger units", int(large[0])
                )
            if not np.isnan(column).all():
                columns[name] = column
        timed = any(self.timestamp in x for x in xs)
        if not timed:
            return columns, None
        name = self.timestamp
        return columns, [with_calendar({name: x.get(name)}, name, t) for t, x in enumerate(xs)]

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = {"alarms": self._alarms.copy(), "held": self._alarm.marks.copy()}
        models = []
        for i, (model, past) in enumerate(self._fields.values()):
            inner = model.snapshot()
            models.append(inner.meta)
            arrays |= {f"{i}.model.{name}": array for name, array in inner.arrays.items()}
            arrays |= {f"{i}.counts": past.counts.copy(), f"{i}.marks": past.marks.copy()}
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self),
            "fields": list(self._fields),
            "models": models,
        }
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        arrays, meta = snapshot
        check_same(self, described(self), meta)
        fields = {}
        for i, (name, inner) in enumerate(zip(meta["fields"], meta["models"], strict=True)):
            model = self._forecaster()
            model.restore(Snapshot(under(f"{i}.model.", arrays), inner))
            past = Surprise(arrays[f"{i}.counts"].copy(), arrays[f"{i}.marks"].copy())
            fields[name] = model, past
        self._fields = fields
        self._alarms = np.array(arrays["alarms"])
        self._alarm.marks[:] = arrays["held"]

    def health(self) -> dict[str, float]:
        """Counters by metric name, summed over the fields."""
        report = {"anomalies": float(self._alarms[0])}
        for model, _ in self._fields.values():
            for name, value in model.health().items():
                report[name] = report.get(name, 0.0) + value
        return report

    @classmethod
    def _unit_test_params(cls):
        yield {}


def _error(y: float, point: float, lower: float, upper: float) -> float:
    """|y − point| in half-widths of the interval."""
    half = (upper - lower) / 2
    error = abs(y - point)
    return min(WORST, error / half) if half > 0 and half < np.inf else (WORST if error else 0.0)


def _worst(scores: list[float], fields: int) -> float:
    """The largest score, less what it gains by being the largest of so many."""
    return max(0.0, max(scores) - log10(max(1, fields))) if scores else 0.0
