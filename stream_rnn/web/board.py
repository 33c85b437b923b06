"""What the page shows, written down by the pipeline's thread at most twice a second."""

import threading
import time
from functools import partial
from typing import Any

from ..metrics import Metrics, Quality
from ..service.ledger import Ledger
from ..service.observers import Observer, Run
from ..service.outcome import Outcome
from .insight import Insight
from .tracker import Tracker
from .turn import Turn

EVERY_SECONDS = 0.5
LOOKED_SECONDS = 5.0  # after which a reader of the page has gone
LAGS = ("consumer_lag_records", "consumer_position_offset", "source_lag_bytes")
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
        self._runs: dict[str, Run] = {}  # those that have learned
        self._means: dict[str, float] = {}  # errors, as of the last tick
        self._due: dict[str, float] = {}
        self._insights: dict[str, Insight] = {}
        self._looked_at = -1e9
        self._lock = threading.Lock()  # a reader may write down what came last

    def started(self, run: Run) -> None:
        self._trackers[run.part or ""] = Tracker(run.ledger.counters["consumed"])

    def rebalance(self, assigned: int) -> None:
        """Partitions that are still here come again with their next batch."""
        with self._lock:
            self.frames, self._runs = {}, {}

    def batch(self, run: Run, outcome: Outcome) -> None:
        part, now = run.part or "", time.monotonic()
        quality = self._quality(run)
        with self._lock:
            self._runs[part] = run
            tracker = self._trackers.setdefault(part, Tracker())
            mean = self._means.get(part)
            if mean is None:
                mean = quality.measures().get("rolling_mae", float("nan"))
            tracker.see(outcome, mean, quality.newest)
            if now >= self._due.get(part, 0.0):
                self._tick(part, run, tracker)
                lags = [(labels, value) for name, labels, value in run.metrics() if name in LAGS]
                self._show(part, run, tracker, lags)

    def checkpoint(self, ledger: Ledger, seconds: float) -> None:
        for tracker in self._trackers.values():
            tracker.mark("checkpoint")

    # -- any thread ------------------------------------------------------------------

    def look(self) -> None:
        """Somebody reads: what came after the last tick is shown too, once the learner rests."""
        now = self._looked_at = time.monotonic()
        for part, run in list(self._runs.items()):
            turn = run.ledger.task.guard
            late = now >= self._due.get(part, 0.0) + EVERY_SECONDS
            if late and self._trackers[part].moved and isinstance(turn, Turn):
                self._due[part] = now  # asked once, however long the learner goes on
                turn.ask(partial(self._late, part, run))

    def _late(self, part: str, run: Run) -> None:
        with self._lock:
            if self._runs.get(part) is run and part in self.frames:
                tracker = self._trackers[part]
                self._tick(part, run, tracker)
                self._show(part, run, tracker, self.frames[part]["lag"])

    # -- under the lock ----------------------------------------------------------------

    def _quality(self, run: Run) -> Quality:
        return self.metrics.qualities.get(run.part) or Quality()

    def _tick(self, part: str, run: Run, tracker: Tracker) -> None:
        """A point on the curves."""
        self._due[part] = time.monotonic() + EVERY_SECONDS
        task, measures = run.ledger.task, self._quality(run).measures()
        tracker.tick(measures, task.health(), task.drift_alarms())
        if "rolling_mae" in measures:
            self._means[part] = measures["rolling_mae"]

    def _show(self, part: str, run: Run, tracker: Tracker, lags: list[Any]) -> None:
        """Everything as of now, for the server's thread."""
        insight = self._insights.setdefault(part, Insight())
        if time.monotonic() < self._looked_at + LOOKED_SECONDS:
            insight.look(run.ledger.task)
        self.frames = {
            **self.frames,
            part: {
                **tracker.frame(self._quality(run)),
                "totals": dict(run.ledger.counters),
                "lag": lags,
                "insight": insight.known,
            },
        }
