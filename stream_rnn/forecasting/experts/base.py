"""What a group of experts does; implemented once per kind, in that kind's file.

A group is a NamedTuple of arrays that holds n experts of one kind; a tuple of groups is a
group.  For each record the bank calls `learn` with the target of the forecast made h records
ago, `observe` with the new value, and `predict` for the value h records ahead.
"""

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from ...codegen.dispatch import generic
from ...numerics import growing, trees

NONE_LOST = np.zeros(0, np.int64)


class Shared(NamedTuple):
    """What experts may depend on when they are packed."""

    width: int  # columns of the feature row
    units: int  # random units among them
    inputs: int  # exogenous inputs, the last of them
    horizon: int
    seed: int


@singledispatch
def pack_like(first: Any, specs: list, shared: Shared) -> Any:
    """The group of *specs*, all of the kind of the *first*, before the first record."""
    raise ValueError(f"{first!r} is not an expert; use one of those in EXPERTS, such as Linear()")


@singledispatch
def kind(spec: Any) -> Any:
    """Specs of one kind are packed in one group."""
    return type(spec)


@singledispatch
def reads_random(spec: Any) -> bool:
    """Whether an expert reads the random units of the feature row."""
    return False


@singledispatch
def reads_season(spec: Any) -> bool:
    """Whether an expert is the last value as long as no season is known."""
    return False


@singledispatch
def grow(old: Any, new: Any) -> None:
    """Carry the group *old* over into *new*, which has more exogenous inputs, the last ones.

    Weights of the new inputs are 0.
    """
    growing.extend(old, new)


@singledispatch
def longer(group: Any, more: int) -> Any:
    """The `Field`s of the group with so many *more* exogenous inputs; see `lengthen`.

    Banks of experts that do not say so are made anew when they grow.
    """
    raise TypeError(f"{type(group).__name__} does not say how it is lengthened")


def as_it_is(group: Any, more: int = 0) -> Any:
    """`longer` for a group that sees no inputs."""
    found = trees.leaves(group)
    return trees.replaced(group, [trees.Field((), a.shape, a.dtype) for a in found])


@singledispatch
def joined(group: Any, more: int) -> dict[str, tuple[list, list]]:
    """The axes that are made of several arrays, and the shapes of these, before and after."""
    return {}


@singledispatch
def begin(group: Any, more: int, width: int) -> None:
    """Write what the *more* inputs, the last of *width* columns, begin with and is not 0."""


@singledispatch
def unsettle(group: Any, share: float) -> None:
    """Give every weight of a filter a *share* of its prior variance back."""


@singledispatch
def lost(group: Any) -> np.ndarray:
    """Counters of how often a filter was lost, to be read and written; empty if it has none."""
    return NONE_LOST


@generic
def size(group):
    """How many experts the group holds."""


@generic
def learn(group, rows, slot, target, rate):
    """Learn from the forecast in ring slot *slot*: feature row ``rows[slot]``, truth *target*.

    *target* is the change in units of the leap; *rate* the step of the noise estimate.
    """


@generic
def observe(group, past, t, h, period):
    """Take in ``past[0]``, record *t*; *period* is the season's length or 0."""


@generic
def predict(group, row, units, past, t, h, slot, out):
    """Write the experts' predictions of S[t + h], in the series' own units, to ``out``."""


@generic
def level_shift(group, jump, age):
    """The level jumped *age* records ago and stays: be as if it had always been there."""


@size.register
def _size_none(group: ()):  # type: ignore[syntax]
    return 0


@size.register
def _size_all(group: tuple):
    return size(group[0]) + size(group[1:])


@learn.register
def _learn_none(group: (), rows, slot, target, rate):  # type: ignore[syntax]
    pass


@learn.register
def _learn_all(group: tuple, rows, slot, target, rate):
    learn(group[0], rows, slot, target, rate)
    learn(group[1:], rows, slot, target, rate)


@observe.register
def _observe_none(group: (), past, t, h, period):  # type: ignore[syntax]
    pass


@observe.register
def _observe_all(group: tuple, past, t, h, period):
    observe(group[0], past, t, h, period)
    observe(group[1:], past, t, h, period)


@predict.register
def _predict_none(group: (), row, units, past, t, h, slot, out):  # type: ignore[syntax]
    pass


@predict.register
def _predict_all(group: tuple, row, units, past, t, h, slot, out):
    n = size(group[0])
    predict(group[0], row, units, past, t, h, slot, out[:n])
    predict(group[1:], row, units, past, t, h, slot, out[n:])


@level_shift.register
def _shift_none(group: (), jump, age):  # type: ignore[syntax]
    pass


@level_shift.register
def _shift_all(group: tuple, jump, age):
    level_shift(group[0], jump, age)
    level_shift(group[1:], jump, age)
