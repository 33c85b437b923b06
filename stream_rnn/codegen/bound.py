"""A model bound to its state and scratch: one pointer for compiled code.

Handing some thirty arrays to a compiled function costs more than a record of a small
network: each is inspected and unpacked on every call.  `bind` does that once and keeps
the result as a Numba structure; calls then pass a pointer.  The arrays are shared, not
copied, so what the one side writes the other sees.  With the JIT off a plain tuple does.
"""

from typing import Any, NamedTuple

from numba import config, types
from numba.experimental import structref

from .dispatch import compiled


class Parts(NamedTuple):
    """What is bound."""

    model: Any
    state: Any
    work: Any


@structref.register
class BoundType(types.StructRef):
    """Numba's type of `Bound`; its fields' types select the code, as those of Parts do."""


class Bound(structref.StructRefProxy):
    """`Parts` as compiled code keeps them."""


structref.define_boxing(BoundType, Bound)
structref.define_attributes(BoundType)
structref.define_constructor(Bound, BoundType, list(Parts._fields))


@compiled
def _bind(model, state, work):
    return Bound(model, state, work)


def bind(model, state, work) -> Any:
    """Bind the parts; do it again when an array is replaced by another."""
    return Parts(model, state, work) if config.DISABLE_JIT else _bind(model, state, work)
