"""Who watches a run: metrics, a progress line, whatever else is told what happens.

An observer overrides the methods it cares for; the others do nothing.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from connectors.state import Status

if TYPE_CHECKING:
    from .ledger import Ledger
    from .task import Outcome

Sample = tuple[str, dict[str, str], float]  # a metric's name, its labels, its value


class Run(Protocol):
    """What an observer sees of a run: a file pipeline, or a partition of a topic."""

    @property
    def ledger(self) -> "Ledger":
        """Its task, its counters, its position, its store."""

    @property
    def part(self) -> str | None:
        """Which of several runs of one process it is; None if it is the only one."""

    def metrics(self) -> Iterable[Sample]:
        """What its source and its sinks report of themselves."""


class Observer:
    """What may be told; here nothing is done about it."""

    def state(self, name: str) -> None:
        """The process is starting, running, draining, stopped or failed."""

    def started(self, run: Run) -> None:
        """The run has its state: fresh, or from a checkpoint."""

    def batch(self, run: Run, outcome: "Outcome") -> None:
        """A batch was learned, and its results are written."""

    def checkpoint(self, ledger: "Ledger", seconds: float) -> None:
        """A checkpoint was written, in so many seconds."""

    def checkpoint_failed(self, reason: str) -> None:
        """One was not written ("write"), or was found damaged ("damaged")."""

    def transaction(self, outcome: str, seconds: float) -> None:
        """A transaction was "committed", or is "fenced" or "failed"."""

    def replayed(self, records: int) -> None:
        """So many records were learned again, silently, after a restart."""

    def rebalance(self, assigned: int) -> None:
        """The group has given this process so many partitions."""

    def gap(self, records: int | None) -> None:
        """A lost position was skipped, and so many records with it; None if nobody knows."""

    def dependency(self, status: Status) -> None:
        """Something that the run depends on has gone or has come; from any thread."""


class Observers(Observer):
    """Several observers as one; each is told in turn.

    >>> class Count(Observer):
    ...     records = 0
    ...
    ...     def replayed(self, records):
    ...         self.records += records
    >>> one, other = Count(), Count()
    >>> told = Observers([one, other])
    >>> told.replayed(3)
    >>> told.rebalance(2)
    >>> one.records, other.records
    (3, 3)
    """

    def __init__(self, observers: Sequence[Observer] = ()):
        self.observers = tuple(observers)

    def state(self, name: str) -> None:
        for observer in self.observers:
            observer.state(name)

    def started(self, run: Run) -> None:
        for observer in self.observers:
            observer.started(run)

    def batch(self, run: Run, outcome: "Outcome") -> None:
        for observer in self.observers:
            observer.batch(run, outcome)

    def checkpoint(self, ledger: "Ledger", seconds: float) -> None:
        for observer in self.observers:
            observer.checkpoint(ledger, seconds)

    def checkpoint_failed(self, reason: str) -> None:
        for observer in self.observers:
            observer.checkpoint_failed(reason)

    def transaction(self, outcome: str, seconds: float) -> None:
        for observer in self.observers:
            observer.transaction(outcome, seconds)

    def replayed(self, records: int) -> None:
        for observer in self.observers:
            observer.replayed(records)

    def rebalance(self, assigned: int) -> None:
        for observer in self.observers:
            observer.rebalance(assigned)

    def dependency(self, status: Status) -> None:
        for observer in self.observers:
            observer.dependency(status)

    def gap(self, records: int | None) -> None:
        for observer in self.observers:
            observer.gap(records)
