"""Avro schemas that a stream may safely be read with, and plain values from what they decode.

A record is read with the schema it was written with, so a field that a newer schema adds
appears as a new field.  Refused are schemas with which a few bytes could make a decoder recurse
or allocate without limit.
"""

import base64
import io
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

from ..base import ALONE, BadMessage
from ..json_records import FLOAT64_DIGITS, MAX_BYTES, MAX_DEPTH
from ..registry.client import BadSchema

try:
    import fastavro
except ImportError as error:
    raise ImportError(
        "format = 'avro' needs the package fastavro: pip install 'stream-rnn[avro]'"
    ) from error

Schema = dict[str, Any]
PLAIN = frozenset((int, str, bool, type(None)))


class BadAvro(BadMessage):
    """Not one Avro record of its schema."""


def parsed(source: Any, named: Mapping[str, Any] | None = None) -> Schema:
    """The schema in *source*, as JSON gives it, ready for `avro_decoder`.

    *named* are schemas that it may refer to by name.  Raises `BadSchema` unless it is a record
    that nests no deeper than `MAX_DEPTH`, does not contain itself, and has no array whose
    items take no bytes.

    >>> fields = [{"name": "m", "type": "double"}]
    >>> parsed({"type": "record", "name": "Level", "fields": fields})["name"]
    'Level'
    >>> parsed("long")
    Traceback (most recent call last):
        ...
    connectors.registry.client.BadSchema: the schema is not of a record but 'long'
    """
    known = dict(named or {})
    schema = parse_into(known, source)
    if not isinstance(schema, dict) or schema.get("type") != "record":
        kind = schema.get("type") if isinstance(schema, dict) else schema
        raise BadSchema(f"the schema is not of a record but {kind!r}")
    _inspect(schema, known, ())
    return schema


def parsed_key(source: Any, named: Mapping[str, Any] | None = None) -> Schema:
    """The same of a message's key, whose schema may be of a single value: a record of it alone.

    Its bytes are the same.

    >>> parsed_key("long")["fields"][0]["name"]
    'the_key'
    """
    if isinstance(source, dict) and source.get("type") == "record":
        return parsed(source, named)
    return parsed(
        {"type": "record", "name": "Key", "fields": [{"name": ALONE, "type": source}]}, named
    )


def parse_into(known: dict[str, Any], source: Any) -> Any:
    """The schema in *source*, which may use the names in *known* and adds its own to them."""
    try:
        return _in_order(fastavro.parse_schema(source, named_schemas=known))
    except (fastavro.schema.SchemaParseException, ValueError, TypeError, LookupError) as error:
        raise BadSchema(f"not an Avro schema: {type(error).__name__}: {error}") from None
    except RecursionError:
        raise BadSchema(f"the schema nests deeper than the {MAX_DEPTH} levels allowed") from None


def _in_order(schema: Any) -> Any:
    """*schema* with its words in their order, which the library leaves to the process's hashes.

    A file's header, and whatever else is made of it, is then the same bytes in every process.
    """
    if isinstance(schema, dict):
        return {name: _in_order(schema[name]) for name in sorted(schema)}
    return list(map(_in_order, schema)) if isinstance(schema, list) else schema


def _inspect(schema: Any, named: Mapping[str, Any], above: tuple[str, ...]) -> bool:
    """Whether a value of *schema* takes at least one byte; raises `BadSchema`."""
    if isinstance(schema, str) and schema in named:
        schema = named[schema]
    if isinstance(schema, str):
        return schema != "null"
    if isinstance(schema, list):
        for branch in schema:
            _inspect(branch, named, above)
        return True  # the number of the branch
    kind = schema["type"]
    if kind in ("record", "array", "map", "error"):
        name = schema.get("name", kind)
        if kind in ("record", "error") and name in above:
            raise BadSchema(f"the record {name!r} contains itself, so its depth has no limit")
        above = (*above, name)
        if len(above) > MAX_DEPTH:
            raise BadSchema(f"the schema nests deeper than the {MAX_DEPTH} levels allowed")
    if kind in ("record", "error"):
        takes = [_inspect(field["type"], named, above) for field in schema["fields"]]
        return any(takes)
    if kind == "array" and not _inspect(schema["items"], named, above):
        raise BadSchema("an array of items that take no bytes has no limit")
    if kind == "map":
        _inspect(schema["values"], named, above)
    if kind == "fixed":
        return schema["size"] > 0
    return _inspect(kind, named, above) if not isinstance(kind, str) else kind != "null"


def avro_decoder(max_bytes: int = MAX_BYTES) -> Callable[[bytes, int, Schema], dict[str, Any]]:
    """A function from bytes, the place where the record begins, and its schema to the dict.

    It raises `BadAvro` for what the schema does not describe to the last byte, for more than
    *max_bytes*, and for NaN, infinities and integers that float64 cannot hold.  Dates and times
    become seconds since 1970 (a time of day: since midnight), decimals floats, UUIDs text, bytes
    base64.

    >>> fields = [{"name": "m", "type": "double"}, {"name": "at", "type": ["null", "string"]}]
    >>> schema = parsed({"type": "record", "name": "Level", "fields": fields})
    >>> avro_decoder()(b"\\x00\\x00\\x00\\x00\\x00\\x00\\xf8\\x3f\\x00", 0, schema)
    {'m': 1.5, 'at': None}
    """
    read = fastavro.schemaless_reader

    def decode(raw: bytes, start: int, schema: Schema) -> dict[str, Any]:
        if len(raw) > max_bytes:
            raise BadAvro(f"{len(raw)} bytes, more than the {max_bytes} allowed")
        stream = io.BytesIO(raw)
        stream.seek(start)
        try:
            value = read(stream, schema, None)
        except Exception as error:  # the library raises what its parts raise
            raise BadAvro(f"not a record of {schema['name']!r}: {_reason(error)}") from None
        if (end := stream.tell()) != len(raw):
            raise BadAvro(f"{len(raw) - end} bytes are left over after {schema['name']!r}")
        return {name: _plain(name, field) for name, field in value.items()}  # type: ignore[union-attr]

    return decode


def _reason(error: Exception) -> str:
    """The kind of the error: its words may hold parts of the record."""
    return "it ends too early" if isinstance(error, EOFError) else type(error).__name__


def _plain(name: str, value: Any) -> Any:
    """As JSON would give it; containers are walked, `parsed` limits their depth."""
    kind = type(value)
    if kind is float:
        if not isfinite(value):
            raise BadAvro(f"{name}: {value} is not finite; write null where a value is missing")
        return value
    if kind in PLAIN:
        return value
    if kind is dict:
        return {key: _plain(f"{name}.{key}", child) for key, child in value.items()}
    if kind is list:
        return [_plain(name, child) for child in value]
    if kind is Decimal:
        if value.adjusted() >= FLOAT64_DIGITS:
            raise BadAvro(f"{name}: a decimal too large for float64")
        return float(value)
    if kind is datetime:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if kind is date:
        return datetime.combine(value, time(), UTC).timestamp()
    if kind is time:
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    if kind is bytes:
        return base64.b64encode(value).decode()
    return str(value)  # UUID
