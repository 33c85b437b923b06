"""Whether the brokers behind a consumer answer: a client that reconnects by itself says nothing."""

import time

from ..base import Unreachable
from ..state import DOWN, Dependency
from .driver import Consumer, Partition

QUIET = 2.0  # seconds without a record after which a question is asked, and between two of them
ANSWER = 2.0  # seconds in which it ought to be answered


class Pulse:
    """Tells *dependency* what becomes of the polls of *consumer*.

    Records are a sign of life.  Where none come, the brokers are asked now and then for the end
    of *partition*: an idle topic answers, a broker that is gone does not.
    """

    def __init__(self, consumer: Consumer, partition: Partition, dependency: Dependency):
        self._consumer, self.partition, self.dependency = consumer, partition, dependency
        self._next = time.monotonic() + QUIET

    def beat(self, has_records: bool) -> None:
        """After each poll; raises `SourceError` when the topic is gone."""
        now = time.monotonic()
        if has_records:
            self._next = now + QUIET
            self.dependency.up()
        elif now >= self._next:
            try:
                self._consumer.probe(self.partition, ANSWER)
            except Unreachable as error:
                self.dependency.down(str(error))
            else:
                self.dependency.up()
            self._next = time.monotonic() + QUIET

    @property
    def is_down(self) -> bool:
        """Whether the last question was not answered."""
        return self.dependency.status().state == DOWN
