"""What a pipeline is made of, from a checked configuration: its task and its sources."""

import inspect
from typing import Any

import msgspec

from connectors.base import Source
from connectors.state import Dependency

from .. import specs
from ..config import forgets, labels, schema
from ..errors import ConfigError
from ..estimators.delayed import Delayed
from ..features.missing import Missing
from ..features.rows import Rows
from ..service.behind import Behind
from ..service.bounds import Bound
from ..service.deletions import Deletions
from ..service.identity import Identity
from ..service.late.task import LateTask
from ..service.ledger import Schedule
from ..service.met import Met
from ..service.names import Names
from ..service.task import Task
from . import sequences
from .dependencies import Surroundings, surroundings
from .drift import monitor
from .feedback import check_feedback
from .results import says_origin
from .topics import topics_of


def task(config: schema.Config) -> Task:
    """The task of *config*: features, estimator, drift monitor."""
    features, late = config.features, config.labels
    taken = takes_time(config)
    unused = [] if late is None else [name for name in (late.key, late.time) if name is not None]
    include, exclude, marks = sequences.fields(config)
    unused = [name for name in unused if name not in marks]
    rows = Rows(
        features.target,
        include,
        [*exclude, *unused],
        features.lags,
        features.time,
        calendar(cycles(config, taken)),
        features.missing_target if late is None and config.sequence is None else "advance",
        config.key,
        missing=Missing(features.missing, features.sentinels),
        day_first=features.day_first,
        keep_time=taken or sequences.takes_time(config),
        categorical=(*features.categorical, *marks),
    )
    origin = says_origin(config)
    model = estimator(config)
    made: Task
    if late is None:
        made = Task(model, rows, config.run.copy, origin, monitor(config.drift, model))
    else:
        both = Delayed(model, estimator(config))
        watch = monitor(config.drift, both)
        alone = late.topic is None and late.source is None
        made = LateTask(both, rows, labels.join(late), alone, config.run.copy, origin, watch)
    made.names = names(config)
    if config.lookahead:
        made.behind = Behind(config.lookahead)
    if not rows.verbatim:
        made.met = Met(features.max_features, features.max_classes)
        made.met.has_classes = rows.classes
    if config.key is not None:
        then = "records of new keys are refused"
        made.most_keys = Bound("keys", config.max_keys, "max_keys", then)
    if forgets(config):
        field = config.key or (config.sequence and config.sequence.by)
        assert field, "see config"
        made.deletions = Deletions(model.forget, field)
    return made


def names(config: schema.Config) -> Names:
    """The fields of records that *config* names, where to leave them out has no effect."""
    features = config.features
    return Names(
        {
            "features.include": features.include or (),
            "features.exclude": features.exclude,
            "features.lags": features.lags,
            "run.copy": config.run.copy,
        }
    )


def estimator(config: schema.Config) -> Any:
    """The estimator, with a context for each key if there are keys."""
    table = config.estimator
    if takes_time(config):
        table = {"timestamp": config.features.time, **table}
    table = with_categories(config, table)
    check_feedback(config)
    alone = specs.estimator(table)
    if config.labels is not None and hasattr(alone, "without_last_target"):
        alone = alone.without_last_target()
    model = sequences.ahead(config, sequences.gathered(config, alone))
    if config.key is None:
        return model
    from ..estimators.keyed.estimator import Keyed

    return Keyed(model, config.key, config.share, config.max_contexts)


def with_categories(config: schema.Config, table: dict[str, Any]) -> dict[str, Any]:
    """The estimator's table with what is said of its categories; raises `ConfigError`."""
    rules = config.features.categorical
    if not rules:
        return table
    kind = table.get("type", "regressor")
    if "categorical" not in inspect.signature(specs.estimator_class(kind)).parameters:
        raise ConfigError(
            f"features.categorical: estimator.type = {kind!r} takes no categories; leave it out"
        )
    return {"categorical": rules, **table}


def takes_time(config: schema.Config) -> bool:
    """Whether there is a time and the estimator takes it by itself; raises `ConfigError`."""
    name, table = config.features.time, config.estimator
    kind = specs.estimator_class(table.get("type", "regressor"))
    if name is None or "timestamp" not in inspect.signature(kind).parameters:
        return False
    if table.get("timestamp", name) != name:
        raise ConfigError(
            f"estimator.timestamp = {table['timestamp']!r}: features.timestamp is {name!r}; "
            "leave one of them out"
        )
    return True


def cycles(config: schema.Config, taken: bool) -> list[str]:
    """The calendar features of the time, where the estimator does not make its own."""
    features = config.features
    if features.calendar is not None:
        return features.calendar
    return [] if features.time is None or taken else ["day", "week"]


def calendar(names: list[str]) -> Any:
    """The function that makes these features of a time, or None for none."""
    if not names:
        return None
    from ..features.calendar import Calendar

    try:
        return Calendar(*names)
    except ValueError as error:
        raise ConfigError(f"features.calendar: {error}") from None


def schedule(config: schema.Config) -> Schedule:
    """How much at once, and how often a checkpoint."""
    run, checkpoint = config.run, config.checkpoint or schema.Checkpoint(url="")
    return Schedule(
        batch_records=run.batch_records,
        poll_seconds=run.poll_seconds,
        every_records=checkpoint.every_records,
        every_seconds=checkpoint.every_seconds,
        stop_on_failure=checkpoint.on_failure == "stop",
        max_refused=run.max_dead_letter_ratio,
        window=run.dead_letter_window,
        skip_lost=checkpoint.lost_position == "skip",
    )


def identity(config: schema.Config) -> Identity:
    """What the run is; what of it must stay as it is for a checkpoint to be continued."""
    features = msgspec.structs.asdict(config.features)
    target = features.pop("target")
    for name in ("categorical", "max_features", "max_classes"):  # of the estimator; may change
        del features[name]
    settings = {f"features.{name}": value for name, value in features.items()}
    refused = config.dead_letter
    table = with_categories(config, config.estimator)
    kind = specs.estimator_class(table.get("type", "regressor"))
    free = {name: table.get(name) for name in getattr(kind, "changeable", ())}
    settings |= {f"estimator.{name}": value for name, value in free.items()}
    return Identity(
        model={
            "estimator": {n: value for n, value in table.items() if n not in free},
            "target": target,
            "labels": None if config.labels is None else config.labels.key,
            "key": config.key,
            "share": None if config.key is None else config.share,
            "sequence": sequences.settings(config),
            "lookahead": config.lookahead or None,
        },
        settings={**settings, "run.copy": config.run.copy},
        places={
            "source": place(config.source),
            "sink": place(config.sink),
            **({} if refused is None else {"refused": place(refused)}),
        },
    )


def place(table: msgspec.Struct) -> dict[str, Any]:
    """Where a source or a sink is, in words that hold no secret."""
    named = {name: getattr(table, name, None) for name in ("path", "topic")}
    kind = str(type(table).__struct_config__.tag)
    return {"type": kind, **{name: value for name, value in named.items() if value is not None}}


def connection(table: schema.KafkaConnection) -> dict[str, Any]:
    """The fields that say how to reach the brokers."""
    names = [field.name for field in msgspec.structs.fields(schema.KafkaConnection)]
    return {name: value for name, value in options(table).items() if name in names}


def options(table: msgspec.Struct, *without: str) -> dict[str, Any]:
    """The fields of a table that have a value."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(table).items()
        if value is not None and name not in without
    }


def open_source(table: schema.Source, dependency: Dependency | None = None) -> Source:
    """The source that *table* describes; *dependency* is told whether it is there."""
    if isinstance(table, schema.KafkaSource):
        from connectors.kafka.settings import KafkaSettings
        from connectors.kafka.source import KafkaSource

        return KafkaSource(
            KafkaSettings.from_options(connection(table)),
            topics_of(table),
            start=table.start,
            stop_at_end=table.stop_at_end,
            decode=messages(table),
            dependency=dependency,
        )
    if isinstance(table, schema.FileSource):
        from connectors.files.source import FileSource

        return FileSource(**options(table), dependency=dependency)
    if isinstance(table, schema.StdinSource):
        from connectors.stdio import StdinSource

        return StdinSource(**options(table))
    if isinstance(table, schema.HttpSource):
        from connectors.posted import PostedSource

        return PostedSource(table.max_waiting, table.max_record_bytes)
    return table.open()  # of another package, see `plugins`


def with_labels(
    source: Source, config: schema.Config, around: Surroundings | None = None
) -> Source:
    """The source with its labels among the records, where they have a source of their own."""
    late = config.labels
    if late is None or (late.topic is None and late.source is None):
        return source
    from connectors.labelled import LabelledSource

    table: schema.Source
    if late.source is not None:
        table = late.source
    else:
        assert isinstance(config.source, schema.KafkaSource)
        table = msgspec.structs.replace(config.source, topic=late.topic)
    around = around or surroundings(config)
    opened = around.reach("labels", table, lambda told: open_source(table, told))
    return LabelledSource(source, opened, late.time)


def messages(table: schema.KafkaSource) -> Any:
    """What decodes the messages of a topic; raises ValueError that names the option."""
    reads_keys = table.tombstones == "forget"
    if isinstance(table.format, schema.AvroFormat):
        from connectors.avro.records import avro_messages

        return avro_messages(options(table.format), table.max_record_bytes, reads_keys)
    if isinstance(table.format, schema.ProtobufFormat):
        from connectors.protobuf.records import protobuf_messages

        return protobuf_messages(options(table.format), table.max_record_bytes, reads_keys)
    from connectors.kafka.records import JsonMessages

    return JsonMessages(table.max_record_bytes)
