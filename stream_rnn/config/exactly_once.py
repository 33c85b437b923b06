"""From a checked configuration to a member of a consumer group.

Kafka to Kafka is exactly once unless ``run.delivery = "at-least-once"``.
"""

import logging
from typing import Any

from connectors.base import SourceError
from connectors.kafka import LETTER_BYTES, KafkaSource
from connectors.kafka_driver import Consumer, GroupOptions, Partition, open_consumer
from connectors.kafka_records import JsonMessages
from connectors.kafka_settings import KafkaSettings
from connectors.kafka_transactions import TransactionalSink

from ..checkpoint import Store
from ..errors import ConfigError
from ..exactly_once import Batching, Worker
from ..late.partition import LatePartitionLearner
from ..partitions import PartitionLearner
from ..pipeline import Observer
from . import schema
from .assemble import WITHOUT_LETTERS, connection, identity, messages, schedule, task

log = logging.getLogger(__name__)


def is_exactly_once(config: schema.Config) -> bool:
    """Whether *config* asks for it; raises `ConfigError` where it cannot be had."""
    kafka = isinstance(config.source, schema.KafkaSource) and isinstance(
        config.sink, schema.KafkaSink
    )
    wanted = config.run.delivery
    if wanted == "at-least-once" or (wanted is None and not kafka):
        return False
    if not kafka:
        raise ConfigError(
            "run.delivery = 'exactly-once' is for a Kafka source with a Kafka sink; files are "
            "exact by their checkpoints: leave it out"
        )
    if config.checkpoint is None:
        raise ConfigError(
            "run.delivery = 'exactly-once' (the default from Kafka to Kafka) needs [checkpoint]: "
            "give checkpoint.url, a directory that every worker reaches, or set "
            "run.delivery = 'at-least-once'"
        )
    if not isinstance(config.dead_letter, schema.KafkaSink | None):
        raise ConfigError(
            "dead_letter.type: with delivery = 'exactly-once' it must be 'kafka', so that dead "
            "letters are part of the transaction; or set run.delivery = 'at-least-once'"
        )
    if config.labels is not None and config.labels.source is not None:
        raise ConfigError(
            "labels.source: with delivery = 'exactly-once' labels must be in Kafka too: give "
            "labels.topic, or set run.delivery = 'at-least-once'"
        )
    return True


def worker(config: schema.Config, observers: tuple[Observer, ...] = ()) -> Worker:
    """The group member of *config*; raises `ConfigError` for what cannot be opened."""
    source, sink = config.source, config.sink
    assert isinstance(source, schema.KafkaSource)
    assert isinstance(sink, schema.KafkaSink)
    assert config.checkpoint is not None
    settings = settings_of("source", source)
    outputs = settings_of("sink", sink)
    if outputs.bootstrap != settings.bootstrap:
        raise ConfigError(
            f"sink.bootstrap = {outputs.bootstrap!r} differs from source.bootstrap = "
            f"{settings.bootstrap!r}: a transaction cannot span clusters; set "
            "run.delivery = 'at-least-once'"
        )
    group = source.group or f"stream-rnn-{config.run.name}"
    options = GroupOptions(
        group, source.instance, source.session_seconds, cooperative=source.cooperative
    )
    try:
        decode = messages(source)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"source: {error}") from None
    widths = topic_widths(settings, config)

    def member() -> Consumer:
        return open_consumer(settings, decode, options)

    labels = config.labels.topic if config.labels is not None else None
    if labels is not None and widths[labels] != widths[source.topic]:
        raise ConfigError(
            f"labels.topic = {labels!r} has {widths[labels]} partitions, source.topic = "
            f"{source.topic!r} has {widths[source.topic]}: the labels of a partition's records "
            "must be in the partition of the same number; make the topics alike"
        )

    def open_labels(number: int) -> KafkaSource:
        assert labels is not None
        return KafkaSource(
            *(settings, labels),
            partitions=[number],
            start=source.start,
            stop_at_end=source.stop_at_end,
            decode=decode,
        )

    letters = config.dead_letter
    assert isinstance(letters, schema.KafkaSink | None)
    if letters is None:
        log.warning(WITHOUT_LETTERS)

    def learner(partition: Partition) -> PartitionLearner:
        assert config.checkpoint is not None
        parts = (
            partition,
            task(config),
            Store(f"{config.checkpoint.url}/{partition}", config.checkpoint.keep),
            TransactionalSink(
                *(outputs, partition, sink.topic, widths[sink.topic], group),
                dead_letters=None if letters is None else letters.topic,
                key=sink.key,
                letter_bytes=LETTER_BYTES if letters is None else letters.max_letter_bytes,
            ),
            schedule(config),
            identity(config),
            source.start,
        )
        if labels is None:
            return PartitionLearner(*parts)
        return LatePartitionLearner(*parts, open_labels=open_labels, labels_topic=labels)

    run = config.run
    return Worker(
        member,
        learner,
        source.topic,
        schedule(config),
        Batching(run.transaction_records, run.transaction_seconds, not source.cooperative),
        observers,
        source.stop_at_end,
    )


def settings_of(part: str, table: schema.KafkaConnection) -> KafkaSettings:
    """How to reach the cluster of *part*; raises `ConfigError` for options it cannot have."""
    try:
        return KafkaSettings.from_options(connection(table))
    except ValueError as error:
        raise ConfigError(f"{part}: {error}") from None


def topic_widths(settings: KafkaSettings, config: schema.Config) -> dict[str, int]:
    """The number of partitions of every topic that is used; all must exist."""
    widths = {}
    consumer: Any = None
    try:
        consumer = open_consumer(settings, JsonMessages())
        for part in ("source", "sink", "dead_letter", "labels"):
            if (table := getattr(config, part)) is not None and table.topic is not None:
                widths[table.topic] = len(consumer.partitions(table.topic))
    except SourceError as error:
        raise ConfigError(f"{part if consumer else 'source'}: {error}") from None
    finally:
        if consumer is not None:
            consumer.close()
    return widths
