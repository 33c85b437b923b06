"""How the trees of a `Forest` grow (Lakshminarayanan, Roy & Teh 2014).

A node that was made at time τ and whose box is [l, u] meets a record z outside of it, by
e_i = max(l_i − z_i, 0) + max(z_i − u_i, 0): after a waiting time E ~ Exp(Σ e_i) a split happens
between box and record if τ + E comes before the children's time.  Its column is drawn by e_i, its
threshold uniformly in the gap.  Classes: a leaf of one class only that meets the same waits.
"""

from math import exp, log

import numpy as np

from ..codegen.dispatch import generic, kernel
from ..numerics.randomness import uniform_star as uniform
from . import base
from .base import Classes, Numbers
from .forest import (
    COUNT,
    FEATURE,
    KEEP,
    LEFT,
    LIMIT,
    PARENT,
    RIGHT,
    ROOT,
    THRESHOLD,
    TIME,
    TREE,
    USED,
    WEIGHT,
    Forest,
    loss_of_tree,
    most_nodes,
    probability,
)


@base.absorb.register
def absorb(member: Forest, task, state, work, x, z, unit, y, out):
    """Every tree takes in (z, y)."""
    measure(task, state, y, unit, out)
    for k in range(state.loss.size):
        state.loss[k] = KEEP * state.loss[k] + loss_of_tree(task, state, work.each[k], y)
        if state.tree[k, USED] + 2 > state.tree[k, LIMIT]:
            plant_anew(member, state, k, z.size)
        grow(task, state, k, work.extent, z, y)


@generic
def measure(task, state, y, unit, out):
    """Take the forest's error into s²."""


@measure.register
def measure_numbers(task: Numbers, state, y, unit, out):
    if state.noise[1] > 0:
        rate = max(1.0 / state.noise[1], 0.005)
        s2 = state.noise[0] + rate * ((y - out[0]) ** 2 - state.noise[0])
        state.noise[0] = max(s2, 1e-6 * unit[1] ** 2)
    state.noise[1] += 1


@measure.register
def measure_classes(task: Classes, state, y, unit, out):
    pass


@kernel
def plant_anew(member, state, k, m):
    """Tree k, of *m* inputs, has no node, and counts as the worst until it has shown better."""
    for j in range(state.tree[k, USED]):
        clear_node(state, k, j)
    state.tree[k, USED] = 0
    most = most_nodes(member.trees, member.nodes, m, state.stats.shape[2])
    state.tree[k, LIMIT] = most
    worst = 0.0
    for i in range(state.loss.size):
        worst = max(worst, state.loss[i])
    state.loss[k] = worst


@kernel
def clear_node(state, k, j):
    """As an unused node is, so that a state does not hold what is forgotten."""
    for i in range(4):
        state.links[k, j, i] = -1
    for i in range(5):
        state.values[k, j, i] = 0
    for c in range(state.stats.shape[2]):
        state.stats[k, j, c] = 0
    for i in range(state.low.shape[2]):
        state.low[k, j, i] = state.high[k, j, i] = 0


@kernel
def occupy(state, k, parent, time):
    """A new node."""
    j = state.tree[k, USED]
    state.tree[k, USED] += 1
    state.links[k, j, PARENT] = parent
    state.values[k, j, TIME] = time
    return j


@generic
def pay(task, state, k, j, y):
    """ℓ_j of Eq. (1)."""


@pay.register
def pay_numbers(task: Numbers, state, k, j, y):
    return 0.5 * (y - state.stats[k, j, 0]) ** 2 / state.noise[0]


@pay.register
def pay_classes(task: Classes, state, k, j, y):
    return -log(probability(state, k, j, int(y)))


@generic
def count(task, state, k, j, y):
    """Node j has seen y."""


@count.register
def count_number(task: Numbers, state, k, j, y):
    n = state.values[k, j, COUNT] + 1
    state.values[k, j, COUNT] = n
    state.stats[k, j, 0] += (y - state.stats[k, j, 0]) / n


@count.register
def count_class(task: Classes, state, k, j, y):
    state.values[k, j, COUNT] += 1
    state.stats[k, j, int(y)] += 1


@generic
def settled(task, state, k, j, y):
    """Whether node j has seen nothing but targets like y."""


@settled.register
def settled_numbers(task: Numbers, state, k, j, y):
    return False


@settled.register
def settled_classes(task: Classes, state, k, j, y):
    return state.stats[k, j, int(y)] >= state.values[k, j, COUNT]


@kernel
def take(task, state, k, j, z, y, weigh):
    """Node j has (z, y) in it; it pays for what it would have predicted if *weigh*."""
    low, high = state.low[k, j], state.high[k, j]
    if state.values[k, j, COUNT] == 0:
        for i in range(z.size):
            low[i] = high[i] = z[i]
    else:
        for i in range(z.size):
            low[i], high[i] = min(low[i], z[i]), max(high[i], z[i])
    if weigh:
        state.values[k, j, WEIGHT] -= pay(task, state, k, j, y)
    count(task, state, k, j, y)


@kernel
def grow(task, state, k, extent, z, y):
    """From the root down, until a leaf or a split; then Eq. (1) on the way up."""
    links, values = state.links[k], state.values[k]
    if state.tree[k, USED] == 0:
        state.tree[k, ROOT] = occupy(state, k, -1, 0.0)
        take(task, state, k, state.tree[k, ROOT], z, y, False)
        return
    j = state.tree[k, ROOT]
    while True:
        total = outside(state, k, j, z, extent)
        when = -1.0
        if total > 0 and not settled(task, state, k, j, y):
            when = values[j, TIME] - log(1.0 - uniform(state.random)) / total
            if links[j, LEFT] >= 0 and when >= values[links[j, LEFT], TIME]:
                when = -1.0
        if when >= 0:
            new = split(state, k, j, z, extent, total, when)
            take(task, state, k, j, z, y, True)
            take(task, state, k, new, z, y, False)
            j = new
            break
        take(task, state, k, j, z, y, True)
        if links[j, LEFT] < 0:
            break
        near = z[links[j, FEATURE]] <= values[j, THRESHOLD]
        j = links[j, LEFT] if near else links[j, RIGHT]
    climb(links, values, j)


@kernel
def outside(state, k, j, z, extent):
    """How far z is outside of the box of node j, by column and in all."""
    low, high = state.low[k, j], state.high[k, j]
    total = 0.0
    for i in range(z.size):
        e = max(low[i] - z[i], np.float32(0)) + max(z[i] - high[i], np.float32(0))
        extent[i] = e
        total += e
    return total


@kernel
def split(state, k, j, z, extent, total, when):
    """Divide node j between its box and z; the new leaf, which is still empty."""
    links, values = state.links[k], state.values[k]
    pick = uniform(state.random) * total
    f = 0
    while f < z.size - 1 and pick >= extent[f]:
        pick -= extent[f]
        f += 1
    while extent[f] == 0:
        f -= 1
    right = z[f] > state.high[k, j, f]
    near = state.high[k, j, f] if right else state.low[k, j, f]
    threshold = np.float32(near + uniform(state.random) * (z[f] - near))
    if right and not near <= threshold < z[f]:
        threshold = near
    if not right and not z[f] <= threshold < near:
        threshold = z[f]
    old = occupy(state, k, j, when)
    move(state, k, j, old)
    new = occupy(state, k, j, when)
    links[j, LEFT], links[j, RIGHT] = (old, new) if right else (new, old)
    links[j, FEATURE], values[j, THRESHOLD] = f, threshold
    return new


@kernel
def move(state, k, j, to):
    """What node j was is now node *to*."""
    links, values = state.links[k], state.values[k]
    for i in range(state.low.shape[2]):
        state.low[k, to, i], state.high[k, to, i] = state.low[k, j, i], state.high[k, j, i]
    for c in range(state.stats.shape[2]):
        state.stats[k, to, c] = state.stats[k, j, c]
    for i in (THRESHOLD, WEIGHT, TREE, COUNT):
        values[to, i] = values[j, i]
    for i in (LEFT, RIGHT, FEATURE):
        links[to, i] = links[j, i]
    if links[to, LEFT] >= 0:
        links[links[to, LEFT], PARENT] = to
        links[links[to, RIGHT], PARENT] = to


@kernel
def climb(links, values, j):
    """Eq. (1) from node j to the root."""
    while j >= 0:
        if links[j, LEFT] < 0:
            values[j, TREE] = values[j, WEIGHT]
        else:
            a = values[j, WEIGHT]
            b = values[links[j, LEFT], TREE] + values[links[j, RIGHT], TREE]
            top = max(a, b)
            values[j, TREE] = top + log(0.5 * (exp(a - top) + exp(b - top)))
        j = links[j, PARENT]
