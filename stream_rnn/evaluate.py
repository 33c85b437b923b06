"""Prequential evaluation: every record is predicted before it is learned, from the first on.

result = evaluate(FileSource("taxi.csv"), Task(RecurrentRegressor(), Rows("riders")))
print(result.to_json())
"""

import dataclasses
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from rich.table import Table
from river import base

from connectors.base import Source

from .baselines import (
    LastClass,
    LastValue,
    Majority,
    PerTarget,
    RunningMean,
    SeasonalLastValue,
)
from .scores import ClassScorer, MultiTargetScorer, RegressionScorer, Score
from .task import Task

Progress = Callable[[int, float | None], None]


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


@dataclasses.dataclass
class Evaluation:
    """What an evaluation found.

    ``scores`` has the model first, then the baselines; ``curves`` the error over time by
    the same names; ``recent`` the last result rows, with ``target`` and ``prediction``.
    Errors count from the first record on, when nothing was learned yet.
    """

    model: str
    task: str  # "regression", "multi-target regression" or "classification"
    records: int  # read
    scored: int  # predicted and had a target
    refused: int  # could not be decoded or learned
    seconds: float  # reading, predicting and learning, without the first record
    records_per_second: float
    scores: list[Score]
    curves: dict[str, ErrorCurve]
    recent: list[dict[str, Any]]
    reasons: dict[str, str]  # one example of each kind of refusal

    def table(self) -> Table:
        """The scores as a table for rich, the best of each column in bold."""
        title = f"{self.scored:,} records, {self.records_per_second:,.0f} records/s"
        if self.refused:
            title += f", {self.refused:,} refused"
        table = Table(title=title, title_justify="left", title_style="")
        table.add_column("")
        columns = list(self.scores[0].values)
        for column in columns:
            table.add_column("R²" if column == "R2" else column, justify="right")
        best = {name: self._best(name) for name in columns}
        for score in self.scores:
            cells = [
                f"[bold]{value:.4g}[/bold]" if value == best[name] else f"{value:.4g}"
                for name, value in score.values.items()
            ]
            table.add_row(score.name, *cells)
        return table

    def to_json(self) -> str:
        """Everything but the curves and recent rows, as one line of JSON."""
        return msgspec.json.encode(
            {
                "model": self.model,
                "task": self.task,
                "records": self.records,
                "scored": self.scored,
                "refused": self.refused,
                "reasons": self.reasons,
                "seconds": round(self.seconds, 6),
                "records_per_second": round(self.records_per_second, 1),
                "scores": {score.name: score.values for score in self.scores},
            }
        ).decode()

    def _best(self, column: str) -> float:
        values = [score.values[column] for score in self.scores]
        return max(values) if column in ("R2", "accuracy") else min(values)


def evaluate(
    source: Source,
    task: Task,
    *,
    name: str | None = None,
    period: int | None = None,
    limit: int | None = None,
    batch_records: int = 1000,
    recent: int = 500,
    progress: Progress | None = None,
) -> Evaluation:
    """Run *task* over all of *source* and compare it with baselines.

    Args:
        source: read until it is finished, or *limit* records; not closed.
        task: estimator and features, as a pipeline has them.
        name: of the model in the result; the estimator's class if None.
        period: records in a season, for the seasonal last value as a further baseline.
        limit: read at most so many records.
        recent: how many of the last result rows to keep, for a plot.
        progress: called after each batch with the records read so far and, where the
            source knows it, the fraction of it that was read.

    Raises `ValueError` when no record could be scored, saying why.
    """
    name = name or type(task.estimator).__name__
    judge: _Judge | None = None
    kept: deque[dict[str, Any]] = deque(maxlen=recent)
    records = refused = 0
    reasons: dict[str, str] = {}
    start, batch = time.perf_counter(), 1  # the first record compiles, or loads what was
    first = 0
    while not source.finished and (limit is None or records < limit):
        room = batch if limit is None else min(batch, limit - records)
        outcome = task.learn(source.next_batch(room, timeout=1.0))
        records += outcome.counts["consumed"]
        refused += outcome.counts["refused"]
        for letter in outcome.refused[:1]:
            reasons.setdefault(letter["reason"], letter["error"])
        for row in outcome.rows:
            if _known(row["target"]):
                judge = judge or _Judge(name, task, row, period)
                judge.update(row)
                kept.append(row)
        if batch == 1 and records:
            start, batch, first = time.perf_counter(), batch_records, records
        if progress is not None:
            progress(records, _fraction(source))
    seconds = time.perf_counter() - start
    if judge is None:
        raise ValueError(_nothing_scored(records, reasons))
    return Evaluation(
        model=name,
        task=judge.task,
        records=records,
        scored=judge.count,
        refused=refused,
        seconds=seconds,
        records_per_second=(records - first) / seconds if records > first else 0.0,
        scores=[scorer.score() for scorer in judge.scorers],
        curves={scorer.name: curve for scorer, curve in zip(judge.scorers, judge.curves)},
        recent=list(kept),
        reasons=reasons,
    )


class _Judge:
    """Scores the model and the baselines of its kind of task, record by record."""

    def __init__(self, name: str, task: Task, row: dict[str, Any], period: int | None):
        self.baselines: list[Any]
        scorer: type
        if isinstance(task.estimator, base.Classifier) or "probabilities" in row:
            self.task, scorer = "classification", ClassScorer
            self.baselines = [LastClass(), Majority()]
        elif isinstance(row["target"], dict):
            self.task, scorer = "multi-target regression", MultiTargetScorer
            self.baselines = [PerTarget(LastValue), PerTarget(RunningMean)]
        else:
            self.task, scorer = "regression", RegressionScorer
            self.baselines = [LastValue(), RunningMean()]
            if period is not None:
                self.baselines.append(SeasonalLastValue(period))
        self.count = 0
        self.scorers = [scorer(n) for n in (name, *(b.name for b in self.baselines))]
        self.curves = [ErrorCurve() for _ in self.scorers]

    def update(self, row: dict[str, Any]) -> None:
        """Score all on a result row, then let the baselines learn its target."""
        truth = row["target"]
        predictions = [_prediction(row), *(b.predict() for b in self.baselines)]
        for scorer, curve, prediction in zip(self.scorers, self.curves, predictions):
            curve.add(scorer.update(truth, prediction))
        for baseline in self.baselines:
            baseline.learn(truth)
        self.count += 1


def _prediction(row: dict[str, Any]) -> Any:
    """Class probabilities where there are any, else the prediction."""
    if "probabilities" in row:
        return row["probabilities"]
    return row["prediction"]


def _known(target: Any) -> bool:
    if isinstance(target, dict):
        return any(_known(value) for value in target.values())
    return target is not None and target == target


def _fraction(source: Any) -> float | None:
    return source.fraction() if hasattr(source, "fraction") else None


def _nothing_scored(records: int, reasons: dict[str, str]) -> str:
    if not records:
        return "the source has no records"
    why = "; ".join(reasons.values()) or "no record has a known target; check --target"
    return f"none of {records} records could be scored: {why}"


__all__ = ["Evaluation", "Score", "evaluate"]
