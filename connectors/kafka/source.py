"""Kafka topics as a source of records.

Its position is the next offset of every partition, with the ids of the topics; it belongs into
the checkpoint, and nothing is ever committed behind the learner's back.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..base import Lost, Record, SourceError, Unreachable
from ..json_records import MAX_BYTES, MAX_DEPTH
from ..state import Dependency
from .clients import open_consumer
from .driver import METADATA_SECONDS, Gone, Partition, RecordDecoder
from .names import check_patterns, is_pattern, partitions_of
from .origins import Origin, check_origin, origins
from .positions import check_position, offsets_in, position_of, what_is_left
from .pulse import Pulse
from .records import JsonMessages
from .settings import KafkaSettings
from .watch import Watch

log = logging.getLogger(__name__)

POLL_RECORDS = 1000  # at once from the client: while they are read, as many are learned


class KafkaSource:
    """All or some partitions of topics, read in the order of each partition.

    Args:
        settings: how to reach the cluster.
        topics: one topic or several; one that begins with ``^`` is a pattern, and topics that
            match it later are read too.
        partitions: numbers of the partitions to read; all when None.
        start: ``"earliest"`` or ``"latest"``, where the first run begins; partitions and topics
            that are added later are read from their beginning.
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
        names = [topics] if isinstance(topics, str) else list(topics)
        check_patterns(names)
        decode = decode or JsonMessages(max_record_bytes, max_depth)
        self._settings, self._consumer = settings, open_consumer(settings, decode)
        self._start, self._stop_at_end = start, stop_at_end
        self._topics, self._has_patterns = names, any(map(is_pattern, names))
        self._grows = partitions is None and not stop_at_end
        self._look = time.monotonic() + METADATA_SECONDS
        try:
            self._partitions = self._choose(partitions)
            self._origins = origins(settings, self._names())
            self._watch = Watch(settings, lambda: self._origins, METADATA_SECONDS)
            self._begin({}, self._consumer.bounds(self._partitions))
            dependency = dependency or Dependency("source", settings.bootstrap)
            self._pulse = Pulse(self._consumer, self._partitions[0], dependency)
        except BaseException:
            self._consumer.close()
            raise

    def _choose(self, numbers: Sequence[int] | None) -> list[Partition]:
        there = partitions_of(self._consumer, self._topics)
        if numbers is None:
            return there
        asked = [Partition(name, number) for name in self._topics for number in numbers]
        if missing := [str(partition) for partition in asked if partition not in there]:
            raise SourceError(f"there is no partition {', '.join(missing)}; correct partitions")
        return asked

    def _names(self) -> set[str]:
        return {partition.topic for partition in self._partitions}

    def _begin(
        self, position: Mapping[Partition, int], bounds: Mapping[Partition, tuple[int, int]]
    ) -> None:
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
            self._watch.look()
            self._look_for_partitions()
            self._buffer.extend(self._poll(timeout).items())
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

    def _poll(self, timeout: float) -> dict[Partition, list[Record]]:
        try:
            polled = self._consumer.poll(POLL_RECORDS, timeout)
            self._pulse.beat(bool(polled))
        except Gone:
            if not (self._has_patterns and self._grows):
                raise
            self._look = time.monotonic()  # the other topics are read on
            return {}
        return polled

    def _look_for_partitions(self) -> None:
        """Read those that were added, from their beginning; leave those of deleted topics."""
        if not self._grows or time.monotonic() < self._look:
            return
        self._look = time.monotonic() + METADATA_SECONDS
        try:
            there = self._choose(None)
            added = [partition for partition in there if partition not in self._next]
            gone = self._names() - {partition.topic for partition in there}
            if not added and not gone:
                return
            bounds = self._consumer.bounds(added)
        except Unreachable:
            return  # the next look finds them
        if added:
            log.info("partitions were added: %s", ", ".join(map(str, added)))
        if gone:
            log.warning("topics were deleted: %s; the others are read on", ", ".join(sorted(gone)))
        self._partitions = there
        now = origins(self._settings, self._names())
        for name, origin in now.items():
            check_origin(name, self._origins.get(name), origin, "while it was read")
        self._origins |= now
        self._next = {p: bounds[p][0] if p in bounds else self._next[p] for p in there}
        self._ends |= {partition: end for partition, (_, end) in bounds.items()}
        self._pulse.partition = there[0]
        self._consumer.assign(self._next)

    def _is_at_end(self) -> bool:
        """Whether ``stop_at_end`` was asked for and everything up to there was handed out."""
        if not self._stop_at_end or self._buffer:
            return False
        return all(
            max(self._next[p], self._consumer.position(p) or 0) >= end
            for p, end in self._ends.items()
        )

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """``{topic: {partition: next offset, "id": …, "cluster": …}}``."""
        return position_of(self._next, self._origins)

    def restore(self, position: Mapping[str, Mapping[str, Any]]) -> None:
        """Continue there; raises `Lost` when the topic no longer holds it."""
        offsets = self._of_pattern(offsets_in(position))
        if unread := [str(p) for p in offsets if p not in self._partitions]:
            raise Lost(
                f"the checkpoint has a position in {', '.join(unread)}, which is not read here; "
                "give the topics and partitions it was made with, or another checkpoint directory"
            )
        for topic in sorted({partition.topic for partition in offsets}):
            check_origin(topic, Origin.of(position[topic]), self._origins.get(topic))
        bounds = self._consumer.bounds(self._partitions)
        check_position(offsets, bounds)
        self._begin(offsets, bounds)

    def restore_left(self, position: Mapping[str, Mapping[str, Any]]) -> int | None:
        """See `connectors.base.Skipping`."""
        before = offsets_in(position)
        offsets = {p: offset for p, offset in before.items() if p in self._partitions}
        known = {name: Origin.of(part) for name, part in position.items() if name in self._origins}
        same = {name for name, origin in known.items() if origin == self._origins[name]}
        remade = {name for name, origin in known.items() if origin is not None} - same
        bounds = self._consumer.bounds(self._partitions)
        left, lost = what_is_left(offsets, bounds, remade, same)
        self._begin(left, bounds)
        return lost if offsets == before else None

    def _of_pattern(self, offsets: dict[Partition, int]) -> dict[Partition, int]:
        """Without those of topics that were deleted, where topics come and go."""
        if not self._has_patterns:
            return offsets
        gone = {p.topic for p in offsets if p.topic not in self._topics} - self._names()
        if gone:
            log.warning(
                "topics were deleted since the checkpoint, or are not read any more: %s",
                ", ".join(sorted(gone)),
            )
        return {p: offset for p, offset in offsets.items() if p.topic not in gone}

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
