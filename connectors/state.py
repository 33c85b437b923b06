"""What a service depends on, and whether it answers.

A connector says of its `Dependency` what it sees: `Dependency.up` when something was answered,
`Dependency.down` when not, `Dependency.waiting` around a call that ought to be answered soon.
All of them together are `Dependencies`: they log one line at a change and one a minute while
something is down, and they tell those who listen.

>>> source = Dependency("source", "127.0.0.1:9092")
>>> source.status().state
'connecting'
>>> source.down("connection refused")
>>> source.status()[:4]
('source', '127.0.0.1:9092', 'down', 'connection refused')
>>> source.up()
>>> source.status().state
'up'
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from .base import Unreachable

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds; what has not answered by then is down
REMINDER = 60.0  # seconds between two lines about the same outage
LOOK = 1.0  # seconds between two looks at calls that are not answered
PAUSE = 1.0  # seconds between two attempts to reach what is not there at the start

CONNECTING, UP, DOWN = "connecting", "up", "down"
STATES = (CONNECTING, UP, DOWN)
Opened = TypeVar("Opened")


class Status(NamedTuple):
    """A dependency at one moment."""

    name: str
    address: str
    state: str  # one of STATES; what is down is being tried again
    reason: str  # why it is down
    seconds: float  # in this state

    @property
    def down_seconds(self) -> float:
        """How long it has been down; zero when it is not."""
        return self.seconds if self.state == DOWN else 0.0


class Dependency:
    """One thing that a service depends on: its source, its sink, its checkpoint store.

    Several threads may use it.  *listeners* are called with its `Status` at every change.
    """

    def __init__(self, name: str, address: str = "", clock: Callable[[], float] = time.monotonic):
        self.name, self.address = name, address
        self.listeners: list[Callable[[Status], None]] = []
        self._clock, self._lock = clock, threading.RLock()
        self._state, self._reason, self._since = CONNECTING, "", clock()
        self._waits: dict[object, float] = {}  # calls under way, and when they began
        self._said = 0.0  # when the log last heard of this outage

    def status(self) -> Status:
        """As it is now; a call that is not answered counts."""
        with self._lock:
            self._look_at_calls()
            seconds = self._clock() - self._since
            return Status(self.name, self.address, self._state, self._reason, seconds)

    def up(self) -> None:
        """It has answered."""
        with self._lock:
            now = self._clock()
            self._waits = dict.fromkeys(self._waits, now)  # the others may have to wait, too
            if self._state == UP:
                return
            before, lasted = self._state, now - self._since
            self._change(UP, "", now)
        if before == DOWN:
            log.info("%s is up again after %s", self, human(lasted))

    def down(self, reason: str) -> None:
        """It has not answered, or has refused; it is tried again."""
        with self._lock:
            if self._state == DOWN:
                self._reason = reason
                return
            self._said = self._clock()
            self._change(DOWN, reason, self._said)
        log.warning("%s is down: %s; trying again", self, reason)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a call that is answered within `PATIENCE` seconds where all is well."""
        call = object()
        with self._lock:
            self._waits[call] = self._clock()
        try:
            yield
        except Unreachable as error:
            self.down(str(error))
            raise
        finally:
            with self._lock:
                del self._waits[call]

    def look(self) -> None:
        """Notice calls that are not answered; say once a minute that an outage goes on."""
        with self._lock:
            self._look_at_calls()
            now = self._clock()
            if self._state != DOWN or now - self._said < REMINDER:
                return
            self._said, lasted = now, now - self._since
        log.warning("%s has been down for %s: %s", self, human(lasted), self._reason)

    def _look_at_calls(self) -> None:
        oldest = min(self._waits.values(), default=self._clock())
        if self._state != DOWN and self._clock() - oldest >= PATIENCE:
            self.down(f"no answer for {PATIENCE:g} s")

    def _change(self, state: str, reason: str, now: float) -> None:
        self._state, self._reason, self._since = state, reason, now
        status = Status(self.name, self.address, state, reason, 0.0)
        for listener in self.listeners:
            listener(status)

    def __str__(self) -> str:
        return f"{self.name} ({self.address})" if self.address else self.name


class Dependencies:
    """All that one service depends on, by name.

    >>> dependencies = Dependencies()
    >>> dependencies.add("sink", "out.jsonl").up()
    >>> [(status.name, status.state) for status in dependencies.statuses()]
    [('sink', 'up')]
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[Status], None]] = []
        self._known: dict[str, Dependency] = {}

    def add(self, name: str, address: str = "") -> Dependency:
        """The dependency called *name*, a new one unless it is known."""
        if name not in self._known:
            dependency = Dependency(name, address)
            dependency.listeners.append(self._tell)
            self._known = {**self._known, name: dependency}  # others may be walking the old one
        return self._known[name]

    def statuses(self) -> list[Status]:
        """Of all, as they are now."""
        return [dependency.status() for dependency in self._known.values()]

    def _tell(self, status: Status) -> None:
        for listener in self.listeners:
            listener(status)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look at all of them once a second, in a thread: a call that waits cannot do it."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK):
                for dependency in self._known.values():
                    dependency.look()

        thread = threading.Thread(target=watch, name="dependencies", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def reach(
    attempt: Callable[[], Opened],
    dependency: Dependency,
    seconds: float,
    stop: threading.Event | None = None,
) -> Opened:
    """What *attempt* opens; tried again for *seconds* while it raises `Unreachable`.

    The last one is raised; also when *stop* is set.

    >>> attempts = iter([0, 1])
    >>> reach(lambda: 1 / next(attempts), Dependency("source"), 5.0)
    Traceback (most recent call last):
        ...
    ZeroDivisionError: division by zero
    """
    stop, deadline = stop or threading.Event(), time.monotonic() + seconds
    while True:
        try:
            opened = attempt()
        except Unreachable as error:
            dependency.down(str(error))
            left = deadline - time.monotonic()
            if left <= 0 or stop.wait(min(PAUSE, left)):
                raise
        else:
            dependency.up()
            return opened


def human(seconds: float) -> str:
    """A span of time in words.

    >>> human(7.4), human(61), human(7384)
    ('7 s', '1 min 1 s', '2 h 3 min')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
