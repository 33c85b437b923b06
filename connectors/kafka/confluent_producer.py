"""The producer of confluent-kafka (librdkafka) behind `connectors.kafka.driver`.

It sends several times as many records a second as kafka-python; the guarantees are the same.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..background import in_background
from ..base import SinkError
from .confluent_consumer import (
    KafkaError,
    KafkaException,
    Problems,
    TopicPartition,
    attempt_bootstrap,
    confluent,
    log,
    words,
)
from .driver import (
    BATCH_BYTES,
    MAX_IN_FLIGHT,
    REQUEST_BYTES,
    SEND_SECONDS,
    Fenced,
    Header,
    Partition,
)
from .settings import KafkaSettings

FENCING = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
}


class ConfluentProducer:
    """A `connectors.kafka.driver.Producer`."""

    def __init__(
        self,
        settings: KafkaSettings,
        transactional_id: str | None = None,
        batch_bytes: int = BATCH_BYTES,
    ):
        options = settings.confluent_options() | {
            "enable.idempotence": True,
            "linger.ms": 5,
            "batch.size": batch_bytes,
            "message.max.bytes": REQUEST_BYTES,
            "queue.buffering.max.messages": MAX_IN_FLIGHT,
            "delivery.timeout.ms": round(SEND_SECONDS * 1000),
            "delivery.report.only.error": True,
            "partitioner": "murmur2_random",  # as the other clients do
            "reconnect.backoff.max.ms": 1000,
            "allow.auto.create.topics": False,
            "on_delivery": self._delivered,
        }
        if transactional_id is not None:
            options["transactional.id"] = transactional_id
            options["transaction.timeout.ms"] = round(SEND_SECONDS * 1000)
        self._failure: Any = None
        options["error_cb"] = problems = Problems()
        try:
            self._client = confluent.Producer(options, logger=log)
        except KafkaException as error:
            raise SinkError(f"client_settings: confluent-kafka says: {words(error)}") from error
        attempt_bootstrap(settings, self._client, lambda: None, problems)

    def _delivered(self, problem: Any, _message: Any) -> None:
        if problem is not None and self._failure is None:
            self._failure = problem

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
        options: dict[str, Any] = {} if partition is None else {"partition": partition}
        if timestamp is not None:
            options["timestamp"] = round(timestamp * 1000)
        if headers:
            options["headers"] = headers
        deadline = time.monotonic() + SEND_SECONDS
        while True:
            self._raise_failure()
            try:
                self._client.produce(topic, value, key, **options)
                return
            except BufferError as error:  # enough is in flight: wait for some of it
                if time.monotonic() > deadline:
                    raise SinkError("Kafka: nothing is acknowledged any more") from error
                self._client.poll(0.1)
            except KafkaException as error:
                raise sink_error(f"sending to topic {topic!r}", error) from error

    def flush(self) -> None:
        """See `connectors.kafka.driver.Producer.flush`."""
        try:
            left = self._client.flush(SEND_SECONDS)
        except SystemError as error:  # so the library says that another thread has closed it
            raise SinkError("Kafka: flushing: the producer was fenced or closed") from error
        if left:
            raise SinkError(f"Kafka: {left} records were not acknowledged in {SEND_SECONDS:g} s")
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise sink_error("a record was not written", KafkaException(self._failure))

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
        if group_metadata is None:
            raise Fenced("this process is not a member of its group; its work is discarded")
        try:
            self._client.begin_transaction()
        except KafkaException as error:
            raise sink_error("beginning a transaction", error) from error
        moved = [
            TopicPartition(*p, offset, metadata=(notes or {}).get(p, ""))
            for p, offset in offsets.items()
        ]
        send = self._client.send_offsets_to_transaction
        # Its round trips take place while the records are handed over and sent.
        self._adding = in_background(
            self._attempt, "adding the offsets", send, moved, group_metadata
        )

    def commit(self) -> None:
        """See `connectors.kafka.driver.Producer.commit`."""
        self._adding.result()
        self.flush()
        self._attempt("committing", self._client.commit_transaction)

    def abort(self) -> None:
        """See `connectors.kafka.driver.Producer.abort`."""
        self._attempt("aborting", self._client.abort_transaction)

    def _attempt(self, what: str, call: Callable[..., Any], *arguments: Any) -> None:
        """Call until it is done or has failed for good; every call resumes the one before."""
        deadline = time.monotonic() + SEND_SECONDS
        while True:
            try:
                call(*arguments, 10.0)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise sink_error(what, error) from error
                time.sleep(0.1)

    def close(self, timeout: float = 10.0) -> None:
        """See `connectors.kafka.driver.Producer.close`."""
        left = self._client.flush(timeout) if timeout else len(self._client)
        if left:
            self._client.purge()
            raise SinkError(f"Kafka: closing: {left} records were not sent")


def sink_error(what: str, error: Any) -> SinkError:
    """*error* as a `SinkError`; `Fenced` if another process has taken over."""
    kind = Fenced if error.args[0].code() in FENCING else SinkError
    return kind(f"Kafka: {what}: {words(error)}")
