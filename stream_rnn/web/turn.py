"""Between two batches: where others may look at an estimator.

`Turn` is the guard of a `service.task.Task`.  What the server's thread asks for runs at once
while the estimator rests, else in the learner's thread as soon as its batch is done.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .ready import Readiness

Call = Callable[[], Any]


class Turn:
    """A context manager that is held while the estimator changes.

    >>> turn = Turn("taxi", Readiness())
    >>> turn.ask(lambda: 1).result()
    1
    >>> with turn:
    ...     answer = turn.ask(lambda: turn.version)
    ...     answer.done()
    False
    >>> answer.result()
    1
    """

    def __init__(self, name: str, ready: Readiness):
        self.name, self.ready = name, ready
        self.version = 0  # batches so far
        self._held = threading.Lock()
        self._asked: deque[tuple[Call, Future[Any]]] = deque()

    def __enter__(self) -> None:
        self.ready.begin(self.name)
        self._held.acquire()

    def __exit__(self, *_: object) -> None:
        self.version += 1
        self._held.release()
        self.ready.end(self.name)
        self._answer()

    def ask(self, call: Call) -> "Future[Any]":
        """What *call* returns or raises, between two batches."""
        future: Future[Any] = Future()
        self._asked.append((call, future))
        self._answer()
        return future

    def _answer(self) -> None:
        # Whoever holds the lock comes here after letting it go, so that nothing is left over.
        while self._asked and self._held.acquire(blocking=False):
            try:
                while self._asked:
                    _run(*self._asked.popleft())
            finally:
                self._held.release()


def _run(call: Call, future: "Future[Any]") -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
