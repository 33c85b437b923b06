"""The nearest records of a window: class shares or the mean of the k nearest.

Distances are Euclidean in standard units, d² per column; weights fall with them:

    numbers: w = 1/(0.05 + d/√m),   classes: w = 0.3/(0.3 + d/√m), half a count for all classes
"""

from math import sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import generic, kernel
from ..numerics.trees import Float, Float32, Int, fields
from . import base
from .base import Classes, Numbers


class Neighbours(NamedTuple):
    """The *nearest* few among the last *window* records that had a target."""

    window: int = 1000
    nearest: int = 10


class State(NamedTuple):
    """A ring of w records, by column so that distances to all are computed side by side."""

    z: Annotated[Float32, "r w"]  # 0 where there is room left
    y: Annotated[Float, "w"]
    clock: Annotated[Int, "1"]  # records taken in


class Work(NamedTuple):
    """The k nearest, in order."""

    distance: Annotated[Float32, "w"]
    best: Annotated[Float32, "k"]
    which: Annotated[Int, "k"]


@base.declare.register
def declare(spec: Neighbours, task, inputs, outputs):
    sizes = {"r": base.room(spec, inputs), "w": spec.window, "k": spec.nearest}
    return fields(State, sizes), fields(Work, sizes)


@base.room.register
def _(spec: Neighbours, inputs: int) -> int:
    return base.roomy(inputs)


@base.infer.register
def infer(member: Neighbours, task, state, work, x, z, unit, out):
    """Find the nearest, the oldest first among equals."""
    share(task, state, work, nearest(state, work, z), sqrt(1.0 / max(z.size, 1)), out)


@kernel
def nearest(state, work, z):
    """Fill `best` and `which`; returns how many there are."""
    window, count = state.y.size, work.best.size
    known = min(window, state.clock[0])
    distance = work.distance
    for i in range(known):
        distance[i] = 0
    for j in range(z.size):
        column, at = state.z[j], z[j]
        for i in range(known):
            e = at - column[i]
            distance[i] += e * e
    found, first = 0, state.clock[0] % window if known == window else 0
    for n in range(known):
        i = first + n - (window if first + n >= window else 0)
        d = distance[i]
        if found < count or d < work.best[found - 1]:
            found = min(found + 1, count)
            at = found - 1
            while at > 0 and work.best[at - 1] > d:
                work.best[at], work.which[at] = work.best[at - 1], work.which[at - 1]
                at -= 1
            work.best[at], work.which[at] = d, i
    return found


@generic
def share(task, state, work, found, scale, out):
    """The prediction from the *found* nearest; *scale* is 1/√m."""


@share.register
def mean(task: Numbers, state, work, found, scale, out):
    total = weight = 0.0
    for n in range(found):
        w = 1.0 / (0.05 + sqrt(work.best[n]) * scale)
        total += w * state.y[work.which[n]]
        weight += w
    out[0] = total / weight if weight > 0 else 0.0


@share.register
def shares(task: Classes, state, work, found, scale, out):
    for c in range(out.size):
        out[c] = 0.5 / out.size
    total = 0.5
    for n in range(found):
        w = 0.3 / (0.3 + sqrt(work.best[n]) * scale)
        out[int(state.y[work.which[n]])] += w
        total += w
    for c in range(out.size):
        out[c] /= total


@base.absorb.register
def absorb(member: Neighbours, task, state, work, x, z, unit, y, out):
    at = state.clock[0] % state.y.size
    for j in range(z.size):
        state.z[j, at] = z[j]
    state.y[at] = y
    state.clock[0] += 1


@base.may_idle.register
def _(spec: Neighbours) -> bool:
    return False
