"""The kafka-python client behind `connectors.kafka_driver`."""

import warnings
from collections import deque
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from connectors.background import in_background
from connectors.base import Record, SinkError, SourceError
from connectors.kafka_driver import (
    Fenced,
    GroupOptions,
    Header,
    Listener,
    Partition,
    RecordDecoder,
    Unreachable,
)
from connectors.kafka_settings import KafkaSettings

with warnings.catch_warnings():  # it reads its schemas with a deprecated call
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    from kafka import errors
    from kafka.consumer.subscription_state import ConsumerRebalanceListener
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.base import MemberState
    from kafka.structs import OffsetAndMetadata, TopicPartition

FETCH_BYTES = 8 << 20  # a fetch; the default of 1 MiB a partition halves the rate
MAX_IN_FLIGHT = 20_000  # records sent and not yet acknowledged
COLUMNS = [attrgetter(name) for name in ("value", "offset", "timestamp", "key")]
SEND_SECONDS = 120.0  # an acknowledgement is waited for, across reconnections
RETRY_MS = 10  # the default of 100 is the price of two transactions


class PythonConsumer:
    """A `connectors.kafka_driver.Consumer`."""

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
        }
        if group is not None:
            options |= group_options(group)
        self.settings, self._decode = settings, decode
        try:
            self._client = kafka.KafkaConsumer(**options)
        except errors.KafkaError as error:
            raise Unreachable(unreachable(settings, error)) from error

    def partitions(self, topic: str) -> list[Partition]:
        try:
            numbers = self._client.partitions_for_topic(topic)
        except errors.KafkaError as error:
            raise SourceError(f"topic {topic!r}: {words(error)}") from error
        if not numbers:
            raise SourceError(
                f"topic {topic!r} does not exist on {self.settings.bootstrap}, or this user may "
                "not see it; create it first, or correct the name"
            )
        return [Partition(topic, number) for number in sorted(numbers)]

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        self._client.assign([TopicPartition(*partition) for partition in offsets])
        for partition, offset in offsets.items():
            self._client.seek(TopicPartition(*partition), offset)

    def subscribe(self, topics: Iterable[str], listener: Listener) -> None:
        self._client.subscribe(list(topics), listener=Rebalance(self._client, listener))

    def seek(self, partition: Partition, offset: int) -> None:
        self._client.seek(TopicPartition(*partition), offset)
        self._client.resume(TopicPartition(*partition))

    def poll(self, max_records: int, timeout: float) -> dict[Partition, list[Record]]:
        try:
            fetched = self._client.poll(round(timeout * 1000), max_records=max_records)
        except errors.OffsetOutOfRangeError as error:
            raise SourceError(f"the position is not in the topic any more: {error}") from error
        except errors.RetriableError:
            return {}  # the client reconnects by itself
        except errors.KafkaError as error:
            raise SourceError(f"reading from Kafka failed: {words(error)}") from error
        self._finish_join()
        decoded = {}
        for (topic, number), messages in fetched.items():
            partition = Partition(topic, number)
            columns = [list(map(column, messages)) for column in COLUMNS]
            decoded[partition] = self._decode(str(partition), *columns)
        return decoded

    def _finish_join(self) -> None:
        """See to it that the next poll goes on with a join that this one has left half done.

        When a poll's time is over between JoinGroup and SyncGroup, and the reason to join
        (changed metadata) has gone meanwhile, this client never completes the join: the member
        sends no heartbeat, owns nothing and reports nothing.
        """
        if self._client.group_metadata().state == MemberState.REBALANCING:
            self._client._coordinator.request_rejoin()

    def position(self, partition: Partition) -> int | None:
        return self._client.position(TopicPartition(*partition), timeout_ms=1000)

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        asked = [TopicPartition(*partition) for partition in partitions]
        try:
            first = self._client.beginning_offsets(asked)
            end = self._client.end_offsets(asked)
        except errors.KafkaError as error:
            raise SourceError(f"the topic's offsets: {words(error)}") from error
        return {Partition(*tp): (first[tp], end[tp]) for tp in asked}

    def committed(self, partitions: Iterable[Partition]) -> dict[Partition, int | None]:
        try:
            return {p: self._client.committed(TopicPartition(*p)) for p in partitions}
        except errors.KafkaError as error:
            raise SourceError(f"the group's committed offsets: {words(error)}") from error

    def note(self, partition: Partition) -> str:
        """See `connectors.kafka_driver.Consumer.note`."""
        try:
            found = self._client.committed(TopicPartition(*partition), metadata=True)
        except errors.KafkaError as error:
            raise SourceError(f"the group's committed offsets: {words(error)}") from error
        return "" if found is None else found.metadata or ""

    def highwater(self, partition: Partition) -> int | None:
        return self._client.highwater(TopicPartition(*partition))

    def group_metadata(self) -> Any:
        return self._client.group_metadata()

    def close(self) -> None:
        self._client.close(autocommit=False, timeout_ms=10_000)


def group_options(group: GroupOptions) -> dict[str, Any]:
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
        for partition in assigned:
            # Whatever the position becomes is decided later: fetch nothing until then.
            self._client.seek(partition, 0)
            self._client.pause(partition)
        self._listener.assigned({Partition(*partition) for partition in assigned})

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._listener.revoked({Partition(*partition) for partition in revoked})

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self._listener.lost({Partition(*partition) for partition in lost})


class PythonProducer:
    """A `connectors.kafka_driver.Producer`."""

    def __init__(self, settings: KafkaSettings, transactional_id: str | None = None):
        options = settings.python_options() | {
            "acks": "all",
            "linger_ms": 5,
            "batch_size": 1 << 18,
            "allow_auto_create_topics": False,
            "delivery_timeout_ms": SEND_SECONDS * 1000,
            "reconnect_backoff_max_ms": 1000,
        }
        if transactional_id is not None:
            options["transactional_id"] = transactional_id
            options["transaction_timeout_ms"] = round(SEND_SECONDS * 1000)
            # A request that meets the end of the transaction before is sent again this much later.
            options["retry_backoff_ms"] = RETRY_MS
        self._in_flight: deque[Any] = deque()
        try:
            self._client = kafka.KafkaProducer(**options)
        except errors.KafkaError as error:
            raise SinkError(unreachable(settings, error)) from error

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int | None = None,
        headers: list[Header] | None = None,
        timestamp: float | None = None,
    ) -> None:
        milliseconds = None if timestamp is None else round(timestamp * 1000)
        try:
            future = self._client.send(topic, value, key, headers, partition, milliseconds)
        except (errors.KafkaError, ValueError) as error:
            raise sink_error(f"sending to topic {topic!r}", error) from error
        self._in_flight.append(future)
        if len(self._in_flight) > MAX_IN_FLIGHT:
            self._wait(MAX_IN_FLIGHT // 2)

    def flush(self) -> None:
        try:
            self._client.flush(SEND_SECONDS)
        except errors.KafkaError as error:
            raise sink_error("flushing", error) from error
        self._wait(0)

    def _wait(self, remaining: int) -> None:
        """Until no more than *remaining* records are in flight; the first failure is raised."""
        while len(self._in_flight) > remaining:
            try:
                self._in_flight.popleft().get(SEND_SECONDS)
            except errors.KafkaError as error:
                raise sink_error("a record was not written", error) from error

    def init_transactions(self) -> None:
        self._attempt("starting transactions", self._client.init_transactions)

    def begin(
        self,
        offsets: Mapping[Partition, int],
        group_metadata: Any,
        notes: Mapping[Partition, str] | None = None,
    ) -> None:
        """See `connectors.kafka_driver.Producer.begin`."""
        if group_metadata.generation_id < 0 or not group_metadata.member_id:
            # The broker would take this for a commit from outside of the group.
            raise Fenced("this member has been removed from its group; its work is discarded")
        self._attempt("beginning a transaction", self._client.begin_transaction)
        moved = {
            TopicPartition(*p): OffsetAndMetadata(o, (notes or {}).get(p, ""), -1)
            for p, o in offsets.items()
        }
        send = self._client.send_offsets_to_transaction
        # Its two round trips take place while the records are handed over and sent.
        self._adding = in_background(
            self._attempt, "adding the offsets", send, moved, group_metadata
        )

    def commit(self) -> None:
        """See `connectors.kafka_driver.Producer.commit`.

        Every record's future is asked *before* the commit: when a batch fails with a sequence
        or epoch error during the commit, this client renews its epoch, never ends the
        transaction and returns from ``commit_transaction`` as if all were well.
        """
        self._adding.result()
        self.flush()
        self._attempt("committing", self._client.commit_transaction)

    def abort(self) -> None:
        self._in_flight.clear()
        self._attempt("aborting", self._client.abort_transaction)

    def _attempt(self, what: str, call: Any, *arguments: Any) -> None:
        try:
            call(*arguments)
        except errors.KafkaError as error:
            raise sink_error(what, error) from error

    def close(self, timeout: float = 10.0) -> None:
        self._in_flight.clear()
        try:
            self._client.close(timeout)
        except errors.KafkaError as error:
            # Records are still unsent; the client would leave its thread running for them.
            self._client._sender.force_close()
            raise sink_error("closing", error) from error


FENCING = (
    errors.ProducerFencedError,
    errors.InvalidProducerEpochError,
    errors.FencedInstanceIdError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.CommitFailedError,
)


def sink_error(what: str, error: Exception) -> SinkError:
    # A call after the one that was fenced fails too, and names that as its reason.
    kind = Fenced if any(isinstance(e, FENCING) for e in (error, *error.args)) else SinkError
    return kind(f"Kafka: {what}: {words(error)}")


def words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def unreachable(settings: KafkaSettings, error: Exception) -> str:
    return (
        f"no Kafka broker at {settings.bootstrap} accepts this client ({words(error)}); check "
        "that it runs, the address, and protocol, cafile and credentials"
    )
