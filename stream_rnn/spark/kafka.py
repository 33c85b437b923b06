"""Kafka beside Spark: exactly once into a topic, and the header of a schema registry.

Spark's own sink for Kafka writes at least once: a batch that is done again after a crash is
written again, bit for bit the same.  Whoever reads can drop the second by (partition, offset) of
the source, if the query keeps them.  `exactly_once` needs no such reader.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds to read the numbers of batches that are done
MAGIC = 0  # the first byte of a message with a registry's header; 4 bytes of schema id follow


def exactly_once(
    topic: str, *, name: str, marks: str | None = None, **options: Any
) -> Callable[["DataFrame", int], None]:
    """For ``foreachBatch``: the rows of a micro-batch into *topic*, in one transaction.

    The frame has a column ``value`` and may have ``key``, text or bytes.  The number of the batch
    goes into the same transaction, to the topic *marks* (default: *topic* with ``-batches``),
    under *name*, which must be the query's own and the same at each start.  A batch that is
    there already is evaluated and not written: its states must be stored all the same.

    *options* are those of kafka-python's clients, ``bootstrap_servers`` among them.  All rows go
    through the driver.
    """
    sink = _Sink(topic, name, marks or f"{topic}-batches", options)
    return sink.write


class _Sink:
    """A producer in transactions; made on the first batch, where the driver is."""

    def __init__(self, topic: str, name: str, marks: str, options: dict[str, Any]):
        if "bootstrap_servers" not in options:
            raise ConfigError("bootstrap_servers: is missing; name the brokers, such as 'b1:9092'")
        self.topic, self.name, self.marks, self.options = topic, name, marks, options
        self._producer: Any = None
        self._done = -1

    def write(self, batch: "DataFrame", number: int) -> None:
        if self._producer is None:
            self._begin()
        if number <= self._done:
            log.info("batch %d is in %s already", number, self.topic)
            batch.write.format("noop").mode("overwrite").save()
            return
        producer, columns = self._producer, batch.columns
        has_key = "key" in columns
        producer.begin_transaction()
        try:
            for row in batch.toLocalIterator():
                key = _bytes(row["key"]) if has_key else None
                producer.send(self.topic, value=_bytes(row["value"]), key=key)
            mark = str(number).encode()
            producer.send(self.marks, value=mark, key=self.name.encode(), partition=0)
            producer.commit_transaction()
        except BaseException:
            self._producer = None  # the next attempt fences this one
            producer.close(timeout=0)
            raise
        self._done = number

    def _begin(self) -> None:
        """Fence a driver that may still live, then read which batches are done."""
        from connectors.kafka.python_consumer import kafka

        self._make_marks(kafka)
        producer = kafka.KafkaProducer(
            transactional_id=f"stream-rnn-{self.name}", acks="all", **self.options
        )
        producer.init_transactions()
        self._done = self._last(kafka)
        self._producer = producer

    def _make_marks(self, kafka: Any) -> None:
        """The topic of the numbers, one partition in which the last of each name is kept."""
        admin = kafka.KafkaAdminClient(**self.options)
        try:
            if self.marks not in admin.list_topics():
                config = {"cleanup.policy": "compact"}
                new = kafka.admin.NewTopic(self.marks, 1, -1, topic_configs=config)
                admin.create_topics([new], wait_for_metadata=True)
        finally:
            admin.close()

    def _last(self, kafka: Any) -> int:
        """The number of the last batch that is done, or −1."""
        consumer = kafka.KafkaConsumer(
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            **self.options,
        )
        place = kafka.TopicPartition(self.marks, 0)
        consumer.assign([place])
        end, done = consumer.end_offsets([place])[place], -1
        deadline = time.monotonic() + PATIENCE
        try:
            while consumer.position(place) < end:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.marks}: not read to its end in {PATIENCE:.0f} s")
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        if record.key == self.name.encode():
                            done = int(record.value)
        finally:
            consumer.close()
        return done


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)


def confluent_payload(column: str) -> "Column":
    """What stands behind a schema registry's header of 5 bytes, for `from_avro`.

    Null where the message has no such header.
    """
    import pyspark.sql.functions as F

    whole = F.col(column)
    is_framed = F.hex(F.substring(whole, 1, 1)) == f"{MAGIC:02X}"
    payload = F.expr(f"substring(`{column}`, 6, length(`{column}`) - 5)")
    return F.when(is_framed, payload)


def confluent_message(column: "Column", schema_id: int) -> "Column":
    """Avro of a schema that the registry knows by *schema_id*, with the registry's header."""
    import pyspark.sql.functions as F

    header = bytes([MAGIC]) + schema_id.to_bytes(4, "big")
    return F.concat(F.lit(header), column)
