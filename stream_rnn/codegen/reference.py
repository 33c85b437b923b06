"""A tuple of arrays by reference: what compiled parts hand on is one pointer.

A state has dozens of arrays and Numba passes a tuple by value, each array as seven words: most of
the code of a call is the handing on, and most of the time of compiling went into it.  A
`Reference` is the address of such a tuple; a field that is read is an array, or the reference of a
tuple inside.  Where tuples lie is never changed while compiled code runs, so every read of a
field may be moved out of a loop (LLVM's ``invariant.load``).
"""

from hashlib import sha256
from operator import getitem
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin, lower_getattr_generic
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import intrinsic, overload, register_model

ZERO = ir.Constant(ir.IntType(32), 0)


class Reference(types.Type):
    """Numba's type of the address of a tuple of type *of*."""

    def __init__(self, of: types.BaseTuple):
        self.of = of
        super().__init__(f"reference({sha256(of.name.encode()).hexdigest()[:16]})")

    @property
    def instance_class(self) -> type:
        return getattr(self.of, "instance_class", tuple)

    def __len__(self) -> int:
        return len(self.of)


register_model(Reference)(models.OpaqueModel)


def referred(kind: types.Type) -> types.Type:
    """What a field of type *kind* is read as: a tuple that holds arrays as its reference."""
    return Reference(kind) if isinstance(kind, types.BaseTuple) and _has_array(kind) else kind


def _has_array(kind: types.Type) -> bool:
    if isinstance(kind, types.BaseTuple):
        return any(map(_has_array, kind.types))
    return isinstance(kind, types.Array)


def read(context: Any, builder: Any, kind: types.Type, place: ir.Value) -> ir.Value:
    """The field of type *kind* at *place*, as `referred` says."""
    if isinstance(referred(kind), Reference):
        return builder.bitcast(place, context.get_value_type(types.voidptr))
    model = context.data_model_manager[kind]
    if isinstance(kind, types.Array):
        return _words(builder, place, model.get_value_type())
    return model.load_from_data_pointer(builder, place)


def _words(builder: Any, place: ir.Value, kind: ir.Type) -> ir.Value:
    """An aggregate of words, each of them loaded by itself."""
    if not isinstance(kind, (ir.LiteralStructType, ir.ArrayType)):
        word = builder.load(place)
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
        return word
    whole = ir.Constant(kind, ir.Undefined)
    for n in range(len(kind)):
        part = builder.gep(place, [ZERO, ir.Constant(ir.IntType(32), n)], inbounds=True)
        whole = builder.insert_value(whole, _words(builder, part, part.type.pointee), n)
    return whole


def field(context: Any, builder: Any, of: types.BaseTuple, address: ir.Value, n: int) -> ir.Value:
    kind = context.data_model_manager[of].get_data_type()
    place = builder.bitcast(address, kind.as_pointer())
    return builder.gep(place, [ZERO, ir.Constant(ir.IntType(32), n)], inbounds=True)


@infer_getattr
class _Attribute(AttributeTemplate):
    key = Reference

    def generic_resolve(self, reference: Reference, name: str) -> types.Type | None:
        fields = getattr(reference.of, "fields", ())
        return referred(reference.of.types[fields.index(name)]) if name in fields else None


@lower_getattr_generic(Reference)
def _attribute(context, builder, reference, address, name):  # type: ignore[no-untyped-def]
    n = reference.of.fields.index(name)
    place = field(context, builder, reference.of, address, n)
    return read(context, builder, reference.of.types[n], place)


@infer
class _Item(AbstractTemplate):
    key = "static_getitem"

    def generic(self, args: tuple, kws: dict) -> Any:
        reference, at = args
        if not isinstance(reference, Reference):
            return None
        if isinstance(at, slice):
            return signature(referred(types.BaseTuple.from_types(reference.of.types[at])), *args)
        return signature(referred(reference.of.types[at]), *args)


@lower_builtin("static_getitem", Reference, types.IntegerLiteral)
def _item(context, builder, sig, args):  # type: ignore[no-untyped-def]
    (reference, _), (address, at) = sig.args, args
    n = at % len(reference)
    place = field(context, builder, reference.of, address, n)
    return read(context, builder, reference.of.types[n], place)


@lower_builtin("static_getitem", Reference, types.SliceLiteral)
def _rest(context, builder, sig, args):  # type: ignore[no-untyped-def]
    """Some fields in a row: where the first of them lies, the others follow as they would alone.

    All are words of 8 bytes.
    """
    (reference, _), (address, at) = sig.args, args
    start, _, step = at.indices(len(reference))
    assert step == 1, "a slice of a reference has no step"
    if not isinstance(sig.return_type, Reference):
        return context.get_constant_null(sig.return_type)
    place = field(context, builder, reference.of, address, start)
    return builder.bitcast(place, context.get_value_type(types.voidptr))


@infer_global(getitem)
class _Chosen(AbstractTemplate):
    """One of several fields of one type, by a number that is known at run time."""

    def generic(self, args: tuple, kws: dict) -> Any:
        reference, at = args
        uniform = isinstance(reference, Reference) and isinstance(reference.of, types.UniTuple)
        if uniform and isinstance(at, types.Integer):
            return signature(referred(reference.of.dtype), reference, types.intp)
        return None


@lower_builtin(getitem, Reference, types.Integer)
def _chosen(context, builder, sig, args):  # type: ignore[no-untyped-def]
    (reference, _), (address, at) = sig.args, args
    kind = context.data_model_manager[reference.of].get_data_type()
    place = builder.gep(builder.bitcast(address, kind.as_pointer()), [ZERO, at], inbounds=True)
    return read(context, builder, reference.of.dtype, place)


@overload(len)
def _length(parts):  # type: ignore[no-untyped-def]
    if isinstance(parts, Reference):
        n = len(parts)
        return lambda parts: n
    return None


def whole(parts: Any) -> Any:
    """A tuple by value, for a call that takes its fields apart: ``part(*whole(bound.state))``."""
    return parts


@intrinsic
def _load(context, reference):  # type: ignore[no-untyped-def]
    def build(context, builder, sig, args):  # type: ignore[no-untyped-def]
        fields = [
            read(context, builder, kind, field(context, builder, reference.of, args[0], n))
            for n, kind in enumerate(reference.of.types)
        ]
        return context.make_tuple(builder, sig.return_type, fields)

    kinds = [referred(kind) for kind in reference.of.types]
    return types.BaseTuple.from_types(kinds)(reference), build


@overload(whole, inline="always")
def _whole(parts):  # type: ignore[no-untyped-def]
    if isinstance(parts, Reference):
        return lambda parts: _load(parts)
    return lambda parts: parts
