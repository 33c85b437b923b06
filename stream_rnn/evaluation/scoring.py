"""From result rows to scores: each is judged when its target is known."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from connectors.base import Record

from ..estimators.grouped import Sequences
from ..estimators.labeler import SequenceLabeler
from ..estimators.protocol import innermost, unfinished
from ..estimators.transducer import SequenceTransducer
from ..rows import is_known
from ..service.late.task import LateTask
from ..service.outcome import Outcome
from ..service.task import Task
from .comparison import Judge
from .labels import LabelJudge
from .transduced import TargetJudge
from .unlabelled import AnomalyJudge, TextJudge


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

    def end(self, whole: bool) -> str:
        """Score the sequences that are open, if that was the *whole* stream; what became of them.

        In words, for people; empty if nothing waits.
        """
        model = self._task.estimator
        if not (whole and isinstance(model, Sequences)) or self._is_late:
            return unfinished(model)
        rows = model.close_all()
        known = [row for row in rows if is_known(row["target"])]
        for row in known:
            self._score(row)
        said = (
            f"sequences without an end: {len(rows):,}, {len(known):,} of them scored as they stood"
        )
        return said if rows else ""

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
