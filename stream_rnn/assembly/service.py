"""From a checked configuration to a pipeline that runs."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.base import SinkError, SourceError

from ..checkpoints.store import Store
from ..config import schema
from ..errors import ConfigError
from ..metrics import Metrics
from ..service.observers import Observer
from ..service.pipeline import Pipeline
from .exactly_once import delivery, member
from .parts import (
    connection,
    identity,
    open_refused,
    open_sink,
    open_source,
    schedule,
    task,
    with_labels,
)


def service(config: schema.Config, observers: Sequence[Observer] = ()) -> Any:
    """What runs *config*: has ``run(stop)`` and ``close()``; raises `ConfigError`."""
    config = on_one_cluster(config)
    exact = delivery(config) == "exactly-once"
    return member(config, observers) if exact else pipeline(config, observers)


def pipeline(config: schema.Config, observers: Sequence[Observer] = ()) -> Pipeline:
    """The pipeline of *config*; raises `ConfigError` for what cannot be opened."""
    part = "source"
    opened: list[Any] = []
    try:
        source = open_source(config.source)
        opened.append(source)
        part = "labels"
        source = with_labels(source, config)
        opened[0] = source
        part = "sink"
        sink = open_sink(config.sink)
        opened.append(sink)
        part = "dead_letter"
        refused = open_refused(config)
    except (SourceError, SinkError, ValueError, ImportError, OSError) as error:
        for connector in opened:
            connector.close()
        raise ConfigError(f"{part}: {error}") from None
    return Pipeline(
        source,
        task(config),
        sink,
        refused,
        None if config.checkpoint is None else Store(config.checkpoint.url, config.checkpoint.keep),
        schedule(config),
        observers,
        identity(config),
    )


def metrics(config: schema.Config) -> Metrics | None:
    """The metrics of *config*; None where they are switched off."""
    return Metrics(config.run.name) if config.metrics.enabled else None


def on_one_cluster(config: schema.Config) -> schema.Config:
    """A Kafka sink without a bootstrap of its own is reached as the Kafka source is."""
    if not isinstance(config.source, schema.KafkaSource):
        return config
    shared = connection(config.source)
    changes = {}
    for part in ("sink", "dead_letter"):
        table = getattr(config, part)
        if isinstance(table, schema.KafkaSink) and table.bootstrap is None:
            changes[part] = msgspec.structs.replace(table, **{**shared, **connection(table)})
    return msgspec.structs.replace(config, **changes)
