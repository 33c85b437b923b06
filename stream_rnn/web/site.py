"""What the server shows and answers, put together; and what of it watches the pipeline."""

import threading

from ..config.schema import Http
from ..metrics import Metrics
from ..service.observers import Observer, Run
from .board import Board
from .ready import Readiness
from .turn import Turn

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Site(Observer):
    """The state behind the server's paths.

    Args:
        metrics: served at ``/metrics``.
        http: what else is served.
        host: the address that is listened on.
    """

    def __init__(self, metrics: Metrics, http: Http | None = None, host: str = LOOPBACK[0]):
        self.metrics, self.http, self.host = metrics, http or Http(), host
        self.ready = Readiness(self.http.most_behind)
        self.ready.statuses = metrics.dependencies.statuses
        self.board = Board(metrics)
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
        run.ledger.task.guard = Turn(run.part or self.metrics.learner, self.ready)
