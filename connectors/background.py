"""One call in a thread of its own, whose end nobody has to wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def in_background(call: Callable[..., Any], *arguments: Any) -> "Future[Any]":
    """Start *call*; the future holds its result.

    The thread is a daemon: a call that never returns, as of a client that is closed while it
    waits for a broker, does not keep the process alive as one of a pool would.

    >>> in_background(divmod, 7, 2).result()
    (3, 1)
    """
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return future
