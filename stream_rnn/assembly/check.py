"""What is wrong with a configuration although each field is right: before anything is opened.

`run` asks `conflicts` before it opens a source or a sink; ``run --check`` also looks at a
sample of the records.
"""

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from connectors.base import Record, SourceError
from connectors.kafka.names import matching

from ..config import schema
from ..errors import ConfigError, suggest
from .exactly_once import delivery
from .parts import connection, messages, names, open_source, task
from .results import check_copied, needs_schema, result_schema
from .topics import topics_of

SAMPLE = 200  # records that a check looks at


def check(config: schema.Config) -> list[str]:
    """What is odd, in sentences; raises `ConfigError` for what `run` would refuse.

    Nothing is written, and no broker is asked.
    """
    task(config)
    delivery(config)
    conflicts(config)
    if needs_schema(config.sink):
        result_schema(config)
    for part in ("source", "sink", "dead_letter"):
        table = getattr(config, part)
        if isinstance(table, schema.KafkaConnection):
            _check_kafka(part, table)
    if not isinstance(config.source, schema.FileSource):
        return []
    return _check_sample(config, sample(config.source))


def conflicts(config: schema.Config) -> None:
    """Raise `ConfigError` where the run would read what it writes, or cannot write it."""
    check_copied(config)
    written = [("sink", config.sink), ("dead_letter", config.dead_letter)]
    read: list[tuple[str, Any]] = [("source", config.source)]
    if config.labels is not None and config.labels.source is not None:
        read.append(("labels.source", config.labels.source))
    if config.labels is not None and config.labels.topic is not None:
        place = msgspec.structs.replace(config.source, topic=config.labels.topic)
        read.append(("labels.topic", place))
    for part, table in written:
        for other, source in read:
            if table is not None and _meet(source, table):
                raise ConfigError(
                    f"{part} writes to what {other} reads ({_name(table)}): the run would read its "
                    "own results for ever; give it another place"
                )
    if not isinstance(getattr(config.dead_letter, "format", None), str | schema.JsonFormat | None):
        raise ConfigError("dead_letter.format: letters have the record's own bytes; leave it out")
    if config.dead_letter is not None and _meet(config.sink, config.dead_letter):
        raise ConfigError(
            f"dead_letter writes to the sink's own place ({_name(config.sink)}): give it another"
        )


def sample(table: schema.FileSource, records: int = SAMPLE) -> list[Record]:
    """The first *records* of files; raises `ConfigError` if they cannot be read."""
    source = None
    try:
        source = open_source(table)
        return source.next_batch(records, 0.0)
    except (SourceError, ValueError, ImportError, OSError) as error:
        raise ConfigError(f"source: {error}") from None
    finally:
        if source is not None:
            source.close()


def _check_sample(config: schema.Config, records: list[Record]) -> list[str]:
    values = [record.value for record in records if record.value is not None]
    if not values:
        return ["the source has no record yet that could be read"] if not records else []
    seen = {name for value in values for name in value}
    needed = [("features.target", name) for name in _targets(config) if config.labels is None]
    if config.key is not None:
        needed.append(("key", config.key))
    if config.labels is not None:
        needed.append(("labels.key", config.labels.key))
    for place, name in needed:
        if name not in seen:
            raise ConfigError(
                f"{place} = {name!r}: none of the first {len(values)} records has such a field; "
                f"{suggest(name, seen)}"
            )
    watch = names(config)
    watch.look(values)
    return watch.unseen()


def _targets(config: schema.Config) -> list[str]:
    target = config.features.target
    return [target] if isinstance(target, str) else list(target or ())


def _check_kafka(part: str, table: schema.KafkaConnection) -> None:
    from connectors.kafka.settings import KafkaSettings

    try:
        KafkaSettings.from_options(connection(table))
        if isinstance(table, schema.KafkaSource):
            messages(table)
            topics_of(table)
    except (ValueError, ImportError, OSError) as error:
        raise ConfigError(f"{part}: {error}") from None


# -- the same place ------------------------------------------------------------------------------


def _meet(source: Any, sink: Any) -> bool:
    """Whether what is written to *sink* comes out of *source*, or out of another sink."""
    if isinstance(sink, schema.FileSink):
        return any(_covers(path, sink.path) for path in _paths(source))
    if isinstance(sink, schema.KafkaSink) and hasattr(source, "topic"):
        is_read = sink.topic in matching(topics_of(source), [sink.topic])
        return is_read and bool(_brokers(source) & _brokers(sink))
    return False


def _paths(table: Any) -> Iterator[str]:
    """The paths that a source or a sink names; a topic has none."""
    path = getattr(table, "path", None)
    if isinstance(path, str):
        yield path
    elif path is not None:
        yield from path


def _covers(path: str, written: str) -> bool:
    """Whether the file *written*, there or not, is *path*, in that folder, or of that pattern."""
    target = os.path.realpath(written)
    if os.path.isdir(path):
        return os.path.dirname(target) == os.path.realpath(path)
    if os.path.exists(path):
        same = os.path.exists(written) and os.path.samefile(path, written)
        return same or os.path.realpath(path) == target
    if glob.has_magic(path):
        folder, pattern = os.path.split(os.path.abspath(path))
        return Path(target).match(os.path.join(os.path.realpath(folder), pattern)) or any(
            os.path.realpath(found) == target for found in glob.glob(path, recursive=True)
        )
    return os.path.realpath(path) == target


def _brokers(table: schema.KafkaConnection) -> set[str]:
    """The addresses of its brokers; the environment's where none are given."""
    named = table.bootstrap or os.environ.get("KAFKA_BOOTSTRAP", "")
    return {address.strip().lower() for address in named.split(",")}


def _name(table: Any) -> str:
    return str(getattr(table, "path", None) or getattr(table, "topic", ""))
