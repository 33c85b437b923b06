"""The process that clients talk to where a model is asked: it predicts beside the learner.

Questions are answered here, from a copy of the learner's state (`mirror`); all else is passed on
to the server's thread in the learner's process (`relay`).  So that the learner goes first, this
process gives way to it.  It ends with the learner's, whatever that one ends of.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ..config.schema import Config
from ..metrics import Metrics
from ..service.runtime import set_for_streams
from ..service.task import Task
from .app import problems
from .asking import Asking
from .direct import AtOnce, Direct
from .listener import Listener
from .manners import mind
from .mirror import Mirrors
from .patience import PatientProtocol
from .relay import Application, Message, Receive, Relay, Send
from .server import CONNECTIONS, STOP_SECONDS, Uvicorn, settings
from .site import Site
from .wire import LOG, MOST, READY

Make = Callable[[Config], Task]

SWITCH_SECONDS = 1e-4  # a question waits so long for Python's lock while a copy is taken over
LIMITED = ("/learn", "/checkpoint")  # counted with the questions, see `http.max_requests`


class Setup(msgspec.Struct):
    """What the process is told at its start."""

    config: Config
    host: str
    learns: bool
    tls: dict[str, Any]
    level: int  # of the log


def run(make: Make, line: int, listening: int) -> None:
    """Serve the socket *listening* until the learner's process closes *line*; descriptors both.

    *make* makes a task like the learner's from its configuration.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    end, listener = socket.socket(fileno=line), Listener(fileno=listening)
    listener.most = CONNECTIONS
    setup = msgspec.json.decode(end.recv(1 << 20), type=Setup)
    logging.getLogger().addHandler(Told(end))
    logging.getLogger().setLevel(setup.level)
    site = Site(Metrics(), setup.config.http, setup.host, learns=setup.learns)
    mirrors = Mirrors(end, partial(make, setup.config))
    asking = Asking(site, mirrors.answer, mirrors.now)
    protocol = partial(Plain, asking.at_once)
    server = Uvicorn(settings(application(asking, end), setup.tls), protocol)
    with set_for_streams():
        asyncio.run(_serve(server, listener, end))


async def _serve(server: Uvicorn, listener: Listener, end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    threading.Thread(target=_until_alone, args=(end, loop, server), daemon=True).start()
    server.on_started, server.beside = lambda: end.send(READY), mind
    await server.serve(sockets=[listener])


def _until_alone(end: socket.socket, loop: asyncio.AbstractEventLoop, server: Uvicorn) -> None:
    """Wait until the learner's process has gone, and end soon after, whatever goes on here."""
    while end.recv(MOST):
        pass
    loop.call_soon_threadsafe(server.leave)
    time.sleep(STOP_SECONDS + 1)
    os._exit(0)


class Plain(PatientProtocol, Direct):
    """Of a connection, with limits: what is plain is answered at once."""

    def __init__(self, at_once: AtOnce, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.at_once = at_once


def application(asking: Asking, end: socket.socket) -> Application:
    """Questions are answered; the rest goes to the other process."""
    relay = Relay(end)
    here: Any = Starlette(
        routes=[Route("/predict", asking.predict, methods=["POST"])], exception_handlers=problems()
    )

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/predict":
            await here(scope, receive, send)
            return
        refusal = asking.refusal(Request(scope)) if path in LIMITED else None
        await (relay if refusal is None else refusal)(scope, receive, send)

    return answer


class Told(logging.Handler):
    """Writes to the log of the learner's process."""

    def __init__(self, end: socket.socket):
        super().__init__()
        self.end, self._plain = end, logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self._plain.format(record)
            body = msgspec.json.encode((record.name, record.levelno, text[: MOST // 8]))
            self.end.send(LOG + body)
        except OSError:
            pass  # nobody is there any more
        except Exception:
            self.handleError(record)
