"""The server's process, seen from the learner's: started, listened to, started again.

Both have the listening socket, so that its address is never lost: until that process is ready, and
while there is none, this one's thread takes the connections and answers everything itself.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from connectors.state import Dependency

from ..config.schema import Config
from . import mirror, relay
from .listener import Listener
from .site import Site
from .wire import CALL, LOG, MOST, READY, called, hear, line

log = logging.getLogger(__name__)

NAME = "http"  # among what the service depends on: the table that asks for the process
WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 60.0  # before a process is started in the place of another
LONG_SECONDS = 60.0  # after which one has not failed at once
END_SECONDS = 3.0
PROGRAM = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):  # they are for the learner's process, which drains
    signal.signal(number, signal.SIG_IGN)
from importlib import import_module
import_module(sys.argv[1]).main(*map(int, sys.argv[2:]))
"""


class Program(NamedTuple):
    """What runs in the process, from a room above that knows how a learner is made."""

    module: str  # its ``main`` calls `front.run` with the two descriptors
    config: Config  # of the learner


class Apart:
    """Runs in the server's event loop.

    Args:
        site: what calls are answered with.
        application: answers the requests that are passed on.
        listener: shared with the process.
        module: of a `Program`.
        setup: what the process is told, a `front.Setup` as JSON.
        serving: told when the process takes the connections (True), and when there is none.
    """

    def __init__(
        self,
        site: Site,
        application: relay.Application,
        listener: Listener,
        module: str,
        setup: bytes,
        serving: Callable[[bool], None],
    ):
        self.site, self.application, self.listener = site, application, listener
        self.module, self.setup = module, setup
        self.process: subprocess.Popen[bytes] | None = None
        self.is_ready = False
        self._serving = serving
        self._calls: set[asyncio.Task[None]] = set()

    async def keep(self) -> None:
        """Keep a process running, until cancelled."""
        wait = WAIT_SECONDS
        while True:
            began = time.monotonic()
            try:
                why = f"ended with status {await self._run()}"
            except OSError as error:
                why = f"cannot be: {error}"
            if time.monotonic() - began > LONG_SECONDS:
                wait = WAIT_SECONDS
            self._status().down(
                f"the process that answers questions {why}; the learner's own answers them, and "
                f"starts another one in {wait:g} s"
            )
            await asyncio.sleep(wait)
            wait = min(2 * wait, MOST_WAIT_SECONDS)

    def end(self) -> None:
        """Wait for the process, once `keep` is over."""
        if self.process is not None:
            _ended(self.process)
        self.listener.close()

    async def _run(self) -> int:
        """One process, from its start to its end; its status."""
        loop = asyncio.get_running_loop()
        ours, theirs = line()
        with ours:
            with theirs:
                self.process = process = self._start(theirs.fileno())
            ours.setblocking(False)
            await loop.sock_sendall(ours, self.setup)
            gone = asyncio.Event()
            loop.add_reader(ours, self._read, ours, gone)
            try:
                await gone.wait()
            finally:
                loop.remove_reader(ours)
                self._show(False)
        return await asyncio.to_thread(_ended, process)

    def _start(self, end: int) -> "subprocess.Popen[bytes]":
        descriptors = (end, self.listener.fileno())
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
        return subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, self.module, *map(str, descriptors)],
            pass_fds=descriptors,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # this one's may be the sink
        )

    def _read(self, ours: socket.socket, gone: asyncio.Event) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(ours, MOST, 1)
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        kind, body = message[:1], message[1:]
        if not kind:
            gone.set()
            asyncio.get_running_loop().remove_reader(ours)
        elif kind == CALL:
            call = asyncio.create_task(self._answer(descriptors[0]))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        elif kind == READY:
            self._show(True)
        elif kind == LOG:
            name, level, text = msgspec.json.decode(body)
            logging.getLogger(name).log(level, "%s", text)

    def _status(self) -> Dependency:
        """So that all hear of one that is gone; until the first is there, nothing is missing."""
        return self.site.metrics.dependencies.add(NAME)

    def _show(self, ready: bool) -> None:
        if ready != self.is_ready:
            self.is_ready = ready
            self._serving(ready)
        if ready:
            self._status().up()

    async def _answer(self, descriptor: int) -> None:
        streams = await called(descriptor)
        try:
            message: dict[str, Any] = await hear(streams[0]) or {}
            if message.get("call") == "http":
                await relay.answer(self.application, message["scope"], streams)
            elif message.get("call") == "state":
                await mirror.tell(self.site, message["partition"], streams)
        except ConnectionError:
            pass  # the client, or the process, has gone
        except Exception as error:
            log.error("a call of the server's process failed", exc_info=error)
        finally:
            streams[1].close()


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Its status; one that does not end is killed."""
    try:
        return process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
