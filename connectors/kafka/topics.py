"""Kafka topics as a source and as a sink of JSON records.

A source's position is the next offset of every partition; it belongs into the checkpoint, and
nothing is ever committed behind the learner's back.  With `KafkaSink` a run that is killed
repeats what it sent since its last checkpoint; `connectors.kafka.transactions` does not.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..base import Lost, Record, SourceError, Unreachable
from ..json_records import MAX_BYTES, MAX_DEPTH
from ..state import Dependency
from .clients import open_consumer, open_producer
from .driver import METADATA_SECONDS, Partition, RecordDecoder
from .limits import topic_limits
from .messages import LETTER_BYTES, MESSAGE_BYTES, Message, dead_letter, encoded, message_key
from .positions import check_position
from .pulse import Pulse
from .records import JsonMessages
from .settings import KafkaSettings

log = logging.getLogger(__name__)

POLL_RECORDS = 1000  # at once from the client: while they are read, as many are learned


class KafkaSource:
    """All or some partitions of topics, read in the order of each partition.

    Args:
        settings: how to reach the cluster.
        topics: one topic or several.
        partitions: numbers of the partitions to read; all when None.
        start: ``"earliest"`` or ``"latest"``, where the first run begins; partitions that are
            added later are read from their beginning.
        stop_at_end: finish at the ends that the partitions have now, instead of waiting.
        max_record_bytes, max_depth: a JSON record beyond them is handed out as an error.
        decode: what else messages are decoded with.
        dependency: is told whether the brokers answer.

    Raises `Unreachable` when no broker answers, `SourceError` when a topic does not exist.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: str | Sequence[str],
        *,
        partitions: Sequence[int] | None = None,
        start: str = "earliest",
        stop_at_end: bool = False,
        max_record_bytes: int = MAX_BYTES,
        max_depth: int = MAX_DEPTH,
        decode: RecordDecoder | None = None,
        dependency: Dependency | None = None,
    ):
        if start not in ("earliest", "latest"):
            raise ValueError(f"start = {start!r}; use 'earliest' or 'latest'")
        decode = decode or JsonMessages(max_record_bytes, max_depth)
        self._consumer = open_consumer(settings, decode)
        self._start, self._stop_at_end = start, stop_at_end
        self._topics = [topics] if isinstance(topics, str) else list(topics)
        self._grows = partitions is None and not stop_at_end
        self._look = time.monotonic() + METADATA_SECONDS
        try:
            self._partitions = self._choose(partitions)
            self._begin({})
            dependency = dependency or Dependency("source", settings.bootstrap)
            self._pulse = Pulse(self._consumer, self._partitions[0], dependency)
        except BaseException:
            self._consumer.close()
            raise

    def _choose(self, numbers: Sequence[int] | None) -> list[Partition]:
        there = [p for name in self._topics for p in self._consumer.partitions(name)]
        if numbers is None:
            return there
        asked = [Partition(name, number) for name in self._topics for number in numbers]
        if missing := [str(partition) for partition in asked if partition not in there]:
            raise SourceError(f"there is no partition {', '.join(missing)}; correct partitions")
        return asked

    def _begin(self, position: Mapping[Partition, int]) -> None:
        bounds = self._consumer.bounds(self._partitions)
        check_position(position, bounds)
        # A partition that the position does not know was added after it.
        side = 0 if self._start == "earliest" or position else 1
        self._next = {p: position.get(p, bounds[p][side]) for p in self._partitions}
        self._ends = {p: end for p, (_, end) in bounds.items()}
        self._buffer: deque[tuple[Partition, list[Record]]] = deque()
        self._consumer.assign(self._next)
        self.finished = self._is_at_end()

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*; an empty list when none came within *timeout* seconds."""
        if not self._buffer:
            self._look_for_partitions()
            polled = self._consumer.poll(POLL_RECORDS, timeout)
            self._buffer.extend(polled.items())
            self._pulse.beat(bool(polled))
        batch: list[Record] = []
        while self._buffer and len(batch) < max_records:
            partition, records = self._buffer.popleft()
            free = max_records - len(batch)
            if len(records) > free:
                self._buffer.appendleft((partition, records[free:]))
                records = records[:free]
            self._next[partition] = records[-1].offset + 1
            batch += records
        self.finished = self._is_at_end()
        return batch

    def _look_for_partitions(self) -> None:
        """Read those that were added, from their beginning."""
        if not self._grows or time.monotonic() < self._look:
            return
        self._look = time.monotonic() + METADATA_SECONDS
        try:
            there = self._choose(None)
            added = [partition for partition in there if partition not in self._next]
            if not added:
                return
            bounds = self._consumer.bounds(added)
        except Unreachable:
            return  # the next look finds them
        log.info("partitions were added: %s", ", ".join(map(str, added)))
        self._partitions = there
        self._next |= {partition: first for partition, (first, _) in bounds.items()}
        self._ends |= {partition: end for partition, (_, end) in bounds.items()}
        self._consumer.assign(self._next)

    def _is_at_end(self) -> bool:
        """Whether ``stop_at_end`` was asked for and everything up to there was handed out."""
        if not self._stop_at_end or self._buffer:
            return False
        return all(
            max(self._next[p], self._consumer.position(p) or 0) >= end
            for p, end in self._ends.items()
        )

    def snapshot(self) -> dict[str, dict[str, int]]:
        """``{topic: {partition: next offset}}``."""
        position: dict[str, dict[str, int]] = {}
        for (topic, number), offset in self._next.items():
            position.setdefault(topic, {})[str(number)] = offset
        return position

    def restore(self, position: Mapping[str, Mapping[str, int]]) -> None:
        """Continue there; raises `Lost` when the topic no longer holds it."""
        offsets = {
            Partition(topic, int(number)): offset
            for topic, numbers in position.items()
            for number, offset in numbers.items()
        }
        if unread := [str(p) for p in offsets if p not in self._partitions]:
            raise Lost(
                f"the checkpoint has a position in {', '.join(unread)}, which is not read here; "
                "give the topics and partitions it was made with, or another checkpoint directory"
            )
        self._begin(offsets)

    def is_caught_up(self) -> bool:
        """Whether the last fetch has found nothing beyond what was handed out."""
        if self._buffer:
            return False
        return all(
            max(self._next[p], self._consumer.position(p) or 0)
            >= (end if (end := self._consumer.highwater(p)) is not None else self._ends[p])
            for p in self._next
        )

    def lag(self) -> dict[str, int]:
        """Records not yet handed out, by partition, as of the last fetch (control records too)."""
        highwaters = {p: self._consumer.highwater(p) for p in self._next}
        return {
            str(p): max(0, (end if end is not None else self._ends[p]) - self._next[p])
            for p, end in highwaters.items()
        }

    def metrics(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Lag and position of every partition, as samples: name, labels, value."""
        for name, behind in self.lag().items():
            partition = Partition.parse(name)
            labels = {"topic": partition.topic, "partition": str(partition.number)}
            yield "consumer_lag_records", labels, behind
            yield "consumer_position_offset", labels, self._next[partition]

    def close(self) -> None:
        """Let go of the brokers."""
        self._consumer.close()


class KafkaSink:
    """Rows as JSON into a topic, at least once; dead letters with their bytes unchanged.

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
    ):
        self.topic, self.key, self.dead_letters = topic, key, dead_letters
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
            values = encoded(rows, keys, self.message_bytes)
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
