"""From a checked configuration to a pipeline that runs."""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.base import SinkError, SourceError, Unreachable
from connectors.state import Dependencies

from ..checkpoints.store import Store
from ..config import schema
from ..errors import ConfigError
from ..metrics import Metrics
from ..service.observers import Observer
from ..service.pipeline import Pipeline
from .aliases import read_and_written
from .check import conflicts
from .dependencies import Surroundings, surroundings
from .exactly_once import delivery, member
from .parts import (
    connection,
    identity,
    open_source,
    schedule,
    task,
    with_labels,
)
from .sinks import open_refused, open_results


def service(
    config: schema.Config,
    observers: Sequence[Observer] = (),
    dependencies: Dependencies | None = None,
    stop: threading.Event | None = None,
) -> Any:
    """What runs *config*: has ``run(stop)`` and ``close()``.

    What it depends on is waited for, for as long as the configuration says or until *stop* is
    set.  Raises `ConfigError`; `Unreachable` where something does not answer.
    """
    config = on_one_cluster(config)
    conflicts(config)
    around = surroundings(config, observers, dependencies, stop)
    exact = delivery(config) == "exactly-once"
    return member(config, around) if exact else pipeline(config, around)


def pipeline(config: schema.Config, around: Surroundings | None = None) -> Pipeline:
    """The pipeline of *config*; raises `ConfigError` for what cannot be opened."""
    around = around or surroundings(config)
    part = "source"
    opened: list[Any] = []
    try:
        source = around.reach(part, config.source, lambda told: open_source(config.source, told))
        opened.append(source)
        part = "labels"
        source = with_labels(source, config, around)
        opened[0] = source
        part = "sink"
        sink = around.reach(part, config.sink, lambda told: open_results(config, told))
        opened.append(sink)
        part = "dead_letter"
        refused = open_refused(config, around)
        opened += [] if refused is None else [refused]
        if (found := read_and_written(config)) is not None:
            part, problem = found
            raise SinkError(problem)
    except Unreachable:
        for connector in opened:
            connector.close()
        raise
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
        around.observers,
        identity(config),
    )


def metrics(config: schema.Config, dependencies: Dependencies | None = None) -> Metrics | None:
    """The metrics of *config*; None where they are switched off."""
    return Metrics(config.run.name, dependencies) if config.metrics.enabled else None


def on_one_cluster(config: schema.Config) -> schema.Config:
    """A Kafka sink without a bootstrap of its own is reached as the Kafka source is."""
    if not isinstance(config.source, schema.KafkaSource):
        return config
    shared = connection(config.source)
    shared.pop("client_settings", None)  # a consumer has others than a producer
    changes = {}
    for part in ("sink", "dead_letter"):
        table = getattr(config, part)
        if isinstance(table, schema.KafkaSink) and table.bootstrap is None:
            changes[part] = msgspec.structs.replace(table, **{**shared, **connection(table)})
    return msgspec.structs.replace(config, **changes)
