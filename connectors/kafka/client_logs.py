"""The client libraries' own log lines: marked as theirs, and few.

In an outage a client writes several lines a second, none of which says more than the first.
"""

import logging
import threading
import time

CLIENTS = ("kafka", "confluent_kafka")  # their loggers
BURST, SECONDS = 3, 60.0  # so many lines at once, then one in so many seconds

log = logging.getLogger("connectors.kafka.client")


class Few(logging.Handler):
    """Passes on *burst* records, then one every *seconds*, and says how many it kept.

    >>> few = Few(burst=1, seconds=60.0)
    >>> lines = []
    >>> few.forward = lambda level, text: lines.append(text)
    >>> for second in (0.0, 1.0, 2.0, 61.0):
    ...     few.take(logging.ERROR, "connection refused", second)
    >>> lines
    ['Kafka client: connection refused', 'Kafka client: connection refused (and 2 lines before it)']
    """

    def __init__(self, burst: int = BURST, seconds: float = SECONDS):
        super().__init__(logging.WARNING)
        self._burst, self._seconds = burst, seconds
        self._tokens, self._then, self._kept = float(burst), 0.0, 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """One record of a client."""
        self.take(record.levelno, record.getMessage(), time.monotonic())

    def take(self, level: int, text: str, now: float) -> None:
        """A line *text* at the time *now*."""
        with self._guard:
            self._tokens += (now - self._then) / self._seconds
            self._tokens, self._then = min(self._tokens, self._burst), now
            if self._tokens < 1:
                self._kept += 1
                return
            self._tokens -= 1
            kept, self._kept = self._kept, 0
        more = f" (and {kept} lines before it)" if kept else ""
        self.forward(level, f"Kafka client: {text}{more}")

    def forward(self, level: int, text: str) -> None:
        """To this package's log."""
        log.log(level, "%s", text)


def calm() -> None:
    """Let the client libraries log through a `Few`, all of them through the same."""
    handler = Few()
    for name in CLIENTS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Few) for one in logger.handlers):
            logger.addHandler(handler)
        logger.propagate = False
