"""Kafka messages with Avro values to records."""

import json
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ..json_records import MAX_BYTES
from ..kafka.records import Decode, EachMessage
from ..registry.client import PREFIX, BadSchema, Registry
from ..registry.settings import RegistrySettings
from .schemas import Schema, avro_decoder, parsed, parsed_key
from .subjects import Parse, by_number

SchemaOf = Callable[[bytes], tuple[Schema, int]]


class AvroMessages(EachMessage):
    """Decodes the messages of one partition; a bad one gets its ``error``, never a raise.

    Args:
        schema_of: the schema of a message and where in it the record begins.
        max_bytes: a longer message is an error.
        key_schema_of: the same of the keys, where those are read too.

    >>> schema = parsed({"type": "record", "name": "R", "fields": [{"name": "m", "type": "int"}]})
    >>> decode = AvroMessages(lambda raw: (schema, 0))
    >>> good, bad = decode("rivers-0", [b"\\x06", b""], [7, 9], [1000, 2000], [b"a", None])
    >>> good.value, good.offset, good.timestamp, good.key
    ({'m': 3}, 7, 1.0, b'a')
    >>> bad.error
    "not a record of 'R': it ends too early"
    """

    def __init__(
        self,
        schema_of: SchemaOf,
        max_bytes: int = MAX_BYTES,
        key_schema_of: SchemaOf | None = None,
    ):
        decode = avro_decoder(max_bytes)

        def by(schema_of: SchemaOf) -> Decode:
            def value(raw: bytes) -> dict[str, Any]:
                schema, start = schema_of(raw)
                return decode(raw, start, schema)

            return value

        super().__init__(by(schema_of), None if key_schema_of is None else by(key_schema_of))


def avro_messages(
    options: Mapping[str, Any], max_bytes: int = MAX_BYTES, keys: bool = False
) -> AvroMessages:
    """The decoder of a configuration table, with ``registry`` or with ``schema``.

    With ``registry`` every message names its schema, in Confluent's wire format; with
    ``schema``, the path of an .avsc file, a message is one record of that schema and nothing
    else.  With *keys* those of tombstones are read too, from a registry.  Raises ValueError that
    names the option.
    """
    path = options.get("schema")
    if (path is None) == (options.get("registry") is None):
        raise ValueError(
            "format.type = 'avro' needs either format.registry, the address of a schema "
            "registry, or format.schema, the path of a schema file"
        )
    if path is None:
        registry = Registry(RegistrySettings.from_options(options))
        of_keys = by_registry(registry, parsed_key) if keys else None
        return AvroMessages(by_registry(registry), max_bytes, of_keys)
    schema = schema_file(path)
    return AvroMessages(lambda raw: (schema, 0), max_bytes)


def by_registry(registry: Registry, parse: Parse = parsed) -> SchemaOf:
    """Schemas by the number in front of every message."""
    schemas = by_number(registry, parse)
    return lambda raw: (schemas(raw), PREFIX.size)


def schema_file(path: str | os.PathLike[str]) -> Schema:
    """The schema in an .avsc file; raises ValueError."""
    try:
        return parsed(json.loads(pathlib.Path(path).read_bytes()))
    except OSError as error:
        raise ValueError(f"format.schema: cannot read {str(path)!r}: {error.strerror}") from None
    except (BadSchema, ValueError) as error:
        raise ValueError(f"format.schema = {str(path)!r}: {error}") from None
