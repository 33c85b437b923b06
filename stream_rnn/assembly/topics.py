"""The topics of a pipeline: which there are, and how many partitions they have."""

import logging
from collections import Counter
from collections.abc import Mapping

from connectors.base import SourceError, Unreachable
from connectors.kafka.clients import open_consumer
from connectors.kafka.names import check_patterns, partitions_of
from connectors.kafka.records import JsonMessages
from connectors.kafka.settings import KafkaSettings

from ..checkpoints.folders import Folder, open_folder
from ..config import schema
from ..errors import ConfigError

log = logging.getLogger(__name__)

WIDTH = ".partitions"  # how names of files end that hold a topic's number of partitions


def topics_of(table: schema.KafkaSource | schema.KafkaSink) -> list[str]:
    """The names and patterns that it gives; raises `ConfigError` for a pattern that is none.

    >>> topics_of(schema.KafkaSource(topic="rides")), topics_of(schema.KafkaSource(topic=["^a"]))
    (['rides'], ['^a'])
    """
    topics = [table.topic] if isinstance(table.topic, str) else table.topic
    try:
        check_patterns(topics)
    except ValueError as error:
        raise ConfigError(f"source.{error}") from None
    return topics


def topic_widths(
    settings: KafkaSettings, config: schema.Config
) -> tuple[list[str], dict[str, int]]:
    """The source's topics, and the number of partitions of every topic that is used.

    Raises `ConfigError` where one does not exist.
    """
    part, consumer = "source", None
    try:
        consumer = open_consumer(settings, JsonMessages())
        assert isinstance(config.source, schema.KafkaSource)
        widths = Counter(p.topic for p in partitions_of(consumer, topics_of(config.source)))
        found = list(widths)
        for part in ("sink", "dead_letter", "labels"):
            if (table := getattr(config, part)) is not None and table.topic is not None:
                widths[table.topic] = len(consumer.partitions(table.topic))
    except Unreachable:
        raise
    except SourceError as error:
        raise ConfigError(f"{part}: {error}") from None
    finally:
        if consumer is not None:
            consumer.close()
    return found, widths


def widths_at_the_start(
    url: str, widths: Mapping[str, int], is_by_pattern: bool = False
) -> dict[str, int]:
    """How many partitions the topics in *widths* had when their group began; so many if now.

    The numbers stay in files beside the checkpoints: a partition that was added later has
    records that nobody has seen, wherever the group was told to start.  So has a topic that has
    come to match a pattern since then.
    """
    folder, known = open_folder(url), {}
    try:
        has_begun = is_by_pattern and any(name.endswith(WIDTH) for name in folder.names())
        for topic, width in widths.items():
            known[topic] = _width(folder, f"{topic}{WIDTH}", 0 if has_begun else width)
    finally:
        folder.close()
    return known


def _width(folder: Folder, name: str, width: int) -> int:
    """The number in a file; *width* where there is none, which is then written."""
    try:
        return int(folder.read(name))
    except (OSError, ValueError):
        pass
    try:
        folder.write(name, b"%d" % width)
    except OSError as error:
        log.warning("%s cannot be written: %s", name, error.strerror or error)
    return width


def check_widths(records: str, labels: str, widths: Mapping[str, int]) -> None:
    """Raise `ConfigError` if the labels' topic has not as many partitions as the records'."""
    if widths[labels] != widths[records]:
        raise ConfigError(
            f"labels.topic = {labels!r} has {widths[labels]} partitions, source.topic = "
            f"{records!r} has {widths[records]}: the labels of a partition's records "
            "must be in the partition of the same number; make the topics alike"
        )
