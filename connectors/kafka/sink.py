"""A Kafka topic as a sink, at least once.

A run that is killed repeats what it sent since its last checkpoint;
`connectors.kafka.transactions` does not.
"""

from collections.abc import Mapping
from typing import Any

from ..json_rows import Encode, encode_each
from ..state import Dependency
from .clients import open_producer
from .limits import topic_limits
from .messages import LETTER_BYTES, MESSAGE_BYTES, Message, dead_letter, encoded, message_key
from .settings import KafkaSettings


class KafkaSink:
    """Rows into a topic, at least once; dead letters with their bytes unchanged.

    A row goes to the partition that the hash of its key picks; ``key`` names the field that is
    the key, so that a row of the same key as its record lands beside it.

    Args:
        settings: how to reach the cluster.
        topic: must exist.
        key: name of a row's field whose value is the message key.
        dead_letters: rows are dead letters, see `dead_letter`.
        letter_bytes: a dead letter with more is cut.
        dependency: is told whether the brokers answer.
        message_bytes: a row that would be a larger message is `Unwritable`; so is one that is
            larger than the topic takes.
        encode: makes the values of messages; by default JSON.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: str,
        *,
        key: str | None = None,
        dead_letters: bool = False,
        letter_bytes: int = LETTER_BYTES,
        dependency: Dependency | None = None,
        message_bytes: int = MESSAGE_BYTES,
        encode: Encode = encode_each,
    ):
        self.topic, self.key, self.dead_letters = topic, key, dead_letters
        self._encode = encode
        self._limit = limit = topic_limits(settings, [topic]).get(topic)
        self.letter_bytes = letter_bytes
        self.message_bytes = message_bytes if limit is None else min(message_bytes, limit)
        self._producer = open_producer(settings, batch_bytes=limit)
        self._dependency = dependency or Dependency("sink", settings.bootstrap)
        self._written = 0

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Queue *rows*; raises `SinkError` if one written before has failed.

        `Unwritable` names the rows that no message can hold; then nothing was queued.
        """
        if self.dead_letters:
            messages: list[Message] = [
                dead_letter(row, None, self.letter_bytes, self._limit) for row in rows
            ]
        else:
            keys = [message_key(row, self.key) for row in rows]
            values = encoded(rows, keys, self.message_bytes, self._encode)
            messages = [(value, key, []) for value, key in zip(values, keys, strict=True)]
        with self._dependency.waiting():
            for value, key, headers in messages:
                self._producer.send(self.topic, value, key, headers=headers)
        self._written += len(rows)

    def flush(self) -> None:
        """Wait until the brokers have everything; raises `SinkError` if they do not."""
        with self._dependency.waiting():
            self._producer.flush()
        self._dependency.up()

    def snapshot(self) -> dict[str, int]:
        """How many rows were written; a topic cannot be cut back to it."""
        return {"written": self._written}

    def restore(self, position: Mapping[str, int] | None) -> None:
        """Rows sent after *position* stay in the topic and will be there twice."""
        self._written = position["written"] if position else 0

    def close(self) -> None:
        """Send what is queued, then let go; raises `SinkError`."""
        self._producer.close()
