"""A line on the terminal that shows how a long run is going."""

import sys
import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from connectors.state import DOWN, Status

from ..metrics import RecentErrors
from ..service.observers import Observer, Run
from ..service.outcome import Outcome


class ProgressLine(Observer):
    """An observer of a pipeline that redraws one line, a few times a second."""

    def __init__(self, console: Console):
        self._live = Live(Text("starting"), console=console, refresh_per_second=4, transient=True)
        self._start = self._shown = time.monotonic()
        self._records, self._errors = 0, RecentErrors()
        self._down: dict[str, str] = {}  # what does not answer, and why

    @classmethod
    def on_terminal(cls) -> "ProgressLine | None":
        """One on standard error, or None if that is not a terminal."""
        if sys.stderr is None or not sys.stderr.isatty():
            return None
        return cls(Console(stderr=True))

    def state(self, name: str) -> None:
        """Begin to draw when the pipeline starts, end when it stops."""
        if name == "starting":
            self._live.start()
        elif name in ("stopped", "failed"):
            self._live.stop()

    def started(self, run: Run) -> None:
        self._start = time.monotonic()
        self._live.update(Text("waiting for records (the first ones compile the model)"))

    def batch(self, run: Run, outcome: Outcome) -> None:
        """Redraw the line, a few times a second."""
        self._records += outcome.counts["consumed"]
        self._errors.add(outcome.rows)
        now = time.monotonic()
        if now - self._shown < 0.2:
            return
        self._shown = now
        counters = run.ledger.counters
        text = (
            f"{counters['consumed']:,} records  "
            f"{self._records / (now - self._start):,.0f}/s  {counters['refused']:,} refused"
        )
        if self._errors.mean is not None:
            text += f"  recent error {self._errors.mean:.4g}"
        self._live.update(Text(text))

    def dependency(self, status: Status) -> None:
        """Something has gone, or has come back: said at once, for no batch may come."""
        self._down.pop(status.name, None)
        if status.state == DOWN:
            self._down[status.name] = status.reason
        words = [f"{name} is down: {reason}" for name, reason in self._down.items()]
        self._live.update(Text("; ".join(words) or f"{status.name} answers"))
