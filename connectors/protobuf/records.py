"""Kafka messages with Protobuf values to records."""

import base64
import binascii
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from ..json_records import MAX_BYTES
from ..kafka.records import Decode, EachMessage
from ..registry.client import PREFIX, BadSchema, ByNumber, Registry
from ..registry.settings import RegistrySettings
from .descriptors import Types, file_of, files_in
from .values import BadProtobuf, Reader

SERIALIZED = "?format=serialized"  # a descriptor instead of the text of the .proto
MAX_PATH = 64  # indexes in front of a message
MAX_READERS = 10_000  # kept: the indexes come from messages


class MessageOf:
    """Decodes messages of one type; raises `BadProtobuf`."""

    def __init__(self, message_class: Any):
        self._class, self._read = message_class, Reader(message_class.DESCRIPTOR)
        self._name = message_class.DESCRIPTOR.name

    def __call__(self, raw: bytes) -> dict[str, Any]:
        message = self._class()
        try:
            message.ParseFromString(raw)
            is_other = raw and not message.ListFields() and len(UnknownFieldSet(message)) > 0
            found = self._read(message)
        except BadProtobuf:
            raise
        except Exception as error:  # the library raises what its parts raise
            raise BadProtobuf(f"not a message {self._name!r}: {type(error).__name__}") from None
        if not message.IsInitialized():
            raise BadProtobuf(f"not a message {self._name!r}: it lacks what its type requires")
        if is_other:
            raise BadProtobuf(f"not a message {self._name!r}: none of its fields is there")
        return found


def protobuf_messages(
    options: Mapping[str, Any], max_bytes: int = MAX_BYTES, keys: bool = False
) -> EachMessage:
    """The decoder of a configuration table, with ``registry`` or with ``descriptor``.

    With ``registry`` every message names its schema and its type, in Confluent's wire format; with
    ``descriptor``, the path of a descriptor set, a message is one ``message`` and nothing else.
    With *keys* those of tombstones are read too, from a registry.  Raises ValueError that names the
    option.
    """
    path = options.get("descriptor")
    if (path is None) == (options.get("registry") is None):
        raise ValueError(
            "format.type = 'protobuf' needs either format.registry, the address of a schema "
            "registry, or format.descriptor, the path of a file that protoc "
            "--include_imports --descriptor_set_out writes"
        )
    if path is not None:
        decode: Decode = MessageOf(_class_in(path, options.get("message")))
    elif options.get("message") is not None:
        raise ValueError("format.message is for format.descriptor; a registry's messages tell it")
    else:
        decode = by_registry(Registry(RegistrySettings.from_options(options)))

    def bounded(raw: bytes) -> dict[str, Any]:
        if len(raw) > max_bytes:
            raise BadProtobuf(f"{len(raw)} bytes, more than the {max_bytes} allowed")
        return decode(raw)

    return EachMessage(bounded, bounded if keys and path is None else None)


def by_registry(registry: Registry) -> Decode:
    """Decodes messages by the number of the schema and the indexes in front of each."""

    def types(number: int) -> Types:
        answer = registry.ask(f"schemas/ids/{number}{SERIALIZED}")
        files = [
            file_of(_body(reference.answer), reference.name)
            for reference in registry.references(answer, SERIALIZED)
        ]
        return Types([*files, file_of(_body(answer), f"schema-{number}.proto")])

    known = ByNumber(types, BadProtobuf)
    readers: dict[tuple[int, tuple[int, ...]], MessageOf] = {}

    def decode(raw: bytes) -> dict[str, Any]:
        found = known(raw)
        number = PREFIX.unpack_from(raw)[1]
        path, start = indexes(raw, PREFIX.size)
        if (read := readers.get((number, path))) is None:
            try:
                read = MessageOf(found.by_index(path))
            except LookupError as error:
                raise BadProtobuf(f"schema {number}: {error.args[0]}") from None
            if len(readers) >= MAX_READERS:
                readers.clear()
            readers[number, path] = read
        return read(raw[start:])

    return decode


def indexes(raw: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """Where in its file the type of a message is, and where the message begins.

    A count and so many indexes, as zigzag varints; a single zero stands for the first type.

    >>> indexes(b"\\x00rest", 0), indexes(b"\\x04\\x02\\x06rest", 0)
    (((0,), 1), ((1, 3), 3))
    """
    count, at = _varint(raw, at)
    if not 0 <= count <= MAX_PATH:
        raise BadProtobuf("no indexes of a message behind the schema's number")
    path = []
    for _ in range(count):
        index, at = _varint(raw, at)
        path.append(index)
    return tuple(path) or (0,), at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A zigzag varint of at most 5 bytes, and where it ends."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(raw):
            break
        byte, at = raw[at], at + 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise BadProtobuf("no indexes of a message behind the schema's number")


def _body(answer: Mapping[str, Any]) -> bytes:
    """The descriptor of a file; raises `BadSchema`."""
    kind = answer.get("schemaType", "AVRO")
    if kind != "PROTOBUF":
        raise BadSchema(f"it is {kind}, not PROTOBUF")
    try:
        return base64.b64decode(answer["schema"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise BadSchema(
            "the registry gives no serialized form of it (format=serialized); give "
            "format.descriptor instead"
        ) from None


def _class_in(path: str | os.PathLike[str], message: str | None) -> Any:
    try:
        return Types(files_in(pathlib.Path(path).read_bytes())).by_name(message)
    except OSError as error:
        raise ValueError(
            f"format.descriptor: cannot read {str(path)!r}: {error.strerror}"
        ) from None
    except BadSchema as error:
        raise ValueError(f"format.descriptor = {str(path)!r}: {error}") from None
