"""Aggregated Mondrian forest (Mourtada, Gaïffas & Scornet 2021) in bounded memory.

A tree splits space by a Mondrian process restricted to the boxes of what it has seen (see
`forest_growth`).  Every node predicts, and the prediction of a tree is the average over all its
prunings weighted by exp(−loss), which context tree weighting makes exact along one path:

    w_j ← w_j − ℓ_j,   W_j = log ½(e^{w_j} + e^{W_left + W_right}),   W_leaf = w_leaf           (1)
    p ← ½ e^{w_j − W_j} p_j + (1 − ½ e^{w_j − W_j}) p      from the leaf up                      (2)

Classes: p_j = (n_c + a)/(n + a C) with a = 1/C, ℓ = −log p_j[y].  Numbers: p_j the mean,
ℓ = (y − p_j)²/2s², s² the running squared error of the forest.
"""

from math import exp, log
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..codegen.dispatch import generic, kernel
from ..numerics.trees import Float, Float32, Int, Int32, Real, Word, fields
from . import base
from .base import Classes, Numbers

LEFT, RIGHT, PARENT, FEATURE = range(4)
THRESHOLD, TIME, WEIGHT, TREE, COUNT = range(5)
ROOT, USED, LIMIT = range(3)

SHARP = 0.05  # trees are averaged by exp(−SHARP · recent loss)
KEEP = 0.98  # of the recent loss on each record
MOST_BYTES = 32 << 20  # of all nodes together


class Forest(NamedTuple):
    """Trees that split columns at random where the data are, averaged over all prunings.

    A tree with *nodes* nodes is planted anew; the first of K is full at 1/K of them, the second
    at 2/K, so that they are never all young.  Many inputs or classes make nodes large: there
    are then fewer, at most 32 MiB of them.
    """

    trees: int = 10
    nodes: int = 8192


class State(NamedTuple):
    """K trees of n nodes, room for r ≥ m inputs, C classes or one mean."""

    links: Annotated[Int32, "K n 4"]  # a leaf has LEFT = -1
    values: Annotated[Float32, "K n 5"]
    stats: Annotated[Real, "K n C"]  # counts of the classes, or the mean
    low: Annotated[Float32, "K n r"]  # the box of what a node has seen, in standard units
    high: Annotated[Float32, "K n r"]
    tree: Annotated[Int, "K 3"]
    loss: Annotated[Float, "K"]  # recent
    noise: Annotated[Float, "2"]  # s², at least 1e-6 deviations of the targets squared; targets
    random: Annotated[Word, "1"]


class Work(NamedTuple):
    """What each tree predicts, and how far a record is outside of a box."""

    each: Annotated[Float, "K C"]
    extent: Annotated[Float32, "r"]


@kernel
def most_nodes(trees, nodes, inputs, outputs):
    """How many nodes a tree may have."""
    size = 36 + 8 * outputs + 8 * inputs  # bytes
    return max(64, min(nodes, MOST_BYTES // (size * trees)))


@base.declare.register
def declare(spec: Forest, task, inputs, outputs):
    """With room for a few nodes; `part.ForestPart` makes more."""
    return laid_out(spec, task, inputs, outputs, 64)


@base.room.register
def _(spec: Forest, inputs: int) -> int:
    return base.roomy(inputs)


def laid_out(spec: Forest, task: Any, inputs: int, outputs: int, nodes: int) -> tuple[Any, Any]:
    """`declare` with room for so many nodes."""
    sizes = {"K": spec.trees, "n": nodes, "C": outputs, "r": base.room(spec, inputs)}
    dtype = np.float32 if task.discrete else np.float64
    return fields(State, sizes, dtype), fields(Work, sizes)


@base.begin.register
def begin(spec: Forest, task, state, inputs, seed):
    most = most_nodes(spec.trees, spec.nodes, inputs, state.stats.shape[2])
    state.links[:] = -1
    state.tree[:, LIMIT] = [max(8, (k + 1) * most // spec.trees) for k in range(spec.trees)]
    state.noise[0] = 1.0
    state.random[0] = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] | np.uint64(1)


@base.carry.register
def carry(spec: Forest, old, new, inputs, new_inputs):
    """Of an input that is new all records were at its mean: 0, where boxes begin."""
    most = new.tree[-1, LIMIT]
    for before, after in zip(old, new, strict=True):
        after[tuple(slice(n) for n in before.shape)] = before
    np.minimum(new.tree[:, LIMIT], most, out=new.tree[:, LIMIT])


@generic
def blend(task, state, k, j, share, each):
    """*each* (C,) ← (1 − share) each + share p_j: Eq. (2)."""


@blend.register
def blend_numbers(task: Numbers, state, k, j, share, each):
    each[0] += share * (state.stats[k, j, 0] - each[0])


@blend.register
def blend_classes(task: Classes, state, k, j, share, each):
    for c in range(each.size):
        each[c] += share * (probability(state, k, j, c) - each[c])


@kernel
def probability(state, k, j, c):
    """(n_c + a)/(n + a C)."""
    C = state.stats.shape[2]
    prior = 1.0 / max(C, 2)
    return (state.stats[k, j, c] + prior) / (state.values[k, j, COUNT] + prior * C)


@generic
def clear(task, each):
    """What a tree predicts that has seen nothing, or from which Eq. (2) begins."""


@clear.register
def clear_numbers(task: Numbers, each):
    each[0] = 0.0


@clear.register
def clear_classes(task: Classes, each):
    for c in range(each.size):
        each[c] = 1.0 / each.size


@base.infer.register
def infer(member: Forest, task, state, work, x, z, unit, out):
    """Every tree's prediction, and their average."""
    best = state.loss[0]
    for k in range(state.loss.size):
        best = min(best, state.loss[k])
    for c in range(out.size):
        out[c] = 0.0
    total = 0.0
    for k in range(state.loss.size):
        each = work.each[k]
        clear(task, each)
        if state.tree[k, USED] > 0:
            descend(task, state, k, z, each)
        weight = exp(SHARP * (best - state.loss[k]))
        total += weight
        for c in range(out.size):
            out[c] += weight * each[c]
    for c in range(out.size):
        out[c] /= total


@kernel
def descend(task, state, k, z, each):
    """Find the leaf of z, then Eq. (2) on the way up."""
    links, values = state.links[k], state.values[k]
    j = state.tree[k, ROOT]
    while links[j, LEFT] >= 0:
        near = z[links[j, FEATURE]] <= values[j, THRESHOLD]
        j = links[j, LEFT] if near else links[j, RIGHT]
    blend(task, state, k, j, 1.0, each)
    j = links[j, PARENT]
    while j >= 0:
        share = 0.5 * exp(min(0.69, values[j, WEIGHT] - values[j, TREE]))
        blend(task, state, k, j, share, each)
        j = links[j, PARENT]


@generic
def loss_of_tree(task, state, each, y):
    """ℓ of what a tree has predicted, *each* (C,)."""


@loss_of_tree.register
def loss_numbers(task: Numbers, state, each, y):
    return 0.5 * (y - each[0]) ** 2 / state.noise[0]


@loss_of_tree.register
def loss_classes(task: Classes, state, each, y):
    return -log(max(each[int(y)], 1e-6))
