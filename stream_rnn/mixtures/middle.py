"""The middle of the last targets, whatever the record says: their median, or their frequencies."""

from typing import Annotated, NamedTuple

from ..codegen.dispatch import generic
from ..numerics.trees import Float, Int, fields
from . import base
from .base import Classes, Numbers


class Middle(NamedTuple):
    """Numbers: the median of the last *window* targets.  Classes: how often each came."""

    window: int = 1000


class State(NamedTuple):
    """The last w targets, in a ring and in order."""

    ring: Annotated[Float, "w"]
    sorted: Annotated[Float, "w"]
    clock: Annotated[Int, "2"]  # targets held, place of the next
    counts: Annotated[Float, "C"]


@base.declare.register
def declare(spec: Middle, task, inputs, outputs):
    return fields(State, {"w": spec.window, "C": outputs}), ()


@base.room.register
def _(spec: Middle, inputs: int) -> int:
    return 0


@base.infer.register
def infer(member: Middle, task, state, work, x, z, unit, out):
    central(task, state, out)


@generic
def central(task, state, out):
    """The prediction."""


@central.register
def median(task: Numbers, state, out):
    n = state.clock[0]
    out[0] = 0.5 * (state.sorted[(n - 1) // 2] + state.sorted[n // 2]) if n > 0 else 0.0


@central.register
def frequencies(task: Classes, state, out):
    C, n = out.size, state.clock[0]
    for c in range(C):
        out[c] = (state.counts[c] + 1.0 / C) / (n + 1.0)


@base.absorb.register
def absorb(member: Middle, task, state, work, x, z, unit, y, out):
    held, at, window = state.clock[0], state.clock[1], state.ring.size
    if held == window:
        drop(task, state, state.ring[at])
        held -= 1
    state.clock[0] = held
    add(task, state, y)
    state.ring[at] = y
    state.clock[0], state.clock[1] = held + 1, (at + 1) % window


@generic
def drop(task, state, y):
    """One target less."""


@generic
def add(task, state, y):
    """One target more, beside those held."""


@drop.register
def drop_number(task: Numbers, state, y):
    n, at = state.clock[0], 0
    while state.sorted[at] != y:
        at += 1
    for i in range(at, n - 1):
        state.sorted[i] = state.sorted[i + 1]


@add.register
def add_number(task: Numbers, state, y):
    at = state.clock[0]
    while at > 0 and state.sorted[at - 1] > y:
        state.sorted[at] = state.sorted[at - 1]
        at -= 1
    state.sorted[at] = y


@drop.register
def drop_class(task: Classes, state, y):
    state.counts[int(y)] -= 1


@add.register
def add_class(task: Classes, state, y):
    state.counts[int(y)] += 1


@base.may_idle.register
def _(spec: Middle) -> bool:
    return False
