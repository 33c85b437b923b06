"""Prequential evaluation: every record is predicted before it is learned, from the first on.

result = evaluate(FileSource("taxi.csv"), Task(RecurrentRegressor(), Rows("riders")))
print(result.to_json())
"""

import dataclasses
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import msgspec
from rich.table import Table

from connectors.base import Record, Source

from ..estimators.delayed import Delayed
from ..estimators.labeler import SequenceLabeler
from ..estimators.protocol import innermost
from ..estimators.transducer import SequenceTransducer
from ..rows import is_known
from ..service.late.task import LateTask
from ..service.outcome import Outcome
from ..service.task import Task
from .comparison import ErrorCurve, Judge
from .labels import LabelJudge
from .scores import Score, score_table
from .share import Share
from .transduced import TargetJudge
from .unlabelled import AnomalyJudge, TextJudge

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
    key = task.rows.key
    if key is not None and key not in task.copy:
        task.copy = (*task.copy, key)  # each key has baselines of its own
    read = read_by(model)
    if read is not None and read not in task.copy:
        task.copy = (*task.copy, read)  # a baseline reads it too
    when = task.rows.timestamp
    if when is not None and when not in (*task.copy, *RESERVED):
        task.copy = (*task.copy, when)  # the plot has it on its axis
    scoring = Scoring(name, task, period, recent)
    tally, begun, batch, share = _Tally(), time.perf_counter(), 1, Share(source, total)
    interrupted = False
    try:
        while not source.finished and (limit is None or tally.records < limit):
            room = batch if limit is None else min(batch, limit - tally.records)
            if tally.learn(task, scoring, source.next_batch(room, 1.0)):
                batch = min(2 * batch, batch_records)  # compilation falls into small batches
            if progress is not None:
                progress(tally.records, share(tally.records))
    except KeyboardInterrupt:
        interrupted = True
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
        time=when if when in task.copy else None,
        level=getattr(innermost(model), "level", None),
    )


class _Tally:
    """Counts records while they are learned."""

    def __init__(self) -> None:
        self.records = self.refused = 0
        self.reasons: dict[str, str] = {}
        self.paces: list[tuple[float, int]] = []  # seconds for a record, records of the batch

    def learn(self, task: Task, scoring: "Scoring", batch: Sequence[Record]) -> int:
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


class Scoring:
    """Brings result rows before the judge, each when its target is known."""

    def __init__(self, name: str, task: Task, period: int | None, recent: int):
        self.judge: Any = None
        self.recent: deque[dict[str, Any]] = deque(maxlen=recent)
        self._name, self._task, self._period = name, task, period
        self._is_late = isinstance(task, LateTask)
        # Of records that wait for their labels, in order: the result, what the baselines said.
        self._waiting: deque[tuple[dict[str, Any], list[Any]]] = deque()

    def parts(self, records: Sequence[Record]) -> list[Sequence[Record]]:
        """What of a batch is learned at once: baselines that wait for labels need each record."""
        return [[record] for record in records] if self._is_late else [records]

    def take(self, outcome: Outcome) -> None:
        """Score what can be scored now."""
        if self._is_late:
            self._take_late(outcome)
            return
        for row in outcome.rows:
            if "target" not in row or "score" in row or "bits" in row:
                self._watch(row)
            elif is_known(row["target"]):
                self._score(row)

    def _watch(self, row: dict[str, Any]) -> None:
        """Take a result that is no prediction of a target."""
        if self.judge is None:
            if "score" not in row and "bits" not in row:
                raise ValueError("there is no target to score; name it with --target")
            kind = AnomalyJudge if "score" in row else TextJudge
            self.judge = kind(self._name)
        self.judge.update(row)
        self.recent.append(row)

    def _take_late(self, outcome: Outcome) -> None:
        for settled in outcome.settled:
            row, answers = self._waiting.popleft()
            if is_known(settled["target"]):
                self._score({**row, "target": settled["target"]}, answers)
        for row in outcome.rows:
            answers = [] if self.judge is None else self.judge.ask(row)
            self._waiting.append((row, answers))

    def _score(self, row: dict[str, Any], answers: list[Any] | None = None) -> None:
        if self.judge is None:
            self.judge = self._judge_of(row)
        if answers is not None:
            answers = answers or self.judge.unasked()
        self.judge.update(row, answers)
        self.recent.append(row)

    def _judge_of(self, row: dict[str, Any]) -> Any:
        """Who is to be beaten on rows such as this."""
        if isinstance(innermost(self._task.estimator), SequenceLabeler):
            return LabelJudge(self._name)
        if isinstance(innermost(self._task.estimator), SequenceTransducer):
            return TargetJudge(self._name, str(read_by(self._task.estimator)))
        key = self._task.rows.key
        return Judge(self._name, self._task.estimator, row, self._period, key)


def read_by(model: Any) -> str | None:
    """The field of a record that an estimator reads as a sequence, and its baseline too."""
    model = innermost(model)
    if isinstance(model, SequenceTransducer):
        return model.source
    return "tokens" if isinstance(model, SequenceLabeler) else None


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
