"""The consumer of confluent-kafka (librdkafka) behind `connectors.kafka.driver`."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..base import Denied, Lost, Record, SourceError, Unreachable
from .driver import (
    BOOTSTRAP_SECONDS,
    METADATA_SECONDS,
    Gone,
    GroupOptions,
    Listener,
    Partition,
    RecordDecoder,
    deleted,
    refused,
)
from .settings import KafkaSettings

try:
    import confluent_kafka as confluent
except ImportError as error:
    raise ImportError(
        "client = 'confluent' needs the package confluent-kafka: "
        "pip install 'stream-rnn[confluent]', or use client = 'kafka-python'"
    ) from error

log = logging.getLogger("confluent_kafka")  # the library's own lines

KafkaError, KafkaException = confluent.KafkaError, confluent.KafkaException
TopicPartition = confluent.TopicPartition

FETCH_BYTES = 8 << 20
ANSWER_SECONDS = 30.0
REFUSALS = 3  # of a password, until it is taken for a wrong one
SILENT = {KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}
TOPIC_GONE = {
    *(KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID, KafkaError._UNKNOWN_TOPIC),
    *(KafkaError._UNKNOWN_PARTITION, KafkaError.TOPIC_AUTHORIZATION_FAILED),
}
POSITION_GONE = {KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET}


class ConfluentConsumer:
    """A `connectors.kafka.driver.Consumer`."""

    def __init__(
        self, settings: KafkaSettings, decode: RecordDecoder, group: GroupOptions | None = None
    ):
        options = settings.confluent_options() | {
            "group.id": "stream-rnn-without-group",  # the library insists; nothing is committed
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",  # a position that is gone is an error, not a jump
            "allow.auto.create.topics": False,
            "enable.partition.eof": True,
            "fetch.max.bytes": FETCH_BYTES,
            "max.partition.fetch.bytes": FETCH_BYTES,
            "reconnect.backoff.max.ms": 1000,
            "topic.metadata.refresh.interval.ms": round(METADATA_SECONDS * 1000),
        }
        if group is not None:
            options |= group_options(group)
        self.settings, self._decode = settings, decode
        self._ends: dict[Partition, int] = {}  # where a partition's end was met
        self._metadata: Any = None
        self._is_cooperative = group is not None and group.cooperative
        options["error_cb"] = self._problems = Problems()
        try:
            self._client = confluent.Consumer(options, logger=log)
        except KafkaException as error:
            raise SourceError(f"client_settings: confluent-kafka says: {words(error)}") from error
        attempt_bootstrap(settings, self._client, self._client.close, self._problems)

    def topics(self) -> set[str]:
        """See `connectors.kafka.driver.Consumer.topics`."""
        try:
            return set(self._client.list_topics(timeout=ANSWER_SECONDS).topics)
        except KafkaException as error:
            raise source_error("the names of topics", error) from error

    def partitions(self, topic: str) -> list[Partition]:
        """See `connectors.kafka.driver.Consumer.partitions`."""
        try:
            found = self._client.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        except KafkaException as error:
            raise source_error(f"topic {topic!r}", error) from error
        if found.error is not None or not found.partitions:
            raise Gone(
                f"topic {topic!r} does not exist on {self.settings.bootstrap}, or this user may "
                "not see it; create it first, or correct the name"
            )
        return [Partition(topic, number) for number in sorted(found.partitions)]

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """See `connectors.kafka.driver.Consumer.assign`."""
        self._ends.clear()
        self._client.assign([TopicPartition(*p, offset) for p, offset in offsets.items()])

    def subscribe(self, topics: Iterable[str], listener: Listener) -> None:
        """See `connectors.kafka.driver.Consumer.subscribe`."""

        def assigned(_client: Any, places: list[Any]) -> None:
            self._metadata = self._client.consumer_group_metadata()
            fresh = [TopicPartition(p.topic, p.partition, 0) for p in places]
            if self._is_cooperative:
                self._client.incremental_assign(fresh)
            else:
                self._client.assign(fresh)
            # Whatever the position becomes is decided later: fetch nothing until then.
            self._client.pause(fresh)
            listener.assigned(partitions_of(places))

        def revoked(_client: Any, places: list[Any]) -> None:
            listener.revoked(partitions_of(places))

        def lost(_client: Any, places: list[Any]) -> None:
            listener.lost(partitions_of(places))

        self._client.subscribe(list(topics), on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def seek(self, partition: Partition, offset: int) -> None:
        """See `connectors.kafka.driver.Consumer.seek`."""
        self._ends.pop(partition, None)
        place = TopicPartition(*partition, offset)
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                self._client.seek(place)
                break
            except KafkaException as error:  # the assignment takes a moment to take effect
                if time.monotonic() > deadline:
                    raise SourceError(f"seeking {partition}: {words(error)}") from error
                time.sleep(0.01)
        self._client.resume([place])

    def poll(self, max_records: int, timeout: float) -> dict[Partition, list[Record]]:
        """See `connectors.kafka.driver.Consumer.poll`."""
        try:
            messages = self._client.consume(1, timeout)
            if messages:  # `consume` waits for all it is asked for: take what is there already
                messages += self._client.consume(max_records, 0.0)
        except KafkaException as error:
            raise SourceError(f"reading from Kafka failed: {words(error)}") from error
        if self._problems.is_refused() and not messages:
            raise Denied(refused(self.settings.bootstrap))
        columns: dict[Partition, tuple[list, list, list, list]] = {}
        for message in messages:
            if (problem := message.error()) is not None:
                self._look_at(problem, message)
                continue
            partition = Partition(message.topic(), message.partition())  # type: ignore[arg-type]
            if partition not in columns:
                columns[partition] = [], [], [], []
            raws, offsets, times, keys = columns[partition]
            raws.append(message.value())
            offsets.append(message.offset())
            times.append(message.timestamp()[1])
            keys.append(message.key())
        return {p: self._decode(str(p), *lists) for p, lists in columns.items()}

    def _look_at(self, problem: Any, message: Any) -> None:
        """An event in place of a record."""
        code = problem.code()
        if code == KafkaError._PARTITION_EOF:
            self._ends[Partition(message.topic(), message.partition())] = message.offset()
        elif code in POSITION_GONE:
            if message.topic() not in self.topics():
                raise deleted(message.topic())
            raise Lost(f"the position is not in the topic any more: {problem.str()}")
        elif code in TOPIC_GONE and message.topic() is not None:
            raise deleted(message.topic())
        elif problem.fatal() or code in (*TOPIC_GONE, KafkaError.GROUP_AUTHORIZATION_FAILED):
            raise SourceError(f"reading from Kafka failed: {problem.str()}")
        else:
            log.warning("reading from Kafka: %s", problem.str())  # the client retries by itself

    def position(self, partition: Partition) -> int | None:
        """See `connectors.kafka.driver.Consumer.position`."""
        offset = self._client.position([TopicPartition(*partition)])[0].offset
        known = [self._ends.get(partition), offset if offset >= 0 else None]
        return max((place for place in known if place is not None), default=None)

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """See `connectors.kafka.driver.Consumer.bounds`."""
        try:
            return {
                p: self._client.get_watermark_offsets(TopicPartition(*p), ANSWER_SECONDS)
                for p in partitions
            }
        except KafkaException as error:
            raise source_error("the topic's offsets", error) from error

    def committed(self, partitions: Iterable[Partition]) -> dict[Partition, int | None]:
        """See `connectors.kafka.driver.Consumer.committed`."""
        asked = [TopicPartition(*partition) for partition in partitions]
        try:
            found = self._client.committed(asked, ANSWER_SECONDS)
        except KafkaException as error:
            raise source_error("the group's committed offsets", error) from error
        return {Partition(p.topic, p.partition): p.offset if p.offset >= 0 else None for p in found}

    def note(self, partition: Partition) -> str:
        """See `connectors.kafka.driver.Consumer.note`."""
        try:
            [found] = self._client.committed([TopicPartition(*partition)], ANSWER_SECONDS)
        except KafkaException as error:
            raise source_error("the group's committed offsets", error) from error
        return found.metadata or ""

    def highwater(self, partition: Partition) -> int | None:
        """See `connectors.kafka.driver.Consumer.highwater`."""
        high = self._client.get_watermark_offsets(TopicPartition(*partition), cached=True)[1]
        return high if high >= 0 else None

    def probe(self, partition: Partition, timeout: float) -> None:
        """See `connectors.kafka.driver.Consumer.probe`."""
        try:
            found = self._client.list_topics(partition.topic, timeout).topics[partition.topic]
        except KafkaException as error:
            raise source_error(str(partition), error) from error
        if found.error is not None and found.error.code() in TOPIC_GONE:
            raise deleted(partition.topic)

    def group_metadata(self) -> Any:
        """See `connectors.kafka.driver.Consumer.group_metadata`."""
        # Of the last assignment: after an expulsion the client would give that of nobody.
        return self._metadata

    def close(self) -> None:
        """See `connectors.kafka.driver.Consumer.close`."""
        self._client.close()


def group_options(group: GroupOptions) -> dict[str, Any]:
    """The group's options in the words of this client."""
    options: dict[str, Any] = {
        "group.id": group.group,
        "session.timeout.ms": round(group.session_seconds * 1000),
        "heartbeat.interval.ms": round(group.session_seconds * 1000 / 5),
        "max.poll.interval.ms": round(group.poll_interval_seconds * 1000),
        "partition.assignment.strategy": "cooperative-sticky" if group.cooperative else "range",
    }
    if group.instance is not None:
        options["group.instance.id"] = group.instance
    return options


def partitions_of(places: Iterable[Any]) -> set[Partition]:
    """The client's places as partitions."""
    return {Partition(place.topic, place.partition) for place in places}


class Problems:
    """What a client calls with its errors: they are logged, and the last ones remembered."""

    def __init__(self) -> None:
        self.codes: deque[int] = deque(maxlen=20)

    def __call__(self, error: Any) -> None:
        self.codes.append(error.code())
        log.warning("%s", error.str())

    def is_refused(self) -> bool:
        """Whether brokers have refused the password again and again, and nothing else since."""
        last = [code for code in self.codes if code not in SILENT][-REFUSALS:]
        return last == [KafkaError._AUTHENTICATION] * REFUSALS


def attempt_bootstrap(
    settings: KafkaSettings, client: Any, close: Callable[[], None], problems: "Problems"
) -> None:
    """This library connects when it has to; find out now whether it can.

    Raises `Unreachable`, or `Denied` where the broker is there and refuses the password,
    which waiting does not mend.  *problems* is the client's ``error_cb``.
    """
    try:
        client.list_topics(timeout=BOOTSTRAP_SECONDS)
    except KafkaException as error:
        client.poll(0)  # which calls `error_cb`
        close()
        if KafkaError._AUTHENTICATION in problems.codes:
            raise Denied(refused(settings.bootstrap)) from None
        raise Unreachable(
            f"no Kafka broker at {settings.bootstrap} accepts this client ({words(error)}); check "
            "that it runs, the address, and protocol, cafile and credentials"
        ) from error


def source_error(what: str, error: Any) -> SourceError:
    """*error* as a `SourceError`; `Unreachable` if it may be gone the next time."""
    if error.args[0].code() in SILENT:
        return Unreachable(f"{what}: no broker answers ({words(error)})")
    return SourceError(f"{what}: {words(error)}")


def words(error: Any) -> str:
    """What is wrong, for a message."""
    problem = error.args[0]
    return f"{problem.name()}: {problem.str()}" if hasattr(problem, "name") else str(error)
