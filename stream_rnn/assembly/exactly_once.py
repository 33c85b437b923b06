"""From a checked configuration to a member of a consumer group.

Kafka to Kafka is exactly once unless ``run.delivery = "at-least-once"``.
"""

import logging

import msgspec

from connectors.base import Denied
from connectors.json_rows import Encode
from connectors.kafka.clients import open_consumer
from connectors.kafka.driver import Consumer, GroupOptions, Partition, RecordDecoder
from connectors.kafka.limits import Limits
from connectors.kafka.messages import LETTER_BYTES
from connectors.kafka.names import is_pattern
from connectors.kafka.origins import Origins
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.source import KafkaSource
from connectors.kafka.transactions import TransactionalSink

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
from .parts import connection, identity, messages, schedule, task
from .sinks import WITHOUT_LETTERS, encoder
from .topics import check_widths, topic_widths, topics_of, widths_at_the_start

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
    if config.labels is not None and config.labels.topic is not None:
        assert isinstance(config.source, schema.KafkaSource)
        topics = topics_of(config.source)
        if len(topics) > 1 or is_pattern(topics[0]):
            raise ConfigError(
                "source.topic: with labels.topic and delivery = 'exactly-once' the records must be "
                "in one topic that is named; or set run.delivery = 'at-least-once'"
            )
    here, there = (getattr(table, "bootstrap", None) for table in (config.source, config.sink))
    if here is not None and there is not None:
        check_clusters(here, there)
    with_one_client(config)
    return "exactly-once"


def member(config: schema.Config, around: Surroundings | None = None) -> Member:
    """The group member of *config*; raises `ConfigError` for what cannot be opened."""
    around = around or surroundings(config)
    config = with_one_client(config)
    source, run = config.source, config.run
    assert isinstance(source, schema.KafkaSource)
    settings = settings_of("source", source)
    group = source.group or f"stream-rnn-{run.name}"
    options = GroupOptions(
        group, source.instance, source.session_seconds, cooperative=source.cooperative
    )
    try:
        part = "source"
        decode = messages(source)
        part = "sink"
        encode = around.reach("sink", config.sink, lambda _: encoder(config))
    except (ValueError, ImportError, Denied) as error:
        raise ConfigError(f"{part}: {error}") from None
    if config.dead_letter is None:
        log.warning(WITHOUT_LETTERS)
    dependency = around.add("source", source)

    def join() -> Consumer:
        with dependency.waiting():
            return open_consumer(settings, decode, options)

    return Member(
        join,
        Runs(config, settings, decode, encode, group, around),
        topics_of(source),
        schedule(config),
        Batching(run.transaction_records, run.transaction_seconds, not source.cooperative),
        around.observers,
        source.stop_at_end,
        dependency,
        settings,
    )


class Runs:
    """What makes the run of a partition; raises `ConfigError` for topics that do not fit."""

    def __init__(
        self,
        config: schema.Config,
        settings: KafkaSettings,
        decode: RecordDecoder,
        encode: Encode,
        group: str,
        around: Surroundings,
    ):
        source, sink, letters = config.source, config.sink, config.dead_letter
        assert isinstance(source, schema.KafkaSource)
        assert isinstance(sink, schema.KafkaSink)
        assert isinstance(letters, schema.KafkaSink | None)
        assert config.checkpoint is not None
        self._config, self._settings = config, settings
        self._decode, self._encode = decode, encode
        self._group, self._around = group, around
        self._source, self._sink, self._letters = source, sink, letters
        self._folder, self._keep = config.checkpoint.url, config.checkpoint.keep
        self._outputs = settings_of("sink", sink)
        check_clusters(settings.bootstrap, self._outputs.bootstrap)
        if self._outputs.client != settings.client:  # as their mechanisms want it
            raise ConfigError(
                f"the source would be read by {settings.client!r}, the sink be written by "
                f"{self._outputs.client!r}: a transaction is of one client; set source.client"
            )
        self._labels = config.labels.topic if config.labels is not None else None
        found, widths = around.reach("source", source, lambda _: topic_widths(settings, config))
        self._written = around.add("sink", sink)
        self._limits = Limits(
            self._outputs, [sink.topic, *([] if letters is None else [letters.topic])]
        )
        if self._labels is not None:
            [records] = topics_of(source)
            check_widths(records, self._labels, widths)
        self._widths, self._origins = widths, Origins(settings, ())
        self._began_with = widths_at_the_start(
            self._folder,
            {topic: widths[topic] for topic in found},
            any(map(is_pattern, topics_of(source))),
        )

    def __call__(self, partition: Partition) -> PartitionRun:
        """Not opened yet: see `PartitionRun.open`."""
        parts = (
            partition,
            self._ledger(partition),
            self._results(partition),
            self._start(partition),
            Store(self._folder, self._keep),
            self._origins.of(partition.topic),
        )
        if self._labels is None:
            return PartitionRun(*parts)
        return LatePartitionRun(*parts, open_labels=self._open_labels, labels_topic=self._labels)

    def _start(self, partition: Partition) -> str:
        """Where it begins: one that the group has not begun with, at its beginning."""
        began_with = self._began_with.get(partition.topic, 0)
        return self._source.start if partition.number < began_with else "earliest"

    def _open_labels(self, number: int) -> KafkaSource:
        assert self._labels is not None
        [records] = topics_of(self._source)
        return KafkaSource(
            *(self._settings, self._labels),
            partitions=[number],
            start=self._start(Partition(records, number)),
            stop_at_end=self._source.stop_at_end,
            decode=self._decode,
            dependency=self._around.dependencies.add("labels", self._labels),
        )

    def _results(self, partition: Partition) -> TransactionalSink:
        sink, letters = self._sink, self._letters
        return TransactionalSink(
            *(self._outputs, partition, sink.topic, self._widths[sink.topic], self._group),
            dead_letters=None if letters is None else letters.topic,
            key=sink.key,
            letter_bytes=LETTER_BYTES if letters is None else letters.max_letter_bytes,
            dependency=self._written,
            message_bytes=sink.max_message_bytes,
            limits=self._limits.now(),
            encode=self._encode,
        )

    def _ledger(self, partition: Partition) -> Ledger:
        return Ledger(
            task(self._config),
            Store(f"{self._folder}/{partition}", self._keep),
            schedule(self._config),
            identity(self._config),
            Observers(self._around.observers),
            "another checkpoint directory and another source.group",
        )


def with_one_client(config: schema.Config) -> schema.Config:
    """The same by one client library, for a member of a group and its transactions are of one.

    Raises `ConfigError` if two are named.
    """
    source, sink = config.source, config.sink
    assert isinstance(source, schema.KafkaSource)
    assert isinstance(sink, schema.KafkaSink)
    client = source.client or sink.client
    if sink.client not in (None, client):
        raise ConfigError(
            f"sink.client = {sink.client!r} differs from source.client = {client!r}: a transaction "
            "is of one client; leave one of them out, or set run.delivery = 'at-least-once'"
        )
    return msgspec.structs.replace(
        config,
        source=msgspec.structs.replace(source, client=client),
        sink=msgspec.structs.replace(sink, client=client),
    )


def check_clusters(source: str, sink: str) -> None:
    """Raise `ConfigError` if the topics are in two clusters, by the addresses of their brokers."""
    if sink != source:
        raise ConfigError(
            f"sink.bootstrap = {sink!r} differs from source.bootstrap = {source!r}: a transaction "
            "cannot span clusters; set run.delivery = 'at-least-once'"
        )


def settings_of(part: str, table: schema.KafkaConnection) -> KafkaSettings:
    """How to reach the cluster of *part*; raises `ConfigError` for options it cannot have."""
    try:
        return KafkaSettings.from_options(connection(table))
    except ValueError as error:
        raise ConfigError(f"{part}: {error}") from None
