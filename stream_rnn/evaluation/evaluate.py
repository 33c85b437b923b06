"""Prequential evaluation: every record is predicted before it is learned, from the first on.

result = evaluate(FileSource("taxi.csv"), Task(RecurrentRegressor(), Rows("riders")))
print(result.to_json())
"""

import dataclasses
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import msgspec
from rich.table import Table

from connectors.base import Record, Source

from ..estimators.delayed import Delayed
from ..estimators.protocol import innermost
from ..service.task import Task
from .comparison import ErrorCurve
from .scores import Score, score_table
from .scoring import Scoring, read_by
from .share import Share
from .weighing import WeightCurves, weights_of

RESERVED = ("prediction", "prediction_lower", "prediction_upper", "target")

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
    targets: Sequence[str] = ()
    interrupted: bool = False  # by a person, who sees what was scored until then
    source: str = ""  # what was read, for people
    time: str | None = None  # the field of the recent rows that holds their time
    level: float | None = None  # of the interval, where there is one
    weights: WeightCurves = dataclasses.field(default_factory=WeightCurves)  # of its members
    at_end: str = ""  # what became of records that waited for others, in words

    def table(self) -> Table:
        """The scores as a table for rich, the best of each column in bold."""
        title = f"{self.scored:,} records, {self.records_per_second:,.0f} records/s"
        if self.refused:
            title += f", {self.refused:,} refused"
        if self.interrupted:
            title += ", interrupted"
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
    named: str = "",
    period: int | None = None,
    limit: int | None = None,
    batch_records: int = 1000,
    recent: int = 500,
    progress: Progress | None = None,
    total: int | None = None,
) -> Evaluation:
    """Run *task* over all of *source* and compare it with baselines.

    A forecaster is compared with river's forecasters too.  Where labels come after their records
    (`late.task`), a baseline predicts from the labels that were there when the record came.

    Args:
        source: read until it is finished, or *limit* records; not closed.
        task: estimator and features, as a pipeline has them.
        name: of the model in the result; the estimator's class if None.
        named: what *source* is called in a picture.
        period: records in a season, for the seasonal last value as a further baseline.
        limit: read at most so many records.
        recent: how many of the last result rows to keep, for a plot.
        progress: called after each batch with the records read so far and, where it is
            known, the share of all that they are.
        total: how many records there are, for *progress*, if that is known.

    Raises `ValueError` when no record could be scored, saying why.
    """
    model: Any = task.estimator
    if isinstance(model, Delayed):
        model = model.late
    name = name or type(innermost(model)).__name__
    _copy_what_is_read(task, model)
    scoring = Scoring(name, task, period, recent)
    tally, begun, batch, share = _Tally(), time.perf_counter(), 1, Share(source, total)
    interrupted, weights = False, WeightCurves()
    try:
        while not source.finished and (limit is None or tally.records < limit):
            room = batch if limit is None else min(batch, limit - tally.records)
            if tally.learn(task, scoring, source.next_batch(room, 1.0)):
                batch = min(2 * batch, batch_records)  # compilation falls into small batches
                weights.add(tally.records, weights_of(model))
            if progress is not None:
                progress(tally.records, share(tally.records))
    except KeyboardInterrupt:
        interrupted = True
    said = scoring.end(whole=source.finished and not interrupted)
    judge = scoring.judge
    if judge is None:
        if interrupted:
            raise KeyboardInterrupt
        raise ValueError(_nothing_scored(tally.records, tally.reasons))
    return Evaluation(
        model=name,
        task=judge.task,
        records=tally.records,
        scored=judge.count,
        refused=tally.refused,
        seconds=time.perf_counter() - begun,
        records_per_second=1.0 / _weighted_median(tally.paces),
        scores=[*(scorer.score() for scorer in judge.scorers), *judge.rivals()],
        curves={scorer.name: curve for scorer, curve in zip(judge.scorers, judge.curves)},
        recent=list(scoring.recent),
        reasons=tally.reasons,
        targets=task.rows.targets,
        interrupted=interrupted,
        source=named,
        time=task.rows.timestamp if task.rows.timestamp in task.copy else None,
        level=getattr(innermost(model), "level", None),
        weights=weights,
        at_end=said,
    )


def _copy_what_is_read(task: Task, model: Any) -> None:
    """Let the rows have the fields that baselines and the plot read."""
    key, read, when = task.rows.key, read_by(model), task.rows.timestamp
    if key is not None and key not in task.copy:
        task.copy = (*task.copy, key)  # each key has baselines of its own
    if read is not None and read not in task.copy:
        task.copy = (*task.copy, read)
    if when is not None and when not in (*task.copy, *RESERVED):
        task.copy = (*task.copy, when)


class _Tally:
    """Counts records while they are learned."""

    def __init__(self) -> None:
        self.records = self.refused = 0
        self.reasons: dict[str, str] = {}
        self.paces: list[tuple[float, int]] = []  # seconds for a record, records of the batch

    def learn(self, task: Task, scoring: Scoring, batch: Sequence[Record]) -> int:
        """Predict, learn and score a *batch*; how many records were taken from the source."""
        start = time.perf_counter()
        outcomes = [task.learn(part) for part in scoring.parts(batch)]
        taken = time.perf_counter() - start
        came = sum(outcome.counts["consumed"] for outcome in outcomes)
        if came:
            self.paces.append((taken / came, came))
        self.records += came
        for outcome in outcomes:
            self.refused += outcome.counts["refused"]
            for letter in outcome.refused:
                self.reasons.setdefault(letter["reason"], letter["error"])
            scoring.take(outcome)
        return came


def _weighted_median(paces: list[tuple[float, int]]) -> float:
    """The pace at which half of the records were faster."""
    paces = sorted(paces)
    running = list(accumulate(weight for _, weight in paces))
    return paces[bisect_left(running, running[-1] / 2)][0]


def _nothing_scored(records: int, reasons: dict[str, str]) -> str:
    if not records:
        return "the source has no records"
    why = "; ".join(reasons.values()) or "no record has a known target; check --target"
    return f"none of {records} records could be scored: {why}"


__all__ = ["Evaluation", "Score", "evaluate"]
