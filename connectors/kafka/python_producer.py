"""The producer of kafka-python behind `connectors.kafka.driver`."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from ..background import in_background
from ..base import SinkError, Unreachable
from .driver import (
    BATCH_BYTES,
    BOOTSTRAP_SECONDS,
    MAX_IN_FLIGHT,
    REQUEST_BYTES,
    SEND_SECONDS,
    Fenced,
    Header,
    Partition,
)
from .python_consumer import errors, kafka, unreachable, words
from .python_guards import create_no_topics, end_at_once
from .settings import KafkaSettings

OffsetAndMetadata = kafka.structs.OffsetAndMetadata
TopicPartition = kafka.structs.TopicPartition

RETRY_MS = 10  # the default of 100 is the price of two transactions


class PythonProducer:
    """A `connectors.kafka.driver.Producer`."""

    def __init__(
        self,
        settings: KafkaSettings,
        transactional_id: str | None = None,
        batch_bytes: int = BATCH_BYTES,
    ):
        options = settings.python_options() | {
            "acks": "all",
            "linger_ms": 5,
            "batch_size": batch_bytes,
            "max_request_size": REQUEST_BYTES,
            "allow_auto_create_topics": False,
            "delivery_timeout_ms": SEND_SECONDS * 1000,
            "reconnect_backoff_max_ms": 1000,
            "bootstrap_timeout_ms": round(BOOTSTRAP_SECONDS * 1000),
        }
        if transactional_id is not None:
            options["transactional_id"] = transactional_id
            options["transaction_timeout_ms"] = round(SEND_SECONDS * 1000)
            # A request that meets the end of the transaction before is sent again this much later.
            options["retry_backoff_ms"] = RETRY_MS
            # Commit sends what is waiting: until then, fewer requests are better than early ones.
            options["linger_ms"] = 1000
        self._in_flight: deque[Any] = deque()
        try:
            self._client = kafka.KafkaProducer(**options)
        except (AssertionError, ValueError, errors.KafkaConfigurationError) as error:
            raise SinkError(f"client_settings: kafka-python says: {error}") from error
        except errors.KafkaError as error:
            raise Unreachable(unreachable(settings, error)) from error
        create_no_topics(self._client)

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int | None = None,
        headers: list[Header] | None = None,
        timestamp: float | None = None,
    ) -> None:
        """See `connectors.kafka.driver.Producer.send`."""
        milliseconds = None if timestamp is None else round(timestamp * 1000)
        try:
            future = self._client.send(topic, value, key, headers, partition, milliseconds)
        except (errors.KafkaError, ValueError) as error:
            raise sink_error(f"sending to topic {topic!r}", error) from error
        self._in_flight.append(future)
        if len(self._in_flight) > MAX_IN_FLIGHT:
            self._wait(MAX_IN_FLIGHT // 2)

    def flush(self) -> None:
        """See `connectors.kafka.driver.Producer.flush`."""
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
        """See `connectors.kafka.driver.Producer.init_transactions`."""
        self._attempt("starting transactions", self._client.init_transactions)

    def begin(
        self,
        offsets: Mapping[Partition, int],
        group_metadata: Any,
        notes: Mapping[Partition, str] | None = None,
    ) -> None:
        """See `connectors.kafka.driver.Producer.begin`."""
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
        """See `connectors.kafka.driver.Producer.commit`.

        Every record's future is asked *before* the commit: when a batch fails with a sequence
        or epoch error during the commit, this client renews its epoch, never ends the
        transaction and returns from ``commit_transaction`` as if all were well.
        """
        self._adding.result()
        self.flush()
        self._attempt("committing", self._client.commit_transaction)

    def abort(self) -> None:
        """See `connectors.kafka.driver.Producer.abort`."""
        self._in_flight.clear()
        self._attempt("aborting", self._client.abort_transaction)

    def _attempt(self, what: str, call: Any, *arguments: Any) -> None:
        try:
            call(*arguments)
        except errors.KafkaError as error:
            raise sink_error(what, error) from error

    def close(self, timeout: float = 10.0) -> None:
        """See `connectors.kafka.driver.Producer.close`."""
        self._in_flight.clear()
        try:
            self._client.close(timeout)
        except errors.KafkaError as error:
            # Records are still unsent.
            end_at_once(self._client)
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
    """*error* as a `SinkError`; `Fenced` if another process has taken over."""
    # A call after the one that was fenced fails too, and names that as its reason.
    kind = Fenced if any(isinstance(e, FENCING) for e in (error, *error.args)) else SinkError
    return kind(f"Kafka: {what}: {words(error)}")
