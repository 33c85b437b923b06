"""What a member is: a spec, a state of declared shapes, and two kernels.

A record is x (m,) in its own units and z (m,) in standard units; *unit* (2,) is mean and deviation
of the targets before it.  A member predicts numbers, out (1,), or probabilities of the classes
known so far, out (C,).
"""

from functools import singledispatch
from typing import Any, NamedTuple

from ..codegen.dispatch import generic


class Numbers(NamedTuple):
    """Targets are numbers, in their own units."""

    @property
    def discrete(self) -> bool:
        return False


class Classes(NamedTuple):
    """Targets are classes, numbered from 0 in the order of their appearance."""

    @property
    def discrete(self) -> bool:
        return True


@generic
def infer(member, task, state, work, x, z, unit, out):
    """Write the member's prediction for a record into *out*; only scratch changes."""


@generic
def absorb(member, task, state, work, x, z, unit, y, out):
    """Learn the record that `infer` has just seen; *out* is what it predicted, y the target."""


@singledispatch
def check(spec: Any, task: Any) -> None:
    """Raise `ConfigError` for a member that cannot be."""


@singledispatch
def label(spec: Any) -> str:
    """What the member is called in reports."""
    return type(spec).__name__.lower()


@singledispatch
def declare(spec: Any, task: Any, inputs: int, outputs: int) -> tuple[Any, Any]:
    """The `Field`s of the member's state, and of its scratch."""
    raise TypeError(f"{spec!r} is not a member of a mixture")


@singledispatch
def room(spec: Any, inputs: int) -> int:
    """For how many inputs axes named r have room: more than there are, or 0 if there are none.

    Only for a member whose kernels look at no more columns than a record has.
    """
    return inputs


def roomy(inputs: int) -> int:
    """Room for 0 to 7 inputs more, or up to a quarter.

    >>> [roomy(inputs) for inputs in (1, 8, 9, 33, 41, 100)]
    [8, 8, 16, 40, 48, 112]
    """
    step = max(8, 1 << max(0, inputs.bit_length() - 3))
    return max(1, -(-inputs // step)) * step


@singledispatch
def begin(spec: Any, task: Any, state: Any, inputs: int, seed: int) -> None:
    """Set the state of zeros to what it is before the first record."""


@singledispatch
def carry(spec: Any, old: Any, new: Any, inputs: int, new_inputs: int) -> None:
    """Take *old* over into *new*, which has begun, with more inputs or classes."""
    for before, after in zip(old, new, strict=True):
        after[tuple(slice(n) for n in before.shape)] = before


@singledispatch
def blind(spec: Any) -> Any:
    """The same without the last target; None for what is nothing without it."""
    return spec


@singledispatch
def may_idle(spec: Any) -> bool:
    """Whether the member may learn a part of the records only; not if to learn costs nothing."""
    return True
