"""A model bound to its state and scratch: one pointer for compiled code.

Handing some thirty arrays to a compiled function costs more than a record of a small
network: each is inspected and unpacked on every call.  `bind` writes them once, as compiled code
lays them out, into one block of memory; calls then pass its address, and parts of compiled code
hand on `reference.Reference`s into it.  The arrays are shared, not copied, so what the one side
writes the other sees.  With the JIT off a plain tuple does.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import config, types
from numba.core.datamodel import models
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.experimental.structref import StructRefProxy
from numba.extending import NativeValue, register_model, unbox

from .memory import laid_out
from .reference import field, read, referred


class Parts(NamedTuple):
    """What is bound."""

    model: Any
    state: Any
    work: Any


class BoundType(types.Type):
    """Numba's type of `Bound`; *of*, that of its `Parts`, selects the code."""

    def __init__(self, of: types.NamedTuple):
        self.of = of
        super().__init__(f"bound({of.name})")


class Bound(StructRefProxy):
    """`Parts` in a block of memory as compiled code reads them.

    A structure of Numba's to its dispatcher only, which takes `_type` as the type of it at once.
    """

    __slots__ = ("_address", "_memory", "_parts")

    def __new__(cls, parts: Parts) -> "Bound":
        bound = object.__new__(cls)
        kind, bound._memory = laid_out(parts)
        bound._type, bound._parts = bound_type(kind), parts  # the arrays live as long
        bound._address = bound._memory.ctypes.data
        return bound

    @classmethod
    def at(cls, kind: BoundType, memory: np.ndarray, owner: Any) -> "Bound":
        """What is written down in *memory* already; *owner* has the arrays, and binds a copy."""
        bound = object.__new__(cls)
        bound._type, bound._memory, bound._parts = kind, memory, owner
        bound._address = memory.ctypes.data
        return bound

    def __reduce__(self) -> tuple:
        """A copy is bound anew: an address is of one process and one block."""
        if isinstance(self._parts, Parts):
            return Bound, (self._parts,)
        return type(self._parts).bound, (self._parts,)


def bound_type(kind: Any) -> BoundType:
    """The one type of what is bound for *kind*, which `laid_out` keeps: its hash is a long way."""
    found = _kinds.get(id(kind))
    if found is None:
        found = _kinds[id(kind)] = BoundType(kind)
    return found


_kinds: dict[int, BoundType] = {}


register_model(BoundType)(models.OpaqueModel)


@unbox(BoundType)
def _unbox(kind, bound, c):  # type: ignore[no-untyped-def]
    number = c.pyapi.object_getattr_string(bound, "_address")
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(address, is_error=c.pyapi.c_api_error())


@infer_getattr
class _Part(AttributeTemplate):
    key = BoundType

    def generic_resolve(self, bound: BoundType, name: str) -> types.Type:
        return referred(bound.of.types[bound.of.fields.index(name)])


@lower_getattr_generic(BoundType)
def _part(context, builder, bound, address, name):  # type: ignore[no-untyped-def]
    n = bound.of.fields.index(name)
    return read(context, builder, bound.of.types[n], field(context, builder, bound.of, address, n))


def bind(model: Any, state: Any, work: Any) -> Any:
    """Bind the parts; do it again when an array is replaced by another."""
    parts = Parts(model, state, work)
    return parts if config.DISABLE_JIT else Bound(parts)
