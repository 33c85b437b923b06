"""Prequential evaluation: every record is predicted before it is learned, from the first on.

result = evaluate(FileSource("taxi.csv"), Task(RecurrentRegressor(), Rows("riders")))
print(result.to_json())
"""

import dataclasses
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import msgspec
from rich.table import Table

from connectors.base import Source

from .judge import ErrorCurve, Judge, is_known
from .scores import Score, score_table
from .task import Task

Progress = Callable[[int, float | None], None]


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
    seconds: float  # in all, with compilation and scoring
    records_per_second: float  # read, predicted and learned, in a typical batch
    scores: list[Score]
    curves: dict[str, ErrorCurve]
    recent: list[dict[str, Any]]
    reasons: dict[str, str]  # one example of each kind of refusal

    def table(self) -> Table:
        """The scores as a table for rich, the best of each column in bold."""
        title = f"{self.scored:,} records, {self.records_per_second:,.0f} records/s"
        if self.refused:
            title += f", {self.refused:,} refused"
        return score_table(self.scores, title)

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

    A forecaster is compared with river's forecasters too.

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
    name = name or type(getattr(task.estimator, "_wrapped_model", task.estimator)).__name__
    key = task.rows.key
    if key is not None and key not in task.copy:
        task.copy = (*task.copy, key)  # each key has baselines of its own
    judge: Judge | None = None
    kept: deque[dict[str, Any]] = deque(maxlen=recent)
    records = refused = 0
    reasons: dict[str, str] = {}
    paces: list[tuple[float, int]] = []  # seconds for a record, records of the batch
    begun, batch = time.perf_counter(), 1
    while not source.finished and (limit is None or records < limit):
        room = batch if limit is None else min(batch, limit - records)
        start = time.perf_counter()
        outcome = task.learn(source.next_batch(room, timeout=1.0))
        if outcome.counts["consumed"]:
            taken = time.perf_counter() - start
            paces.append((taken / outcome.counts["consumed"], outcome.counts["consumed"]))
            batch = min(2 * batch, batch_records)  # compilation falls into small batches
        records += outcome.counts["consumed"]
        refused += outcome.counts["refused"]
        for letter in outcome.refused:
            reasons.setdefault(letter["reason"], letter["error"])
        for row in outcome.rows:
            if is_known(row["target"]):
                judge = judge or Judge(name, task.estimator, row, period, key)
                judge.update(row)
                kept.append(row)
        if progress is not None:
            progress(records, _fraction(source))
    if judge is None:
        raise ValueError(_nothing_scored(records, reasons))
    return Evaluation(
        model=name,
        task=judge.task,
        records=records,
        scored=judge.count,
        refused=refused,
        seconds=time.perf_counter() - begun,
        records_per_second=1.0 / _weighted_median(paces),
        scores=[*(scorer.score() for scorer in judge.scorers), *judge.rivals()],
        curves={scorer.name: curve for scorer, curve in zip(judge.scorers, judge.curves)},
        recent=list(kept),
        reasons=reasons,
    )


def _weighted_median(paces: list[tuple[float, int]]) -> float:
    """The pace at which half of the records were faster."""
    paces = sorted(paces)
    running = list(accumulate(weight for _, weight in paces))
    return paces[bisect_left(running, running[-1] / 2)][0]


def _fraction(source: Any) -> float | None:
    return source.fraction() if hasattr(source, "fraction") else None


def _nothing_scored(records: int, reasons: dict[str, str]) -> str:
    if not records:
        return "the source has no records"
    why = "; ".join(reasons.values()) or "no record has a known target; check --target"
    return f"none of {records} records could be scored: {why}"


__all__ = ["Evaluation", "Score", "evaluate"]
