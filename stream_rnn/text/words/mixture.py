"""The symbol mixture for words: first the class is mixed, then the word in its class.

Both steps mix the same members as `mixture` does: contexts refined from their parents, and
the network.  A context's counts are summed over classes, or restricted to the members of
one class; the cost does not grow with the vocabulary, and neither do the lists of what
followed a context (`tables.LONGEST_LIST`).  Contexts are the last words, what they end
with (a stand-in for their part of speech), and the words used lately.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import (
    F,
    add_combination,
    add_scaled,
    fill,
    log_into,
    rows_dot,
    softmax_into,
)
from ...numerics.growing import keep
from ...numerics.trees import Float, Float32, Int, allocate
from ..contexts.mixture import SELECTORS, amount, soft_log_into
from ..contexts.tables import FRONT, N_MASK, TOTAL, find, read_list, update_list
from .head import MEMBERS, classes_in_use, members_in_use
from .history import (
    CONTEXTS,
    END,
    LINES,
    ONE,
    ONE_THREE,
    RECENT,
    SKIP,
    THREE,
    TWO,
    TWO_ENDS,
)

FREQUENCIES = -1
PARENT = {
    RECENT: FREQUENCIES, END: FREQUENCIES, TWO_ENDS: END, ONE: END, TWO: ONE, THREE: TWO,
    SKIP: RECENT, ONE_THREE: ONE, LINES: TWO_ENDS,
}  # fmt: skip
PARENTS = tuple(PARENT[context] + 1 for context in range(CONTEXTS))  # rows of `vectors`
SETS = 1024
RATE, SLOWEST, DECAY, RECENCY_RATE, THETA = range(5)  # places in `rates`


class WordSpec(NamedTuple):
    """Step sizes of the word mixture."""

    rate: float = 0.005
    slowest: float = 0.001
    decay: float = 1e-4
    recency_rate: float = 0.01
    theta: float = 0.3


class WordMixture(NamedTuple):
    """State; index 0 of the leading axis of length 2 is the class step, 1 the member step."""

    counts: Annotated[Float32, "V"]  # order 0; symbol 0 counts newcomers
    class_counts: Annotated[Float32, "G"]
    weights: Annotated[Float32, "2 4 sets M"]
    recency: Annotated[Float32, "2 K 64"]
    sets: Annotated[Int, "2 4"]
    lists: Annotated[Int, "K 256"]  # symbols of the contexts, most recent first
    shares: Annotated[Float32, "K 256"]  # their discounted counts / (N + θ)
    lengths: Annotated[Int, "K"]
    rest: Annotated[Float32, "K"]  # what is left to the parent
    bucket: Annotated[Int, "K"]  # row of `recency`
    vectors: Annotated[Float32, "M n"]  # p_k of the step made last, n = max(V / 128, 128)
    logs: Annotated[Float32, "2 M n"]
    mean: Annotated[Float32, "M"]
    logit: Annotated[Float32, "n"]
    q_class: Annotated[Float32, "G"]  # the prediction of the class
    q_member: Annotated[Float32, "128"]  # of the members of the class asked for last
    clock: Annotated[Int, "1"]
    rates: Annotated[Float, "5"]

    @classmethod
    def create(cls, spec: WordSpec, symbols: int, network: bool) -> "WordMixture":
        """A mixture that has seen nothing, with room for `symbols` words."""
        M, groups = CONTEXTS + 1 + network, -(-symbols // MEMBERS)
        sizes = {"K": CONTEXTS, "V": symbols, "M": M, "G": groups, "sets": SETS}
        new = allocate(cls, sizes | {"n": max(groups, MEMBERS)})
        new.weights[:], new.rest[:] = 1 / M, 1
        new.rates[:] = spec.rate, spec.slowest, spec.decay, spec.recency_rate, spec.theta
        return new

    def resized(
        self, spec: WordSpec, kept: np.ndarray, symbols: int, network: bool
    ) -> "WordMixture":
        """With room for `symbols` words: old word kept[i] is now word i."""
        new = WordMixture.create(spec, symbols, network)
        keep(self, new, kept)
        padded = np.zeros(len(new.class_counts) * MEMBERS, F)
        padded[:symbols] = new.counts
        new.class_counts[:] = padded.reshape(-1, MEMBERS).sum(1)
        return new


@inlined
def gather(mix, tables, keys):
    """Read the contexts' lists; returns the longest run of words known, its N, its D."""
    theta = F(mix.rates[THETA])
    top, top_total, top_distinct = 0, 0, 0
    for k in range(CONTEXTS):
        slot = find(tables.slots, keys[k], k)
        total = np.int64(tables.slots[slot, TOTAL] & N_MASK)
        mix.lengths[k] = 0
        mix.rest[k] = F(1)
        if total > 0:
            n = read_list(tables, slot, mix.lists[k], mix.shares[k])
            mix.lengths[k] = n
            mix.rest[k] = discount(mix.shares[k], n, F(total), theta)
            front = np.int64(tables.slots[slot, FRONT] >> 16)
            mix.bucket[k] = min(n - 1, 3) * 16 + min(total - 1, 3) * 4 + min(front - 1, 3)
            if ONE <= k <= THREE:
                top, top_total, top_distinct = k - ONE + 1, total, n
    return top, top_total, top_distinct


@inlined
def discount(counts, n, total, theta):
    """counts[:n] become discounted shares; returns what is left to the parent."""
    z = F(1) / (total + theta)
    kept = F(0)
    for i in range(n):
        c = counts[i]
        c -= F(0.5) if c == F(1) else F(0.65) if c == F(2) else F(0.8)
        counts[i] = c * z
        kept += counts[i]
    return F(1) - kept


@inlined
def vectors_of(mix, group, first, n, seen):
    """p_k over the classes (group < 0), or jointly over the members of a class."""
    zero = mix.vectors[0]
    total = F(0.5) * F(seen)
    for g in range(classes_in_use(seen)):
        total += mix.class_counts[g]
    scale = F(1) / total
    if group < 0:
        for g in range(n):
            zero[g] = (mix.class_counts[g] + F(0.5) * F(members_in_use(g, seen))) * scale
    else:
        for i in range(n):
            zero[i] = (mix.counts[first + i] + F(0.5)) * scale
    for k in range(CONTEXTS):
        out = mix.vectors[k + 1]
        fill(F(0), n, out)
        add_scaled(mix.rest[k], mix.vectors[PARENTS[k]], n, out)
        scatter(mix.lists[k], mix.shares[k], mix.lengths[k], group, out)


@inlined
def scatter(symbols, shares, length, group, out):
    """Add the shares of a list to their classes, or to the members of one class."""
    for i in range(length):
        s = symbols[i]
        if group < 0:
            out[s // MEMBERS] += shares[i]
        elif s // MEMBERS == group:
            out[s - group * MEMBERS] += shares[i]


@inlined
def mix_step(mix, step, n, p_network, group, out):
    """out[:n] = the mixture of one step."""
    logs = mix.logs[step]
    members = CONTEXTS + 1
    for k in range(members):
        log_into(mix.vectors[k], n, logs[k])
    if p_network is not None:
        soft_log_into(p_network, n, logs[members])
        members += 1
    sets = mix.sets[step]
    fill(F(0), members, mix.mean)
    for m in range(SELECTORS):
        add_scaled(F(0.25), mix.weights[step, m, sets[m]], members, mix.mean)
    fill(F(0), n, mix.logit)
    add_combination(mix.mean, logs, members, n, mix.logit)
    for k in range(CONTEXTS):
        if mix.lengths[k] > 0:
            s = mix.lists[k, 0]
            if group < 0:
                mix.logit[s // MEMBERS] += mix.recency[step, k, mix.bucket[k]]
            elif s // MEMBERS == group:
                mix.logit[s - group * MEMBERS] += mix.recency[step, k, mix.bucket[k]]
    softmax_into(mix.logit, n, out)


@inlined
def predict_class(mix, tables, head, history, tail, seen):
    """q_class; `tail` is the last word."""
    top, total, distinct = gather(mix, tables, history.keys)
    n = classes_in_use(seen)
    for step in range(2):
        mix.sets[step, 0] = top * 16 + min(distinct, 3) * 4 + amount(total)
        mix.sets[step, 1] = min(tail, SETS - 1)
        mix.sets[step, 2] = min(mix.lengths[TWO_ENDS], 15) * 16 + min(mix.lengths[SKIP], 15)
        mix.sets[step, 3] = 0
    vectors_of(mix, -1, 0, n, seen)
    if head is not None:
        mix_step(mix, 0, n, head.p_class, -1, mix.q_class)
    else:
        mix_step(mix, 0, n, None, -1, mix.q_class)


@inlined
def predict_member(mix, head, group, seen):
    """q_member of one class."""
    n = members_in_use(group, seen)
    vectors_of(mix, group, group * MEMBERS, n, seen)
    mix.sets[1, 3] = 1 + min(group, SETS - 2)
    if head is not None:
        mix_step(mix, 1, n, head.p_member, group, mix.q_member)
    else:
        mix_step(mix, 1, n, None, group, mix.q_member)


@inlined
def learn(mix, target, seen):
    """Move weights and corrections of both steps; the target's class was asked for last."""
    t = np.float64(mix.clock[0])
    rate = F(max(mix.rates[SLOWEST], mix.rates[RATE] / (1 + mix.rates[DECAY] * t)))
    group = target // MEMBERS
    learn_step(mix, 0, mix.q_class, classes_in_use(seen), group, rate)
    learn_step(mix, 1, mix.q_member, members_in_use(group, seen), target - group * MEMBERS, rate)
    recency_rate = F(mix.rates[RECENCY_RATE])
    for k in range(CONTEXTS):
        if mix.lengths[k] > 0:
            s = mix.lists[k, 0]
            hit = F(1) if s // MEMBERS == group else F(0)
            error = hit - mix.q_class[s // MEMBERS]
            mix.recency[0, k, mix.bucket[k]] += recency_rate * error
            if hit > F(0):
                hit = F(1) if s == target else F(0)
                error = hit - mix.q_member[s - group * MEMBERS]
                mix.recency[1, k, mix.bucket[k]] += recency_rate * error
    mix.clock[0] += 1


@inlined
def learn_step(mix, step, q, n, target, rate):
    """Weights of one step along the gradient of log q(target)."""
    members, logs = mix.mean.size, mix.logs[step]
    rows_dot(logs, q, members, n, mix.mean)
    for k in range(members):
        mix.mean[k] = logs[k, target] - mix.mean[k]
    for m in range(SELECTORS):
        add_scaled(rate, mix.mean, members, mix.weights[step, m, mix.sets[step, m]])


@inlined
def count(mix, tables, keys, symbol, new):
    """Count the word in its contexts; a newcomer also counts as symbol 0 in order 0."""
    if new:
        mix.counts[0] += F(1)
        mix.class_counts[0] += F(1)
    mix.counts[symbol] += F(1)
    mix.class_counts[symbol // MEMBERS] += F(1)
    for k in range(CONTEXTS):
        update_list(tables, keys[k], k, symbol)
