"""Protobuf's types from their descriptors: of one file with what it depends on.

Nothing is generated or compiled: a descriptor is what ``protoc --descriptor_set_out`` writes, and
what a registry answers when it is asked for ``format=serialized``.
"""

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

from ..registry.client import BadSchema

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError
except ImportError as error:
    raise ImportError(
        "format = 'protobuf' needs the package protobuf: pip install 'stream-rnn[protobuf]'"
    ) from error

File = Any  # a FileDescriptorProto
WELL_KNOWN = "google/protobuf/"
KNOWN_FILES = frozenset(
    f"{WELL_KNOWN}{name}.proto"
    for name in (
        *("any", "api", "descriptor", "duration", "empty", "field_mask"),
        *("source_context", "struct", "timestamp", "type", "wrappers"),
    )
)
META = "confluent/meta.proto"  # options only: nothing that a message holds
DECIMAL = "confluent/type/decimal.proto"


def decimal_file() -> File:
    """Confluent's type of decimals, which registries know without a reference."""
    made = descriptor_pb2.FileDescriptorProto(name=DECIMAL, package="confluent.type")
    made.syntax = "proto3"
    message = made.message_type.add(name="Decimal")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(
        (
            ("value", kinds.TYPE_BYTES),
            ("precision", kinds.TYPE_UINT32),
            ("scale", kinds.TYPE_INT32),
        ),
        start=1,
    ):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    return made


def file_of(data: bytes, name: str) -> File:
    """The descriptor of a file in *data*, under *name*; raises `BadSchema`."""
    try:
        file = descriptor_pb2.FileDescriptorProto.FromString(data)
    except DecodeError:
        raise BadSchema("it holds no descriptor of a Protobuf file") from None
    file.name = name
    return file


def files_in(data: bytes) -> list[File]:
    """The files of a descriptor set; raises `BadSchema`."""
    try:
        return list(descriptor_pb2.FileDescriptorSet.FromString(data).file)
    except DecodeError:
        raise BadSchema("it holds no set of descriptors") from None


class Types:
    """The messages of the last of *files*, each of which may depend on those before it.

    Raises `BadSchema`, which says what is missing.
    """

    def __init__(self, files: Sequence[File]):
        if not files:
            raise BadSchema("it holds no file")
        pool = descriptor_pool.DescriptorPool()
        there: set[str] = set()
        for file in files:
            _add(pool, file, there)
        self._file = pool.FindFileByName(files[-1].name)
        self._names = [message.name for message in files[-1].message_type]
        self._pool = pool

    def by_index(self, path: Iterable[int]) -> Any:
        """The class of the message at *path*: its place in the file, in the message around it."""
        proto: Any = descriptor_pb2.FileDescriptorProto()
        self._file.CopyToProto(proto)
        found, inside, names = None, proto.message_type, []
        for place in path:
            if not 0 <= place < len(inside):
                raise LookupError(f"its file has no message with the index {place} there")
            found = inside[place]
            names.append(found.name)
            inside = found.nested_type
        if found is None:
            raise LookupError("no index says which message it is")
        package = [proto.package] if proto.package else []
        return self.by_name(".".join(package + names))

    def by_name(self, name: str | None) -> Any:
        """The class of the message *name*, or of the only one that the file has."""
        if name is None:
            if len(self._names) != 1:
                raise BadSchema(
                    f"it has {len(self._names)} messages ({', '.join(self._names)}); say in "
                    "format.message which one is meant"
                )
            name = ".".join(filter(None, (self._file.package, self._names[0])))
        try:
            found = self._pool.FindMessageTypeByName(name)
        except KeyError:
            raise BadSchema(f"it has no message {name!r}, only {', '.join(self._names)}") from None
        return message_factory.GetMessageClass(found)


def _add(pool: Any, file: File, there: set[str]) -> None:
    """*file* into *pool*, after what every registry and compiler knows without being told."""
    if META in file.dependency and META not in there:
        kept = [name for name in file.dependency if name != META]
        del file.dependency[:], file.public_dependency[:], file.weak_dependency[:]
        file.dependency.extend(kept)
    for name in file.dependency:
        if name in there:
            continue
        if name in KNOWN_FILES:
            module = importlib.import_module(f"{name.removesuffix('.proto').replace('/', '.')}_pb2")
            known = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(known)
            _add(pool, known, there)
        elif name == DECIMAL:
            _add(pool, decimal_file(), there)
        else:
            raise BadSchema(f"it depends on {name!r}, which is not there")
    if file.name not in there:
        there.add(file.name)
        try:
            pool.AddSerializedFile(file.SerializeToString())
        except Exception as error:  # the library raises what its parts raise
            raise BadSchema(f"{file.name!r} is no Protobuf file: {type(error).__name__}") from None
