"""What the page shows, written down by the pipeline's thread at most twice a second."""

import time
from concurrent.futures import Future
from typing import Any

from ..metrics import Metrics, Quality
from ..service.ledger import Ledger
from ..service.observers import Observer, Run
from ..service.outcome import Outcome
from .insight import insight
from .tracker import Tracker
from .turn import Turn

EVERY_SECONDS = 0.5
Frame = dict[str, Any]


class Board(Observer):
    """Trackers of all learners of the process; `frames` is replaced, never changed.

    Args:
        metrics: told before the board, whose measures it shows.
    """

    def __init__(self, metrics: Metrics):
        self.metrics = metrics
        self.frames: dict[str, Frame] = {}  # by partition; "" where there are none
        self.started_at = time.time()
        self._trackers: dict[str, Tracker] = {}
        self._due: dict[str, float] = {}
        self._insights: dict[str, tuple[Future[Any] | None, dict[str, Any]]] = {}

    def started(self, run: Run) -> None:
        self._trackers[run.part or ""] = Tracker()

    def rebalance(self, assigned: int) -> None:
        """Partitions that are still here come again with their next batch."""
        self.frames = {}

    def batch(self, run: Run, outcome: Outcome) -> None:
        part = run.part or ""
        tracker = self._trackers.setdefault(part, Tracker())
        tracker.see(outcome, self.metrics.value("rolling_mae", run))
        now = time.monotonic()
        if now >= self._due.get(part, 0.0):
            self._due[part] = now + EVERY_SECONDS
            self._tick(part, run, tracker)

    def checkpoint(self, ledger: Ledger, seconds: float) -> None:
        for tracker in self._trackers.values():
            tracker.mark("checkpoint")

    def _tick(self, part: str, run: Run, tracker: Tracker) -> None:
        task, quality = run.ledger.task, self.metrics.qualities.get(run.part) or Quality()
        tracker.tick(quality, task.health(), task.drift_alarms())
        frame = tracker.frame(quality)
        frame["totals"] = dict(run.ledger.counters)
        frame["lag"] = [
            (labels, value)
            for name, labels, value in run.metrics()
            if name in ("consumer_lag_records", "consumer_position_offset", "source_lag_bytes")
        ]
        frame["insight"] = self._insight(part, task)
        self.frames = {**self.frames, part: frame}

    def _insight(self, part: str, task: Any) -> dict[str, Any]:
        """As of the last tick: asked for now, between two batches."""
        future, known = self._insights.get(part, (None, {}))
        if future is not None and future.done():
            known = future.result() if future.exception() is None else {}
            future = None
        if future is None and isinstance(task.guard, Turn):
            estimator = task.estimator
            future = task.guard.ask(lambda: insight(estimator))
        self._insights[part] = future, known
        return known
