"""A model and the baselines of its kind of task, scored on the same records."""

import dataclasses
from array import array
from typing import Any

from river import base
from river.time_series.base import Forecaster

from ..estimators.protocol import innermost
from ..rows import prediction_of
from .baselines import LastClass, LastValue, Majority, PerTarget, RunningMean, SeasonalLastValue
from .peers import peers
from .scores import ClassScorer, MultiTargetScorer, RegressionScorer, Score

COMPARED = 50_000  # records at most that river's forecasters are run over


@dataclasses.dataclass
class ErrorCurve:
    """Mean error over blocks of records, at most *capacity* of them: blocks merge as they fill.

    ``blocks[i]`` is the mean over records ``[i · size, (i + 1) · size)``.
    """

    capacity: int = 400
    size: int = 1
    blocks: list[float] = dataclasses.field(default_factory=list)
    _sum: float = 0.0
    _count: int = 0

    def add(self, error: float) -> None:
        """Take the error of the next record."""
        self._sum += error
        self._count += 1
        if self._count == self.size:
            self.blocks.append(self._sum / self.size)
            self._sum, self._count = 0.0, 0
            if len(self.blocks) == self.capacity:
                pairs = zip(self.blocks[::2], self.blocks[1::2])
                self.blocks = [(first + second) / 2 for first, second in pairs]
                self.size *= 2


class Judge:
    """Scores a model and what it must beat, record by record.

    *row* is any result row of the *estimator*: it tells the kind of task.  A forecast made
    h records ahead is compared with the value h records before.  With *key*, a field of the
    rows, each key's records have baselines of their own.

    >>> judge = Judge("model", None, {"prediction": 0.0, "target": 1.0})
    >>> for y in (1.0, 3.0, 2.0):
    ...     errors = judge.update({"prediction": 2.0, "target": y})
    >>> [(s.name, round(s.score().values["MAE"], 3)) for s in judge.scorers]
    [('model', 0.667), ('last value', 1.333), ('running mean', 1.0)]
    """

    def __init__(
        self,
        name: str,
        estimator: Any,
        row: dict[str, Any],
        period: int | None = None,
        key: str | None = None,
    ):
        scorer: type
        if isinstance(estimator, base.Classifier) or "probabilities" in row:
            self.task, scorer = "classification", ClassScorer
        elif isinstance(row["target"], dict):
            self.task, scorer = "multi-target regression", MultiTargetScorer
        else:
            self.task, scorer = "regression", RegressionScorer
        self._horizon, self._period, self._key = _horizon(estimator), period, key
        self._is_forecaster = isinstance(estimator, Forecaster) and key is None
        self._truths = array("d")  # of a forecaster, for `rivals`
        self._baselines: dict[Any, list[Any]] = {}  # by key; of None if there are no keys
        self.count = 0
        self.scorers = [scorer(n) for n in (name, *(b.name for b in self._new_baselines()))]
        self.curves = [ErrorCurve() for _ in self.scorers]

    def _new_baselines(self) -> list[Any]:
        if self.task == "classification":
            return [LastClass(), Majority()]
        if self.task != "regression":
            return [PerTarget(LastValue), PerTarget(RunningMean)]
        horizon, period = self._horizon, self._period
        found = [LastValue(horizon), RunningMean()]
        if period is not None:
            found.append(SeasonalLastValue(period * -(-horizon // period)))
        return found

    def ask(self, row: dict[str, Any]) -> list[Any]:
        """What the baselines predict for the record of a result row."""
        return [baseline.predict() for baseline in self._of(row)]

    def unasked(self) -> list[Any]:
        """What baselines predict that have learned nothing."""
        return [baseline.predict() for baseline in self._new_baselines()]

    def _of(self, row: dict[str, Any]) -> list[Any]:
        key = None if self._key is None else row[self._key]
        if key not in self._baselines:
            self._baselines[key] = self._new_baselines()
        return self._baselines[key]

    def update(self, row: dict[str, Any], answers: list[Any] | None = None) -> list[float]:
        """Score all on a result row, then let the baselines learn its target; the errors.

        *answers* are those of the baselines, where they were asked when the record came.
        """
        truth, baselines = row["target"], self._of(row)
        predictions = [prediction_of(row), *(self.ask(row) if answers is None else answers)]
        errors = [s.update(truth, p) for s, p in zip(self.scorers, predictions)]
        for curve, error in zip(self.curves, errors):
            curve.add(error)
        for baseline in baselines:
            baseline.learn(truth)
        if self._is_forecaster and self.task == "regression" and len(self._truths) <= COMPARED:
            self._truths.append(truth)
        self.count += 1
        return errors

    def rivals(self) -> list[Score]:
        """Beside a forecaster, the scores of river's forecasters and the value a season before.

        They are told the season's length, if none was given that which is found in all of the
        stream.  None of them run over more than 50,000 records, as they are slow.
        """
        if not 0 < len(self._truths) <= COMPARED:
            return []
        scores, known = [], {scorer.name for scorer in self.scorers}
        for name, made in peers(self._truths, self._horizon, self._period).items():
            if name not in known:
                scorer = RegressionScorer(name)
                for truth, prediction in zip(self._truths, made.tolist()):
                    scorer.update(truth, prediction if prediction == prediction else 0.0)
                scores.append(scorer.score())
        return scores


def _horizon(estimator: Any) -> int:
    """How many records ahead the scored prediction is made: a forecaster's shortest horizon."""
    estimator = innermost(estimator)
    horizons = getattr(estimator, "horizons", 1)
    return 1 if isinstance(horizons, int) else min(horizons)
