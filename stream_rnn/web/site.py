"""What the server shows and answers, put together; and what of it watches the pipeline."""

import threading
from collections.abc import Callable

from connectors.posted import PostedSource

from ..config.schema import Http
from ..metrics import Metrics
from ..service.observers import Observer, Run
from ..service.outcome import Outcome
from ..service.task import Task
from .board import Board
from .ready import Readiness
from .replica import Replica
from .turn import Turn

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Site(Observer):
    """The state behind the server's paths.

    Args:
        metrics: served at ``/metrics``.
        http: what else is served.
        host: the address that is listened on.
        make: makes another task like the one that learns, to answer for it.
        learns: records are posted to ``/learn``.
    """

    def __init__(
        self,
        metrics: Metrics,
        http: Http | None = None,
        host: str = LOOPBACK[0],
        make: Callable[[], Task] | None = None,
        learns: bool = False,
    ):
        self.metrics, self.http, self.host = metrics, http or Http(), host
        self.ready = Readiness(self.http.most_behind)
        self.ready.statuses = metrics.dependencies.statuses
        self.board = Board(metrics)
        self.replicas: dict[str, Replica] = {}  # by partition; "" where there are none
        self._make, self.learns = make, learns
        self.posted: PostedSource | None = None  # once records are taken
        self._known: dict[str, Replica] = {}
        self.closing = threading.Event()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK

    @property
    def has_page(self) -> bool:
        return self.is_local if self.http.page is None else self.http.page

    @property
    def observers(self) -> tuple[Observer, ...]:
        """What is to be told what happens, in order."""
        shown = (self.board,) if self.has_page else ()
        return (self, self.metrics, self.ready, *shown)

    # -- the pipeline's thread -------------------------------------------------------

    def started(self, run: Run) -> None:
        """A learner has its state, and has not learned yet."""
        task, ledger = run.ledger.task, run.ledger
        task.guard = turn = Turn(run.part or self.metrics.learner, self.ready)
        source = getattr(run, "source", None)
        if isinstance(source, PostedSource):
            self.posted = source
        if self._make is not None:
            records = lambda: ledger.counters["consumed"]  # noqa: E731
            replica = Replica(task, turn, self._make, records, ledger.store)
            self._known[run.part or ""] = replica
            self.replicas = {**self.replicas, run.part or "": replica}

    def rebalance(self, assigned: int) -> None:
        """Partitions that are still here come again with their next batch."""
        self.replicas = {}

    def batch(self, run: Run, outcome: Outcome) -> None:
        part = run.part or ""
        if part in self._known and part not in self.replicas:
            self.replicas = {**self.replicas, part: self._known[part]}
