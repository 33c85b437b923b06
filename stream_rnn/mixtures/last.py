"""The last target again; for classes, what followed the last class before."""

from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import generic
from ..numerics.trees import Float, fields
from . import base
from .base import Classes, Numbers

KEEP = 0.99  # of the counts of what followed, each time


class Last(NamedTuple):
    """Numbers: the last one.  Classes: a first-order Markov chain, forgetting a hundredth."""


class State(NamedTuple):
    """C classes, or 1."""

    last: Annotated[Float, "1"]  # the last number or class, NaN before the first
    follows: Annotated[Float, "C C"]  # how often a class came after another


@base.declare.register
def declare(spec: Last, task, inputs, outputs):
    return fields(State, {"C": outputs}), ()


@base.room.register
def _(spec: Last, inputs: int) -> int:
    return 0


@base.begin.register
def begin(spec: Last, task, state, inputs, seed):
    state.last[0] = np.nan
    state.follows[:] = 1.0


@base.infer.register
def infer(member: Last, task, state, work, x, z, unit, out):
    repeat(task, state, out)


@generic
def repeat(task, state, out):
    """The prediction."""


@repeat.register
def repeat_number(task: Numbers, state, out):
    out[0] = state.last[0] if state.last[0] == state.last[0] else 0.0


@repeat.register
def repeat_class(task: Classes, state, out):
    if state.last[0] != state.last[0]:
        for c in range(out.size):
            out[c] = 1.0 / out.size
        return
    counts = state.follows[int(state.last[0])]
    total = 0.0
    for c in range(out.size):
        total += counts[c]
    for c in range(out.size):
        out[c] = counts[c] / total


@base.absorb.register
def absorb(member: Last, task, state, work, x, z, unit, y, out):
    follow(task, state, y)
    state.last[0] = y


@generic
def follow(task, state, y):
    """Count what followed the last class."""


@follow.register
def follow_number(task: Numbers, state, y):
    pass


@follow.register
def follow_class(task: Classes, state, y):
    if state.last[0] == state.last[0]:
        counts = state.follows[int(state.last[0])]
        counts[int(y)] += 1
        for c in range(counts.size):
            counts[c] = KEEP * counts[c] + 0.01


@base.blind.register
def _(spec: Last) -> None:
    return None


@base.may_idle.register
def _(spec: Last) -> bool:
    return False
