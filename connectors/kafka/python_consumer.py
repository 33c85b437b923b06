"""The consumer of kafka-python behind `connectors.kafka.driver`."""

import contextlib
import socket
import warnings
from collections.abc import Iterable, Mapping
from operator import attrgetter
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
from .python_guards import complete_joins, create_no_topics, topics_within
from .settings import KafkaSettings

with warnings.catch_warnings():  # it reads its schemas with a deprecated call
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    from kafka import errors
    from kafka.consumer.subscription_state import ConsumerRebalanceListener
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.structs import TopicPartition

FETCH_BYTES = 8 << 20  # a fetch; the default of 1 MiB a partition halves the rate
GONE = (
    *(errors.UnknownTopicOrPartitionError, errors.UnknownTopicIdError),
    errors.TopicAuthorizationFailedError,
)
LISTEN_SECONDS = 2.0
TOPICS_SECONDS = 5.0  # in which the brokers ought to say which topics there are
COLUMNS = [attrgetter(name) for name in ("value", "offset", "timestamp", "key")]


class PythonConsumer:
    """A `connectors.kafka.driver.Consumer`."""

    def __init__(
        self, settings: KafkaSettings, decode: RecordDecoder, group: GroupOptions | None = None
    ):
        options = settings.python_options() | {
            "enable_auto_commit": False,
            "isolation_level": "read_committed",
            "auto_offset_reset": "none",  # a position that is gone is an error, not a jump
            "allow_auto_create_topics": False,
            "fetch_max_bytes": FETCH_BYTES,
            "max_partition_fetch_bytes": FETCH_BYTES,
            "reconnect_backoff_max_ms": 1000,
            "metadata_max_age_ms": round(METADATA_SECONDS * 1000),
            "bootstrap_timeout_ms": round(BOOTSTRAP_SECONDS * 1000),
        }
        if group is not None:
            options |= group_options(group)
        self.settings, self._decode = settings, decode
        try:
            self._client = kafka.KafkaConsumer(**options)
        except (AssertionError, ValueError, errors.KafkaConfigurationError) as error:
            raise SourceError(f"client_settings: kafka-python says: {error}") from error
        except errors.KafkaError as error:
            raise Unreachable(unreachable(settings, error)) from error
        create_no_topics(self._client)
        if group is not None:
            complete_joins(self._client)

    def topics(self) -> set[str]:
        """See `connectors.kafka.driver.Consumer.topics`."""
        try:
            return topics_within(self._client, TOPICS_SECONDS)
        except errors.KafkaError as error:
            raise source_error("the names of topics", error) from error

    def partitions(self, topic: str) -> list[Partition]:
        """See `connectors.kafka.driver.Consumer.partitions`."""
        try:
            numbers = self._client.partitions_for_topic(topic)
        except errors.KafkaError as error:
            raise source_error(f"topic {topic!r}", error) from error
        if not numbers:
            raise Gone(
                f"topic {topic!r} does not exist on {self.settings.bootstrap}, or this user may "
                "not see it; create it first, or correct the name"
            )
        return [Partition(topic, number) for number in sorted(numbers)]

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """See `connectors.kafka.driver.Consumer.assign`."""
        self._client.assign([TopicPartition(*partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._client.seek(TopicPartition(*partition), offset)

    def subscribe(self, topics: Iterable[str], listener: Listener) -> None:
        """See `connectors.kafka.driver.Consumer.subscribe`."""
        self._client.subscribe(list(topics), listener=Rebalance(self._client, listener))

    def seek(self, partition: Partition, offset: int) -> None:
        """See `connectors.kafka.driver.Consumer.seek`."""
        self._client.seek(TopicPartition(*partition), offset)
        self._client.resume(TopicPartition(*partition))

    def poll(self, max_records: int, timeout: float) -> dict[Partition, list[Record]]:
        """See `connectors.kafka.driver.Consumer.poll`."""
        try:
            fetched = self._client.poll(round(timeout * 1000), max_records=max_records)
        except errors.LogTruncationError as error:
            self._check_topics(error)
            names = ", ".join(str(Partition(*place)) for place in self._client.assignment())
            raise Lost(
                f"{names}: what was read is not in the topic any more: it has been deleted, made "
                "again, or cut back when a broker was lost. Correct bootstrap and topic, or start "
                "anew with an empty checkpoint directory"
            ) from error
        except errors.OffsetOutOfRangeError as error:
            self._check_topics(error)
            raise Lost(f"the position is not in the topic any more: {error}") from error
        except GONE as error:
            self._check_topics(error)
            return {}  # made again meanwhile
        except errors.RetriableError:
            return {}  # the client reconnects by itself
        except errors.UnsupportedCodecError as error:
            raise Denied(
                f"messages are compressed in a way that this client cannot read ({error}): "
                "pip install 'stream-rnn[kafka-codecs]', or set source.client = 'confluent'"
            ) from error
        except errors.SaslAuthenticationFailedError:
            raise Denied(refused(self.settings.bootstrap)) from None
        except errors.KafkaError as error:
            raise SourceError(f"reading from Kafka failed: {words(error)}") from error
        decoded = {}
        for (topic, number), messages in fetched.items():
            partition = Partition(topic, number)
            columns = [list(map(column, messages)) for column in COLUMNS]
            decoded[partition] = self._decode(str(partition), *columns)
        return decoded

    def _check_topics(self, error: Exception) -> None:
        """Raise `Gone` if what *error* tells of is that a topic has been deleted."""
        there = self.topics()
        for place in sorted(self._client.assignment()):
            if place.topic not in there:
                raise deleted(place.topic) from error

    def position(self, partition: Partition) -> int | None:
        """See `connectors.kafka.driver.Consumer.position`."""
        return self._client.position(TopicPartition(*partition), timeout_ms=1000)

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """See `connectors.kafka.driver.Consumer.bounds`."""
        asked = [TopicPartition(*partition) for partition in partitions]
        try:
            first = self._client.beginning_offsets(asked)
            end = self._client.end_offsets(asked)
        except errors.KafkaError as error:
            raise source_error("the topic's offsets", error) from error
        return {Partition(*tp): (first[tp], end[tp]) for tp in asked}

    def committed(self, partitions: Iterable[Partition]) -> dict[Partition, int | None]:
        """See `connectors.kafka.driver.Consumer.committed`."""
        try:
            return {p: self._client.committed(TopicPartition(*p)) for p in partitions}
        except errors.KafkaError as error:
            raise source_error("the group's committed offsets", error) from error

    def note(self, partition: Partition) -> str:
        """See `connectors.kafka.driver.Consumer.note`."""
        try:
            found = self._client.committed(TopicPartition(*partition), metadata=True)
        except errors.KafkaError as error:
            raise source_error("the group's committed offsets", error) from error
        return "" if found is None else found.metadata or ""

    def highwater(self, partition: Partition) -> int | None:
        """See `connectors.kafka.driver.Consumer.highwater`."""
        return self._client.highwater(TopicPartition(*partition))

    def probe(self, partition: Partition, timeout: float) -> None:
        """See `connectors.kafka.driver.Consumer.probe`."""
        asked = TopicPartition(*partition)
        try:
            self._client.end_offsets([asked], timeout_ms=round(timeout * 1000))
        except errors.KafkaError as error:
            if partition.topic not in self.topics():  # which asks the brokers, too
                raise deleted(partition.topic) from error
            raise source_error(str(partition), error) from error

    def group_metadata(self) -> Any:
        """See `connectors.kafka.driver.Consumer.group_metadata`."""
        return self._client.group_metadata()

    def close(self) -> None:
        """See `connectors.kafka.driver.Consumer.close`."""
        self._client.close(autocommit=False, timeout_ms=10_000)


def group_options(group: GroupOptions) -> dict[str, Any]:
    """The group's options in the words of this client."""
    assignor = CooperativeStickyAssignor if group.cooperative else RangePartitionAssignor
    return {
        "group_id": group.group,
        "group_instance_id": group.instance,
        "session_timeout_ms": round(group.session_seconds * 1000),
        "heartbeat_interval_ms": round(group.session_seconds * 1000 / 5),
        "max_poll_interval_ms": round(group.poll_interval_seconds * 1000),
        "partition_assignment_strategy": [assignor],
    }


class Rebalance(ConsumerRebalanceListener):
    """Passes the client's rebalance calls on.

    They arrive on the client's own thread while the caller is inside `poll` or `close`, so
    that nothing else runs then; but nothing here may ask the client for an answer over the
    network, or it would wait for itself.
    """

    def __init__(self, client: kafka.KafkaConsumer, listener: Listener):
        self._client, self._listener = client, listener

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """They are paused until `PythonConsumer.seek`."""
        for partition in assigned:
            # Whatever the position becomes is decided later: fetch nothing until then.
            self._client.seek(partition, 0)
            self._client.pause(partition)
        self._listener.assigned({Partition(*partition) for partition in assigned})

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """They leave once the listener returns."""
        self._listener.revoked({Partition(*partition) for partition in revoked})

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        """They belong to another member already."""
        self._listener.lost({Partition(*partition) for partition in lost})


def words(error: BaseException) -> str:
    """What is wrong, for a message."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def source_error(what: str, error: errors.KafkaError) -> SourceError:
    """*error* as a `SourceError`; `Unreachable` if it may be gone the next time."""
    if isinstance(error, errors.RetriableError):
        return Unreachable(f"{what}: no broker answers ({words(error)})")
    return SourceError(f"{what}: {words(error)}")


def unreachable(settings: KafkaSettings, error: Exception) -> str:
    """That no broker answers, and what to check.

    To this client a refused password looks like a connection that is closed.  So does a broker
    that is about to start or to stop: whether anybody listens is all that can be told apart.
    """
    if settings.protocol.startswith("SASL_") and listens(settings.bootstrap):
        return (
            f"the Kafka broker at {settings.bootstrap} takes connections and closes them: either "
            "it does not accept this client's credentials (correct username, password_file and "
            f"mechanism), or it is not ready yet ({words(error)})"
        )
    return (
        f"no Kafka broker at {settings.bootstrap} accepts this client ({words(error)}); check "
        "that it runs, the address, and protocol, cafile and credentials"
    )


def listens(bootstrap: str) -> bool:
    """Whether a connection to one of these addresses is taken.

    >>> with socket.create_server(("127.0.0.1", 0)) as server:
    ...     listens("127.0.0.1:%d" % server.getsockname()[1])
    True
    """
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        with contextlib.suppress(OSError, ValueError, OverflowError):
            socket.create_connection((host.strip("[]"), int(port)), LISTEN_SECONDS).close()
            return True
    return False
