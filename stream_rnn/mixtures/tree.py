"""A tree that picks its columns: the best splits of the last records, looked for anew at intervals.

The window holds records as they came.  Whenever it has grown by a tenth, and every sixteenth of
it once it is full, the tree is made again from the root (Breiman et al. 1984): of all columns and
all thresholds the split is taken that leaves the least

    classes: Gini impurity, Σ_sides n (1 − Σ_c (n_c/n)²);   numbers: squared error             (1)

if it pays for itself: the likelihood must gain more than ln(m n) + 1, what it costs to name one of
so many splits.  In between, leaves go on counting.  Classes: where the error rises 3 deviations
above its lowest (Gama et al. 2004), the records before are forgotten.
"""

from math import log, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..codegen.dispatch import generic, kernel
from ..numerics.trees import Float, Int, Int32, fields
from . import base
from .base import Classes, Numbers
from .tree_splits import best_split, divide, sort_columns

LEFT, RIGHT, FEATURE = range(3)
HELD, PLACE, DUE, NODES = range(4)
SEEN, ERRORS, LOWEST, SPREAD, SINCE = range(5)
FEW = 30  # records: of a window after a change, and before one is looked for


class Tree(NamedTuple):
    """The best splits of the last *window* records, at most *nodes* nodes."""

    window: int = 2000
    nodes: int = 255


class State(NamedTuple):
    """w records with room for r ≥ m inputs; N nodes with counts of C classes, or a mean."""

    x: Annotated[Float, "w r"]  # a missing value is −1e300, a group of its own
    y: Annotated[Float, "w"]
    clock: Annotated[Int, "4"]  # records held, place of the next, when to look again, nodes
    links: Annotated[Int32, "N 3"]  # a leaf has LEFT = -1
    threshold: Annotated[Float, "N"]
    weight: Annotated[Float, "N"]  # records
    stats: Annotated[Float, "N C"]
    drift: Annotated[Float, "5"]  # records, errors, lowest rate and its deviation, since then


class Work(NamedTuple):
    """What looking for splits takes."""

    order: Annotated[Int32, "r w"]  # the window's records by each column, node after node
    spare: Annotated[Int32, "w"]
    key: Annotated[Float, "w"]
    side: Annotated[Int32, "w"]
    span: Annotated[Int, "N 2"]  # where a node's records are in `order`
    left: Annotated[Float, "C"]
    right: Annotated[Float, "C"]
    found: Annotated[Float, "3"]  # of the best split: score, column, threshold
    sums: Annotated[Float, "2"]
    leaf: Annotated[Int, "1"]  # of the last record predicted


@base.declare.register
def declare(spec: Tree, task, inputs, outputs):
    sizes = {"w": spec.window, "r": base.room(spec, inputs), "N": spec.nodes, "C": outputs}
    return fields(State, sizes), fields(Work, sizes)


@base.room.register
def _(spec: Tree, inputs: int) -> int:
    return base.roomy(inputs)


@base.begin.register
def begin(spec: Tree, task: Any, state: State, inputs: int, seed: int) -> None:
    state.x[:, inputs:] = -1e300
    state.links[:] = -1
    state.clock[:] = 0, 0, 4, 1
    state.drift[LOWEST] = state.drift[SPREAD] = np.inf


@base.carry.register
def carry(spec: Tree, old, new, inputs, new_inputs):
    """A new input was missing so far."""
    for before, after in zip(old[1:], new[1:], strict=True):
        after[tuple(slice(n) for n in before.shape)] = before
    new.x[:, :inputs], new.x[:, inputs:] = old.x[:, :inputs], -1e300


@base.infer.register
def infer(member: Tree, task, state, work, x, z, unit, out):
    """What the leaf has counted."""
    j = 0
    while state.links[j, LEFT] >= 0:
        value = x[state.links[j, FEATURE]]
        near = not value > state.threshold[j]  # missing: on the left
        j = state.links[j, LEFT] if near else state.links[j, RIGHT]
    work.leaf[0] = j
    tell(task, state, j, out)


@generic
def tell(task, state, j, out):
    """The prediction of leaf j."""


@tell.register
def tell_number(task: Numbers, state, j, out):
    out[0] = state.stats[j, 0]


@tell.register
def tell_classes(task: Classes, state, j, out):
    C = out.size
    for c in range(C):
        out[c] = (state.stats[j, c] + 1.0 / C) / (state.weight[j] + 1.0)


@base.absorb.register
def absorb(member: Tree, task, state, work, x, z, unit, y, out):
    """Keep the record, count it in its leaf, and look for splits when it is time."""
    clock, window = state.clock, state.y.size
    watch(task, state, y, out)
    at = clock[PLACE]
    for i in range(x.size):
        state.x[at, i] = x[i] if x[i] == x[i] else -1e300
    state.y[at] = y
    clock[PLACE] = (at + 1) % window
    clock[HELD] = min(clock[HELD] + 1, window)
    j = work.leaf[0]
    state.weight[j] += 1
    note(task, state, j, y)
    clock[DUE] -= 1
    if clock[DUE] <= 0:
        rebuild(task, state, work, x.size)
        n, m = clock[HELD], x.size
        pause = n // 16 if n == window else n // 10
        clock[DUE] = max(1, max(pause, n * m // 160))


@generic
def note(task, state, j, y):
    """Node j has y in it, and is counted."""


@note.register
def note_number(task: Numbers, state, j, y):
    state.stats[j, 0] += (y - state.stats[j, 0]) / state.weight[j]


@note.register
def note_class(task: Classes, state, j, y):
    state.stats[j, int(y)] += 1


@generic
def watch(task, state, y, out):
    """Forget the records before a change."""


@watch.register
def watch_numbers(task: Numbers, state, y, out):
    pass


@watch.register
def watch_classes(task: Classes, state, y, out):
    drift, best = state.drift, 0
    for c in range(out.size):
        if out[c] > out[best]:
            best = c
    drift[SEEN] += 1
    drift[ERRORS] += best != int(y)
    rate = drift[ERRORS] / drift[SEEN]
    deviation = sqrt(rate * (1 - rate) / drift[SEEN])
    if drift[SEEN] < FEW:
        return
    if rate + deviation < drift[LOWEST] + drift[SPREAD]:
        drift[LOWEST], drift[SPREAD] = rate, deviation
    elif rate + deviation > drift[LOWEST] + 3 * drift[SPREAD] + 0.01:
        state.clock[HELD] = min(state.clock[HELD], FEW)
        state.clock[DUE] = 0
        drift[SEEN] = drift[ERRORS] = 0
        drift[LOWEST] = drift[SPREAD] = np.inf


@kernel
def rebuild(task, state, work, m):
    """The tree anew, level after level, from the m inputs of the records held."""
    clock, N = state.clock, state.links.shape[0]
    n = clock[HELD]
    if n < 2:
        return
    sort_columns(state.x, m, clock[PLACE] - n, n, work)
    clock[NODES] = 1
    work.span[0, 0], work.span[0, 1] = 0, n
    j = 0
    while j < clock[NODES]:
        start, end = work.span[j, 0], work.span[j, 1]
        fill(task, state, work, j, start, end)
        state.links[j, LEFT] = -1
        if clock[NODES] + 2 <= N and end - start >= 2 and seek(task, state, work, m, j, start, end):
            f, threshold = int(work.found[1]), work.found[2]
            middle = divide(state.x, m, work, f, threshold, start, end)
            left = clock[NODES]
            clock[NODES] += 2
            state.links[j, LEFT], state.links[j, RIGHT] = left, left + 1
            state.links[j, FEATURE], state.threshold[j] = f, threshold
            work.span[left, 0], work.span[left, 1] = start, middle
            work.span[left + 1, 0], work.span[left + 1, 1] = middle, end
        j += 1


@kernel
def fill(task, state, work, j, start, end):
    """Count the records of node j."""
    for c in range(state.stats.shape[1]):
        state.stats[j, c] = 0
    state.weight[j] = 0
    for n in range(start, end):
        state.weight[j] += 1
        note(task, state, j, state.y[work.order[0, n]])


@kernel
def seek(task, state, work, m, j, start, end):
    """Find the best split of node j; whether it pays for itself."""
    if not best_split(task, state, work, m, j, start, end):
        return False
    return work.found[0] > log(float(m) * (end - start)) + 1.0
