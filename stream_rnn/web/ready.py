"""Whether the service does what it is for: compiled, connected, assigned, and not far behind.

An observer of the pipeline writes down what happens; the server's thread reads it.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from ..service.observers import Observer, Run
from ..service.outcome import Outcome

STUCK_SECONDS = 60.0  # a batch that takes longer


class Status(Protocol):
    """A source, sink or store at one moment; see `connectors`."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def state(self) -> str:
        """ "connecting", "up" or "down"."""

    @property
    def reason(self) -> str:
        """Why it is down."""


class Readiness(Observer):
    """What `reasons` is made of; also an observer of the pipeline.

    Args:
        most_behind: records that may be waiting in all partitions together.

    >>> ready = Readiness(most_behind=100)
    >>> ready.reasons()
    ['the service is starting']
    >>> ready.state("running")
    >>> ready.reasons()
    []
    >>> ready.lags["rides", "0"] = 250.0
    >>> ready.reasons()
    ['250 records behind, more than http.most_behind = 100']
    """

    def __init__(self, most_behind: int = 10_000):
        self.most_behind = most_behind
        self.lags: dict[tuple[str, str], float] = {}  # by topic and partition
        self._state = "starting"
        self._assigned: int | None = None  # None: not a member of a group
        self._learning: dict[str, float] = {}  # since when, by learner
        self._learned = False  # a batch, so that all is compiled
        self.statuses: Callable[[], Iterable[Status]] = tuple  # of what it depends on

    # -- written by the pipeline's threads -----------------------------------------------

    def state(self, name: str) -> None:
        self._state = name

    def started(self, run: Run) -> None:
        self._see(run)

    def batch(self, run: Run, outcome: Outcome) -> None:
        self._see(run)

    def rebalance(self, assigned: int) -> None:
        self._assigned = assigned
        self.lags = {}  # of partitions that another member may have now

    def begin(self, learner: str) -> None:
        """A batch of *learner* begins."""
        self._learning[learner] = time.monotonic()

    def end(self, learner: str) -> None:
        """It has ended."""
        self._learning.pop(learner, None)
        self._learned = True

    def _see(self, run: Run) -> None:
        for name, labels, value in run.metrics():
            if name == "consumer_lag_records":
                self.lags[labels["topic"], labels["partition"]] = value

    # -- read by the server's ------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the state: starting, running, draining, stopped or failed."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether there is a pipeline that may still come right by itself."""
        return self._state != "failed"

    def reasons(self) -> list[str]:
        """Why it is not ready; empty if it is."""
        if self._state != "running":
            return [f"the service is {self._state}"]
        return [*self._unreached(), *self._slow(), *self._behind()]

    def _unreached(self) -> Iterable[str]:
        if self._assigned == 0:
            yield "no partition is assigned"
        for status in self.statuses():
            if status.state != "up":
                where = f"{status.name} ({status.address})" if status.address else status.name
                why = f": {status.reason}" if status.reason else ""
                yield f"{where} is {status.state}{why}"

    def _slow(self) -> Iterable[str]:
        began = min(self._learning.copy().values(), default=None)
        if began is None:
            return
        if not self._learned:
            yield "the model is being compiled"
        elif (seconds := time.monotonic() - began) > STUCK_SECONDS:
            yield f"a batch has taken {seconds:.0f} s so far"

    def _behind(self) -> Iterable[str]:
        behind = sum(self.lags.copy().values())
        if behind > self.most_behind:
            yield f"{behind:.0f} records behind, more than http.most_behind = {self.most_behind}"
