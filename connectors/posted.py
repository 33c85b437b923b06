"""Records that others hand over inside this process: those that arrive by ``POST /learn``."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence

from .base import BadMessage, Record
from .json_records import MAX_BYTES, json_decoder

PARTITION = "posted"


class Full(Exception):
    """No room for so many records now; later there may be."""


class Misplaced(Exception):
    """Records that begin at another place than the next one, which is ``expected``."""

    def __init__(self, expected: int):
        super().__init__(f"the next record is {expected}")
        self.expected = expected


class PostedSource:
    """A queue between threads, each record with a number: its place in the stream.

    What is in the queue is lost when the process ends, as is what was learned since the last
    checkpoint; after that the next number is the checkpoint's, so that one who hands over
    records with their numbers learns from `Misplaced` where to go on.

    >>> source = PostedSource(most=3)
    >>> source.offer([b'{"x": 1}', b'{"x": 2}'])
    2
    >>> [record.value for record in source.next_batch(10, timeout=0)], source.snapshot()
    ([{'x': 1}, {'x': 2}], {'records': 2})
    >>> source.offer([b'{"x": 2}'], at=1)  # sent again
    Traceback (most recent call last):
        ...
    connectors.posted.Misplaced: the next record is 2
    """

    finished = False  # nobody knows whether somebody will post

    def __init__(self, most: int = 10_000, max_record_bytes: int = MAX_BYTES):
        self._most, self._decode = most, json_decoder(max_record_bytes)
        self._waiting: deque[bytes] = deque()
        self._first = 0  # number of the first that waits
        self._changed = threading.Condition()
        self._is_open = True

    def offer(self, raws: Sequence[bytes], at: int | None = None) -> int:
        """Append records, the first of which is number *at* if that is given; the next number.

        Raises `Misplaced`, or `Full` where fewer than these fit.
        """
        with self._changed:
            expected = self._first + len(self._waiting)
            if at is not None and at != expected:
                raise Misplaced(expected)
            if not self._is_open or len(self._waiting) + len(raws) > self._most:
                raise Full
            self._waiting.extend(raws)
            self._changed.notify()
            return expected + len(raws)

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*; an empty list when none came within *timeout* seconds."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            count, first = min(max_records, len(self._waiting)), self._first
            raws = [self._waiting.popleft() for _ in range(count)]
            self._first += count
        return [self._record(raw, first + n) for n, raw in enumerate(raws)]

    def _record(self, raw: bytes, number: int) -> Record:
        try:
            return Record(self._decode(raw), raw, None, PARTITION, number)
        except BadMessage as bad:
            return Record(None, raw, str(bad), PARTITION, number)

    def snapshot(self) -> dict[str, int]:
        """``{"records": count handed out}``."""
        return {"records": self._first}

    def restore(self, position: dict[str, int] | None) -> None:
        """Count on from there; what waits is dropped, and is to be sent again."""
        with self._changed:
            self._waiting.clear()
            self._first = 0 if position is None else position["records"]

    def metrics(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """How many records wait, as the lag of any other source."""
        labels = {"topic": PARTITION, "partition": "0"}
        yield "consumer_lag_records", labels, len(self._waiting)
        yield "consumer_position_offset", labels, self._first

    def close(self) -> None:
        """Take no more."""
        with self._changed:
            self._is_open = False
            self._waiting.clear()
