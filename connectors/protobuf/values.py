"""Plain values from Protobuf messages, as JSON would give them, but integers stay exact.

A field without presence (proto3) has its default when it is not there, as for any reader; one
with presence (``optional``, a message, a member of a oneof) is None, which is a missing value.
Enums are their names, times and durations seconds, wrappers what they wrap, bytes base64.
"""

import base64
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from ..base import BadMessage
from ..json_records import MAX_DEPTH

Read = Callable[[Any, int], Any]  # of a value and the depth that is left


class BadProtobuf(BadMessage):
    """Not one message of its type."""


class Reader:
    """Makes a dict of a message of one type; made once, with those inside it."""

    def __init__(self, descriptor: Descriptor, made: dict[str, "Reader"] | None = None):
        self._name = descriptor.name
        made = {} if made is None else made
        made[descriptor.full_name] = self
        proto = descriptor_pb2.DescriptorProto()
        descriptor.CopyToProto(proto)
        repeated = {f.name for f in proto.field if f.label == f.LABEL_REPEATED}
        self._fields = [
            (name, _may_lack(field, name in repeated), _field(field, name in repeated, made))
            for name, field in descriptor.fields_by_name.items()
        ]

    def __call__(self, message: Any, depth: int = MAX_DEPTH) -> dict[str, Any]:
        """Raises `BadProtobuf`."""
        if depth == 0:
            raise BadProtobuf(f"it nests deeper than the {MAX_DEPTH} levels allowed")
        found: dict[str, Any] = {}
        for name, may_lack, read in self._fields:
            if may_lack and not message.HasField(name):
                found[name] = None
                continue
            try:
                found[name] = read(getattr(message, name), depth - 1)
            except BadProtobuf as bad:
                raise BadProtobuf(f"{name}: {bad}") from None
        return found


def _may_lack(field: FieldDescriptor, is_repeated: bool) -> bool:
    """Whether *field* is None where it is not there, rather than a default."""
    return field.has_presence and not is_repeated and not field.has_default_value


def _field(field: FieldDescriptor, is_repeated: bool, made: dict[str, Reader]) -> Read:
    if not is_repeated:
        return _one(field, made)
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        value = _one(kind.fields_by_name["value"], made)
        return lambda entries, depth: {_key(n): value(entries[n], depth) for n in sorted(entries)}
    item = _one(field, made)
    return lambda items, depth: [item(one, depth) for one in items]


def _one(field: FieldDescriptor, made: dict[str, Reader]) -> Read:
    if field.message_type is not None:
        name = field.message_type.full_name
        return SPECIAL.get(name) or made.get(name) or Reader(field.message_type, made)
    if field.enum_type is not None:
        names = {value.number: value.name for value in reversed(field.enum_type.values)}
        return lambda number, _: names.get(number, str(number))  # a newer one has no name here
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return _finite
    if field.type == field.TYPE_BYTES:
        return lambda value, _: base64.b64encode(value).decode()
    return lambda value, _: value


def _finite(value: float, _: int) -> float:
    if not isfinite(value):
        raise BadProtobuf(f"{value} is not finite; leave the field out where a value is missing")
    return value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _seconds(value: Any, _: int) -> float:
    return value.seconds + value.nanos / 1e9


def _decimal(value: Any, _: int) -> float:
    unscaled = int.from_bytes(value.value, "big", signed=True)
    try:
        number = float(f"{unscaled}e{-value.scale}")
    except ValueError:  # more digits than Python reads
        number = inf
    if not isfinite(number):
        raise BadProtobuf("a decimal too large for float64")
    return number


def _wrapped(value: Any, depth: int) -> Any:
    inner = value.value
    if isinstance(inner, float):
        return _finite(inner, depth)
    return base64.b64encode(inner).decode() if isinstance(inner, bytes) else inner


def _struct(value: Any, depth: int) -> dict[str, Any]:
    return {name: _value(value.fields[name], depth) for name in sorted(value.fields)}


def _list(value: Any, depth: int) -> list[Any]:
    return [_value(one, depth) for one in value.values]


def _value(value: Any, depth: int) -> Any:
    if depth == 0:
        raise BadProtobuf(f"it nests deeper than the {MAX_DEPTH} levels allowed")
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    inner = getattr(value, kind)
    if kind == "number_value":
        return _finite(inner, depth)
    if kind == "struct_value":
        return _struct(inner, depth - 1)
    return _list(inner, depth - 1) if kind == "list_value" else inner


_WRAPPERS = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
SPECIAL: dict[str, Read] = {
    "google.protobuf.Timestamp": _seconds,
    "google.protobuf.Duration": _seconds,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _value,
    "confluent.type.Decimal": _decimal,
    **{f"google.protobuf.{name}Value": _wrapped for name in _WRAPPERS},
}
