"""Results, dead letters and input offsets of one partition, in one transaction.

Either all of it is visible to readers of committed records, or nothing is.  One input partition
has one transactional id, whoever owns the partition: the owner that starts fences the one before.
"""

import contextlib
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ..base import SinkError
from ..json_rows import Encode, encode_each
from ..state import Dependency
from .clients import open_producer
from .driver import Fenced, Header, Partition, Producer
from .messages import (
    LETTER_BYTES,
    MESSAGE_BYTES,
    dead_letter,
    encoded,
    message_key,
)
from .settings import KafkaSettings

Rows = Sequence[dict[str, Any]]
Keys = Sequence[bytes | None]


class TransactionalSink:
    """Where the results of one input partition go, exactly once.

    A result goes to the output partition with the number of its input partition (modulo the
    number of output partitions), so that the order is kept; its key is the record's own, or
    the value of the field ``key``.

    Args:
        settings: how to reach the cluster.
        source: the input partition.
        topic: of the results.
        partitions: how many that topic has.
        application: what all owners of the partition share, the start of the transactional id.
        dead_letters: topic of the dead letters; without one they are dropped.
        key: name of a result's field whose value is the message key.
        letter_bytes: a dead letter with more is cut.
        dependency: is told whether the brokers answer.
        message_bytes: a result that would be a larger message is `Unwritable`.
        limits: what topics take, where that is known, see `connectors.kafka.limits`; a result
            beyond it is `Unwritable` too, a letter is cut.
        encode: makes the values of results' messages; by default JSON.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        source: Partition,
        topic: str,
        partitions: int,
        application: str,
        dead_letters: str | None = None,
        key: str | None = None,
        letter_bytes: int = LETTER_BYTES,
        dependency: Dependency | None = None,
        message_bytes: int = MESSAGE_BYTES,
        limits: Mapping[str, int] | None = None,
        encode: Encode = encode_each,
    ):
        self.settings, self.source, self.topic = settings, source, topic
        self.dead_letters, self.key, self._encode = dead_letters, key, encode
        self.letter_bytes, self.limits = letter_bytes, limits or {}
        self.message_bytes = min(message_bytes, self.limits.get(topic, message_bytes))
        self.transactional_id = f"{application}-{source}"
        self._number = source.number % partitions
        self._dependency = dependency or Dependency("sink", settings.bootstrap)
        self._producer: Producer | None = None

    def open(self) -> None:
        """Fence an earlier owner and finish what it left; raises `SinkError`."""
        with self._dependency.waiting():
            self._producer = open_producer(
                self.settings, self.transactional_id, min(self.limits.values(), default=None)
            )
            self._producer.init_transactions()
        self._dependency.up()

    def send(
        self,
        rows: Rows,
        keys: Keys,
        letters: Rows,
        letter_keys: Keys,
        next_offset: int,
        group_metadata: Any,
        also: Mapping[Partition, int] | None = None,
        note: str = "",
    ) -> None:
        """Begin a transaction, which may move offsets of other partitions *also*.

        *note* is committed with the offset.  `Unwritable` names the rows that no message can
        hold; nothing was begun.  After any other `SinkError` this sink is closed: start anew.
        """
        if self.key is not None:
            keys = [message_key(row, self.key) for row in rows]
        values = encoded(rows, keys, self.message_bytes, self._encode)
        with self._open_producer() as producer:
            offsets = {self.source: next_offset, **(also or {})}
            producer.begin(offsets, group_metadata, {self.source: note})
            for value, key in zip(values, keys, strict=True):
                producer.send(self.topic, value, key, self._number)
            if self.dead_letters is not None:
                room = self.limits.get(self.dead_letters)
                for letter, key in zip(letters, letter_keys, strict=True):
                    value, key, headers = dead_letter(letter, key, self.letter_bytes, room)
                    producer.send(self.dead_letters, value, key, headers=[*headers, version()])

    def commit(self) -> None:
        """Make it visible; raises `SinkError` as `send` does."""
        with self._open_producer() as producer:
            producer.commit()
            self._dependency.up()

    @contextlib.contextmanager
    def _open_producer(self) -> Iterator[Producer]:
        """The producer; closed if what is done with it fails."""
        if self._producer is None:
            raise SinkError(f"{self.transactional_id}: this sink is not open")
        try:
            with self._dependency.waiting():
                yield self._producer
        except BaseException as error:
            if isinstance(error, SinkError) and not isinstance(error, Fenced):
                self._dependency.down(str(error))
            self.discard()
            raise

    def discard(self) -> None:
        """Close at once; what was not committed never becomes visible."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(SinkError):  # the next `open` ends its transaction
                producer.close(0.0)

    def close(self) -> None:
        """Close in an orderly way; to be called between transactions."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()


@cache
def version() -> Header:
    """A header that says what refused the record."""
    try:
        return "version", f"stream-rnn {importlib.metadata.version('stream-rnn')}".encode()
    except importlib.metadata.PackageNotFoundError:
        return "version", b"stream-rnn"
