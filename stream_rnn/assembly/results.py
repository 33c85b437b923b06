"""The Avro schema of the results that a configuration makes, from `rows.FIELDS`.

Every field may be null and is so by default, so that a schema with more or fewer fields is
compatible with those before it, in both directions.
"""

from typing import Any

from connectors.avro.names import of_field
from connectors.lines.formats import format_of

from .. import rows
from ..config import schema
from ..errors import ConfigError

NUMBERS = {"type": "array", "items": ["null", "double"]}
PAIR = {
    "type": "record",
    "name": "Symbol",
    "fields": [{"name": "symbol", "type": "string"}, {"name": "probability", "type": "double"}],
}
SCALARS = ["boolean", "long", "double", "string"]
CLASSES = {"type": "array", "items": ["null", *SCALARS]}
ANY = [
    *SCALARS,
    {"type": "array", "items": ["null", *SCALARS]},
    {"type": "map", "values": ["null", *SCALARS]},
]

#: The branches of a field's union by the words that `rows` has for its values.
TYPES: dict[str, list[Any]] = {
    "number": ["double"],
    "number or null": ["double"],
    "whole number": ["long"],
    "whole number or null": ["long"],
    "true or false": ["boolean"],
    "text": ["string"],
    "text or null": ["string"],
    "class or null": SCALARS,
    "text, list or null": ["string", CLASSES],
    "list": [CLASSES],
    "list of texts": [CLASSES],
    "list of numbers": [NUMBERS],
    "list of pairs": [{"type": "array", "items": PAIR}],
    "object": [{"type": "map", "values": ["null", "double"]}],
    "object of lists": [{"type": "map", "values": NUMBERS}],
    "as in the record": ANY,
}


def result_schema(config: schema.Config) -> dict[str, Any]:
    """A record with the estimator's fields, the target, and what the service adds.

    Raises `ConfigError` for an estimator whose fields nobody has listed, and for two fields that
    have one name in Avro.
    """
    kind = config.estimator.get("type", "regressor")
    if kind not in rows.FIELDS:
        raise ConfigError(
            f"sink.format: what estimator.type = {kind!r} yields is not known; give the schema of "
            "its results, as sink.format.schema"
        )
    fields = {field.name: field for field in (*rows.FIELDS[kind], *_added(config))}
    named: dict[str, dict[str, Any]] = {}
    for name, field in fields.items():
        new = of_field(name)
        if new in named:
            raise ConfigError(
                f"run.copy: {name!r} would be {new!r} in Avro, as another field is; leave one out"
            )
        named[new] = {
            "name": new,
            "type": ["null", *TYPES[field.values]],
            "default": None,
            "doc": field.meaning if new == name else f"{name}: {field.meaning}",
        }
    return {
        "type": "record",
        "name": "Result",
        "namespace": "stream_rnn",
        "fields": [*named.values()],
    }


def needs_schema(table: schema.Sink) -> bool:
    """Whether the results of this sink have a schema that is made for them."""
    if isinstance(table, schema.KafkaSink):
        return isinstance(table.format, schema.AvroResults) and table.format.schema is None
    return isinstance(table, schema.FileSink) and file_format(table) == "avro"


def file_format(table: schema.FileSink) -> str:
    """As it is said, or as the file's name says."""
    return table.format or ("avro" if table.path.endswith(".avro") else format_of(table.path))


def _added(config: schema.Config) -> list[rows.Field]:
    """What `rows.SERVICE` lists, as far as this configuration has it."""
    known = {field.name: field for field in rows.SERVICE}
    has = _of_service(config)
    copied = known["…"]._replace(meaning="as in the record")
    names = {name: copied._replace(name=name) for name in config.run.copy}
    return [*(known[name] for name in has if has[name] and name not in names), *names.values()]


def _of_service(config: schema.Config) -> dict[str, bool]:
    """Which of the fields of `rows.SERVICE` results have."""
    return {
        "target": config.features.target is not None and config.labels is None,
        "steps": config.sequence is not None,
        "lookahead": config.lookahead > 0,
        "partition": says_origin(config),
        "offset": says_origin(config),
    }


def check_copied(config: schema.Config) -> None:
    """Raise `ConfigError` where a field of the record would take the place of the result's own."""
    kind = config.estimator.get("type", "regressor")
    own = {field.name for field in rows.FIELDS.get(kind, ())}
    own |= {name for name, has in _of_service(config).items() if has}
    if config.features.target == "target":  # the same, as it stands in the record
        own -= {"target"}
    copied = {"run.copy": config.run.copy}
    if config.labels is not None:
        copied["labels.key"] = [config.labels.key]
    for setting, names in copied.items():
        for name in names:
            if name in own:
                raise ConfigError(
                    f"{setting} names {name!r}, and results have a field of their own that is "
                    "called so; leave it out, or let the records have it under another name"
                )


def says_origin(config: schema.Config) -> bool:
    """Whether a result says where its record came from: by default if it came from Kafka."""
    origin = config.run.origin
    return isinstance(config.source, schema.KafkaSource) if origin is None else origin
