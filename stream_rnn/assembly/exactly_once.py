"""From a checked configuration to a member of a consumer group.

Kafka to Kafka is exactly once unless ``run.delivery = "at-least-once"``.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from connectors.base import SourceError, Unreachable
from connectors.kafka.clients import open_consumer
from connectors.kafka.driver import Consumer, GroupOptions, Partition, RecordDecoder
from connectors.kafka.limits import Limits
from connectors.kafka.messages import LETTER_BYTES
from connectors.kafka.records import JsonMessages
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import KafkaSource
from connectors.kafka.transactions import TransactionalSink

from ..checkpoints.folders import open_folder
from ..checkpoints.store import Store
from ..config import schema
from ..errors import ConfigError
from ..service.exactly_once.late_partition import LatePartitionRun
from ..service.exactly_once.member import Member
from ..service.exactly_once.membership import Batching
from ..service.exactly_once.partition import PartitionRun
from ..service.ledger import Ledger
from ..service.observers import Observers
from .dependencies import Surroundings, surroundings
from .parts import WITHOUT_LETTERS, connection, identity, messages, schedule, task

log = logging.getLogger(__name__)


def delivery(config: schema.Config) -> str:
    """Either "exactly-once" or "at-least-once"; raises `ConfigError` where it cannot be had.

    From files it is "at-least-once" by name, and exact by the checkpoints.
    """
    kafka = isinstance(config.source, schema.KafkaSource) and isinstance(
        config.sink, schema.KafkaSink
    )
    wanted = config.run.delivery
    if wanted == "at-least-once" or (wanted is None and not kafka):
        return "at-least-once"
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
    return "exactly-once"


def member(config: schema.Config, around: Surroundings | None = None) -> Member:
    """The group member of *config*; raises `ConfigError` for what cannot be opened."""
    around = around or surroundings(config)
    source, run = config.source, config.run
    assert isinstance(source, schema.KafkaSource)
    settings = settings_of("source", source)
    group = source.group or f"stream-rnn-{run.name}"
    options = GroupOptions(
        group, source.instance, source.session_seconds, cooperative=source.cooperative
    )
    try:
        decode = messages(source)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"source: {error}") from None
    if config.dead_letter is None:
        log.warning(WITHOUT_LETTERS)
    dependency = around.add("source", source)

    def join() -> Consumer:
        with dependency.waiting():
            return open_consumer(settings, decode, options)

    return Member(
        join,
        runs(config, settings, decode, group, around),
        source.topic,
        schedule(config),
        Batching(run.transaction_records, run.transaction_seconds, not source.cooperative),
        around.observers,
        source.stop_at_end,
        dependency,
    )


def runs(
    config: schema.Config,
    settings: KafkaSettings,
    decode: RecordDecoder,
    group: str,
    around: Surroundings,
) -> Callable[[Partition], PartitionRun]:
    """What makes the run of a partition; raises `ConfigError` for topics that do not fit."""
    source, sink, letters = config.source, config.sink, config.dead_letter
    assert isinstance(source, schema.KafkaSource)
    assert isinstance(sink, schema.KafkaSink)
    assert isinstance(letters, schema.KafkaSink | None)
    assert config.checkpoint is not None
    folder, keep = config.checkpoint.url, config.checkpoint.keep
    outputs = settings_of("sink", sink)
    check_clusters(settings, outputs)
    labels = config.labels.topic if config.labels is not None else None
    widths = around.reach("source", source, lambda _: topic_widths(settings, config))
    written = around.add("sink", sink)
    limits = Limits(outputs, [sink.topic, *([] if letters is None else [letters.topic])])
    check_widths(source.topic, labels, widths)
    began_with = width_at_the_start(folder, source.topic, widths[source.topic])

    def start(number: int) -> str:
        """Where a partition begins: one that the group has not begun with, at its beginning."""
        return source.start if number < began_with else "earliest"

    def open_labels(number: int) -> KafkaSource:
        assert labels is not None
        return KafkaSource(
            *(settings, labels),
            partitions=[number],
            start=start(number),
            stop_at_end=source.stop_at_end,
            decode=decode,
            dependency=around.dependencies.add("labels", labels),
        )

    def run(partition: Partition) -> PartitionRun:
        """Not opened yet: see `PartitionRun.open`."""
        results = TransactionalSink(
            *(outputs, partition, sink.topic, widths[sink.topic], group),
            dead_letters=None if letters is None else letters.topic,
            key=sink.key,
            letter_bytes=LETTER_BYTES if letters is None else letters.max_letter_bytes,
            dependency=written,
            message_bytes=sink.max_message_bytes,
            limits=limits.now(),
        )
        ledger = Ledger(
            task(config),
            Store(f"{folder}/{partition}", keep),
            schedule(config),
            identity(config),
            Observers(around.observers),
            "another checkpoint directory and another source.group",
        )
        parts = partition, ledger, results, start(partition.number), Store(folder, keep)
        if labels is None:
            return PartitionRun(*parts)
        return LatePartitionRun(
            *parts,
            open_labels=open_labels,
            labels_topic=labels,
        )

    return run


def width_at_the_start(url: str, topic: str, width: int) -> int:
    """How many partitions *topic* had when its group began; *width* if it begins now.

    The number stays in a file beside the checkpoints: a partition that was added later has
    records that nobody has seen, wherever the group was told to start.
    """
    folder, name = open_folder(url), f"{topic}.partitions"
    try:
        return int(folder.read(name))
    except (OSError, ValueError):
        pass
    try:
        folder.write(name, b"%d" % width)
    except OSError as error:
        log.warning("%s/%s cannot be written: %s", url, name, error.strerror or error)
    finally:
        folder.close()
    return width


def check_clusters(inputs: KafkaSettings, outputs: KafkaSettings) -> None:
    """Raise `ConfigError` if the topics are in two clusters."""
    if outputs.bootstrap != inputs.bootstrap:
        raise ConfigError(
            f"sink.bootstrap = {outputs.bootstrap!r} differs from source.bootstrap = "
            f"{inputs.bootstrap!r}: a transaction cannot span clusters; set "
            "run.delivery = 'at-least-once'"
        )


def check_widths(records: str, labels: str | None, widths: Mapping[str, int]) -> None:
    """Raise `ConfigError` if the labels' topic has not as many partitions as the records'."""
    if labels is not None and widths[labels] != widths[records]:
        raise ConfigError(
            f"labels.topic = {labels!r} has {widths[labels]} partitions, source.topic = "
            f"{records!r} has {widths[records]}: the labels of a partition's records "
            "must be in the partition of the same number; make the topics alike"
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
    except Unreachable:
        raise
    except SourceError as error:
        raise ConfigError(f"{part if consumer else 'source'}: {error}") from None
    finally:
        if consumer is not None:
            consumer.close()
    return widths
