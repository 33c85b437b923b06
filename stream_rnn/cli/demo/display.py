"""A running pipeline in a terminal: errors against the baseline, and a small chart.

Two observers of a pipeline show the same `Progress`: `LiveView` redraws a panel, `Lines`
prints a plain line now and then, for logs and pipes.
"""

import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ...evaluation.comparison import Judge
from ...rows import is_known
from ...service.observers import Observer, Run
from ...service.outcome import Outcome
from .chart import chart

MODEL, TRUTH = "bright_cyan", "grey70"


class Progress:
    """What a display shows of a run, kept up to date batch by batch.

    Args:
        name: of the model.
        total: records that the stream will have.
        label: the field of a result that says when it was.
        window: records over which the rolling error is taken.
        period: records in a season, for the baseline of that name.
    """

    def __init__(self, name: str, total: int, label: str, window: int, period: int | None = None):
        self.name, self.total, self.label = name, total, label
        self.window, self.period = window, period
        self.judge: Judge | None = None
        self.errors: deque[list[float]] = deque(maxlen=window)
        self.truth: list[float] = []
        self.predictions: list[float] = []
        self.records = 0  # after the first batch
        self._seconds: list[float] = []  # to predict and learn one record
        self.last = ""
        self._start = time.perf_counter()
        self._first: float | None = None  # when the first record was learned

    def batch(self, run: Run, outcome: Outcome) -> None:
        """Take in what came of a batch."""
        for row in outcome.rows:
            if not is_known(row["target"]):
                continue
            if self.judge is None:
                self.judge = Judge(self.name, run.ledger.task.estimator, row, self.period)
            self.errors.append(self.judge.update(row))
            self.truth.append(row["target"])
            # The first prediction, before anything was learned, is no point of a chart.
            self.predictions.append(row["prediction"] if len(self.truth) > 1 else math.nan)
            self.last = str(row.get(self.label, ""))
        if self._first is None:
            self._first = time.perf_counter()  # the first batch also compiles
        else:
            records = outcome.counts["consumed"]
            self.records += records
            self._seconds += [outcome.seconds / records] * records

    @property
    def waited(self) -> float:
        """Seconds until the first record was learned, compilation included."""
        return (self._first or time.perf_counter()) - self._start

    @property
    def rate(self) -> float:
        """Records per second since the first one."""
        elapsed = time.perf_counter() - self._first if self._first is not None else 0.0
        return self.records / elapsed if elapsed > 0 else 0.0

    @property
    def microseconds(self) -> float:
        """Median time to predict and learn one record; 0.0 before the second one."""
        return 1e6 * statistics.median(self._seconds) if self._seconds else 0.0

    def rolling(self) -> tuple[float, float]:
        """Mean absolute error of the model and of the last value over the window."""
        if not self.errors:
            return 0.0, 0.0
        model, last, *_ = (sum(column) / len(column) for column in zip(*self.errors))
        return model, last

    def sentence(self) -> str:
        """The errors now, in words."""
        model, last = self.rolling()
        ratio = f" ({model / last:.0%})" if last > 0 else ""
        return (
            f"mean error of the last {len(self.errors)}: {self.name} {model:.1f}{ratio}, "
            f"last value {last:.1f}"
        )


class LiveView(Observer):
    """Redraws a panel of text, several times a second, while the pipeline runs.

    *heading* are lines above it, asked for at every redraw.
    """

    def __init__(self, progress: Progress, console: Console, heading: Callable[[], list[str]]):
        self.progress, self.console, self.heading = progress, console, heading
        self._live = Live(
            console=console, refresh_per_second=8, get_renderable=self.render, transient=True
        )

    def state(self, name: str) -> None:
        """Begin to draw when the pipeline starts, end when it stops."""
        if name == "starting":
            self._live.start()
        elif name in ("stopped", "failed"):
            self._live.stop()

    def batch(self, run: Run, outcome: Outcome) -> None:
        self.progress.batch(run, outcome)

    def render(self) -> Group:
        """The panel as it is now."""
        heading = [
            Text(line, style="dim" if n else "bold") for n, line in enumerate(self.heading())
        ]
        return Group(*heading, Text(), *self.body(), Text(self._status()))

    def body(self) -> list[Text]:
        """The chart with its legend; nothing before there is something to draw."""
        progress = self.progress
        if len(progress.truth) < 2:
            return []
        width = max(20, min(self.console.width - 10, 90))
        height = max(4, min(self.console.height - 10, 14))
        legend = Text("  truth ", style=TRUTH) + Text("  prediction, made before", style=MODEL)
        drawn = chart(
            [(progress.truth, TRUTH), (progress.predictions, MODEL)],
            width,
            height,
            columns=progress.total,
        )
        return [legend, *drawn, Text()]

    def _status(self) -> str:
        progress = self.progress
        if not progress.truth:
            return f"compiling the model for this machine, or loading it ({progress.waited:.0f} s)"
        return (
            f"{len(progress.truth)} of {progress.total} records  {progress.last}  "
            f"{progress.rate:.1f} records/s, {progress.microseconds:.0f} µs to learn one\n"
            f"{progress.sentence()}"
        )


class Lines(Observer):
    """Prints a line every so many records, for output that is not a terminal."""

    def __init__(self, progress: Progress, write: Callable[[str], None], every: int):
        self.progress, self.write, self.every = progress, write, every
        self._shown = 0

    def started(self, run: Run) -> None:
        self.write("compiling the model for this machine, once")

    def batch(self, run: Run, outcome: Outcome) -> None:
        """A line now and then."""
        progress = self.progress
        progress.batch(run, outcome)
        if len(progress.truth) >= self._shown + self.every:
            self._shown = len(progress.truth) - len(progress.truth) % self.every
            self.write(
                f"{progress.last}  {len(progress.truth)} of {progress.total} records, "
                f"{progress.rate:.1f}/s; {progress.sentence()}"
            )
