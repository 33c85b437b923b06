"""Symbol mixture: statistics of contexts and the network, mixed in the log domain.

Each context k keeps the symbols that followed it with counts c, their sum N, and the newest
first.  It refines the prediction of a shorter context, its parent (absolute discounting,
interpolated: Ney, Essen and Kneser 1994)::

    p_k(s) = [(c - d_c)+ + (Σ d + θ) p_parent(s)] / (N + θ)                       (1)

with d = .5, .6, .7 for c = 1, 2, more and θ = .05.  The members' predictions l = log p
are mixed as a weighted geometric mean with corrections (Mahoney 2005; Mattern 2013)::

    q = softmax(¼ Σ_m w^m l + R[most recent symbols] + B1[last] + B2[last two])   (2)

Weights are taken from four sets m, each selected by something known: how well the longest
context is known, the last symbol, the one before, the network's confidence.  All move by
the gradient of log q(y).
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import (
    F,
    add_combination,
    add_scaled,
    log,
    log_into,
    peak,
    rows_dot,
    softmax_into,
)
from ...numerics.growing import keep
from ...numerics.trees import SYMBOLS, Float, Float32, Int, allocate
from .history import places
from .tables import FRONT, N_MASK, TOTAL, find, read_list, update_list

SELECTORS = 4
LONGEST, LAST, PENULTIMATE, CONFIDENCE = range(SELECTORS)
STEPS = 0  # place in `Mixture.clock`
RATE, SLOWEST, DECAY, RECENCY_RATE, BIAS_RATE, THETA = range(6)  # places in `Mixture.rates`
EXCLUDE_AT = 2  # shorter orders do not learn what a longer one has met this often


class MixtureSpec(NamedTuple):
    """Contexts by name (orders first, ascending), the parent of each (0: no context,
    k: the k-th), and step sizes: weights max(``slowest``, ``rate`` / (1 + ``decay`` t))."""

    contexts: tuple[str, ...] = (
        "order1", "order2", "order3", "order4", "order5", "order6",
        "word", "word+last", "line", "word+before", "order8",
    )  # fmt: skip
    parents: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 2, 7, 1, 7, 6)
    rate: float = 0.005
    slowest: float = 0.0005
    decay: float = 1e-4
    recency_rate: float = 0.005
    bias_rate: float = 0.005
    theta: float = 0.05


class Mixture(NamedTuple):
    """State: K contexts, M = K + 1 (+ 1 with a network) members, V symbols."""

    select: Annotated[Int, "K"]  # places of the contexts' keys
    parent: Annotated[Int, "K"]  # row of `vectors` that context k refines
    orders: Annotated[Int, "1"]  # how many of the contexts are orders
    counts: Annotated[Float32, "V"]  # order 0
    weights: Annotated[Float32, "4 sets M"]
    recency: Annotated[Float32, "K 64"]  # R
    last_bias: Annotated[Float32, "V V"]  # B1
    pair_bias: Annotated[Float32, "rows V"]  # B2
    found: Annotated[Int, "K"]  # the contexts' slots
    newest: Annotated[Int, "K", SYMBOLS]  # their most recent symbols, or -1
    bucket: Annotated[Int, "K"]  # row of `recency`
    sets: Annotated[Int, "4"]  # sets of weights in use
    tail: Annotated[Int, "2", SYMBOLS]  # the last two symbols
    pair: Annotated[Int, "1"]  # row of `pair_bias`
    vectors: Annotated[Float32, "M V"]  # p_k
    logs: Annotated[Float32, "M V"]
    mean: Annotated[Float32, "M"]  # the mean of the sets in use, then the gradient
    logit: Annotated[Float32, "V"]
    q: Annotated[Float32, "V"]  # the prediction
    clock: Annotated[Int, "1"]  # symbols learned
    rates: Annotated[Float, "6"]

    @classmethod
    def create(
        cls, spec: MixtureSpec, symbols: int, network: bool, pairs: int = 1 << 13
    ) -> "Mixture":
        """A mixture that has seen nothing, with room for `symbols` symbols; `pairs` rows of
        corrections by the last two symbols (a power of two)."""
        K = len(spec.contexts)
        orders = sum(name.startswith("order") for name in spec.contexts[: K - 1])
        sizes = {"K": K, "V": symbols, "M": K + 1 + network, "rows": pairs}
        new = allocate(cls, sizes | {"sets": max(symbols, 16 * (orders + 2))})
        new.select[:] = places(spec.contexts)
        new.parent[:], new.orders[:] = spec.parents, orders
        new.weights[:], new.newest[:] = 1 / sizes["M"], -1
        new.rates[:] = (
            *(spec.rate, spec.slowest, spec.decay),
            *(spec.recency_rate, spec.bias_rate, spec.theta),
        )
        return new

    def resized(
        self, spec: MixtureSpec, kept: np.ndarray, symbols: int, network: bool
    ) -> "Mixture":
        """The mixture with room for `symbols` symbols: old symbol kept[i] is now symbol i."""
        new = Mixture.create(spec, symbols, network, len(self.pair_bias))
        n = len(kept)
        keep(self, new, kept)
        new.q[0] += max(0.0, self.q.sum() - self.q[kept].sum())
        renamed = np.zeros(len(self.q), np.int64)
        renamed[kept] = np.arange(n)
        for m in (LAST, PENULTIMATE):  # whose sets are symbols
            new.weights[m] = 1 / len(self.mean)
            new.weights[m, :n] = self.weights[m, kept]
            new.sets[m] = renamed[self.sets[m]]
        return new


@inlined
def order_zero(counts, seen, out):
    """Frequencies with half a count added; symbol 0, a new one, has a count of one."""
    total = F(1)
    for s in range(1, seen):
        total += counts[s] + F(0.5)
    z = F(1) / total
    out[0] = z
    for s in range(1, seen):
        out[s] = (counts[s] + F(0.5)) * z


@inlined
def interpolate(tables, slot, parent, theta, seen, out):
    """Eq. (1) for the context in `slot`; returns (most recent symbol, distinct symbols)."""
    symbols, counts = tables.symbols, tables.values
    n = read_list(tables, slot, symbols, counts)
    total = F(tables.slots[slot, TOTAL] & N_MASK)
    z = F(1) / (total + theta)
    kept = F(0)
    for i in range(n):
        c = counts[i]
        c -= F(0.5) if c == F(1) else F(0.6) if c == F(2) else F(0.7)
        counts[i] = c * z
        kept += c
    rest = (total - kept + theta) * z
    for s in range(seen):
        out[s] = rest * parent[s]
    for i in range(n):
        out[symbols[i]] += counts[i]
    return symbols[0], n


@inlined
def gather(mix, tables, keys, seen):
    """The members' predictions; returns the longest order seen, its N and its D."""
    order_zero(mix.counts, seen, mix.vectors[0])
    K = mix.select.size
    for k in range(K):
        mix.found[k] = find(tables.slots, keys[mix.select[k]], k)
    top, top_total, top_distinct = 0, 0, 0
    for k in range(K):
        slot = mix.found[k]
        out, parent = mix.vectors[k + 1], mix.vectors[mix.parent[k]]
        total = tables.slots[slot, TOTAL] & N_MASK
        if total == 0:
            mix.newest[k] = -1
            for s in range(seen):
                out[s] = parent[s]
        else:
            newest, distinct = interpolate(tables, slot, parent, F(mix.rates[THETA]), seen, out)
            mix.newest[k] = newest
            front = tables.slots[slot, FRONT] >> 16
            mix.bucket[k] = min(distinct - 1, 3) * 16 + min(total - 1, 3) * 4 + min(front - 1, 3)
            if k < mix.orders[0]:
                top, top_total, top_distinct = k + 1, np.int64(total), distinct
    return top, top_total, top_distinct


@inlined
def amount(n):
    """0, 1, 2, 3 for n < 2, < 4, < 10, more."""
    return 0 if n < 2 else 1 if n < 4 else 2 if n < 10 else 3


@inlined
def predict(mix, tables, network, history, seen, full):
    """q[:seen] of Eq. (2); `full`: no symbol is left to be new, so q[0] = 0."""
    top, total, distinct = gather(mix, tables, history.keys, seen)
    members = mix.select.size + 1
    for k in range(members):
        log_into(mix.vectors[k], seen, mix.logs[k])
    mix.sets[LONGEST] = top * 16 + min(distinct, 3) * 4 + amount(total)
    mix.sets[LAST] = mix.tail[0]
    mix.sets[PENULTIMATE] = mix.tail[1]
    mix.sets[CONFIDENCE] = 0
    if network is not None:
        soft_log_into(network.p, seen, mix.logs[members])
        mix.sets[CONFIDENCE] = np.int64(peak(network.p, seen) * F(31.9))
        members += 1
    mean_weights(mix.weights, mix.sets, members, mix.mean)
    mix.pair[0] = np.int64(history.keys[1] >> np.uint64(20)) & (mix.pair_bias.shape[0] - 1)
    one, two = mix.last_bias[mix.tail[0]], mix.pair_bias[mix.pair[0]]
    for s in range(seen):
        mix.logit[s] = one[s] + two[s]
    add_combination(mix.mean, mix.logs, members, seen, mix.logit)
    for k in range(mix.select.size):
        if mix.newest[k] >= 0:
            mix.logit[mix.newest[k]] += mix.recency[k, mix.bucket[k]]
    if full:
        mix.logit[0] = F(-1e30)
    softmax_into(mix.logit, seen, mix.q)
    if full:
        mix.q[0] = F(0)


@inlined
def soft_log_into(x, n, out):
    """out[:n] = log(x[:n] + 1e-9): a member that is sure must not be beyond repair"""
    for i in range(n):
        out[i] = log(x[i] + F(1e-9))


@inlined
def mean_weights(weights, sets, n, out):
    """out[:n] = mean over the four selected sets"""
    a, b = weights[0, sets[0]], weights[1, sets[1]]
    c, d = weights[2, sets[2]], weights[3, sets[3]]
    for k in range(n):
        out[k] = F(0.25) * (a[k] + b[k] + c[k] + d[k])


@inlined
def learn(mix, tables, target, seen):
    """Move weights and corrections along the gradient of log q(target)."""
    members = mix.mean.size
    rate = F(mix.rates[RECENCY_RATE])
    for k in range(mix.select.size):
        s = mix.newest[k]
        if s >= 0:
            hit = F(1) if s == target else F(0)
            mix.recency[k, mix.bucket[k]] += rate * (hit - mix.q[s])
    rate = F(mix.rates[BIAS_RATE])
    for row in (mix.last_bias[mix.tail[0]], mix.pair_bias[mix.pair[0]]):
        add_scaled(-rate, mix.q, seen, row)
        row[target] += rate
    t = np.float64(mix.clock[STEPS])
    rate = F(max(mix.rates[SLOWEST], mix.rates[RATE] / (1 + mix.rates[DECAY] * t)))
    rows_dot(mix.logs, mix.q, members, seen, mix.mean)
    for k in range(members):
        mix.mean[k] = mix.logs[k, target] - mix.mean[k]
    for m in range(SELECTORS):
        add_scaled(rate, mix.mean, members, mix.weights[m, mix.sets[m]])
    mix.clock[STEPS] += 1


@inlined
def count(mix, tables, keys, symbol):
    """Count `symbol` in its contexts, longest order first, with update exclusion."""
    mix.counts[symbol] += F(1)
    orders = mix.orders[0]
    for k in range(orders, mix.select.size):
        update_list(tables, keys[mix.select[k]], k, symbol)
    for k in range(orders - 1, -1, -1):
        if update_list(tables, keys[mix.select[k]], k, symbol) >= EXCLUDE_AT:
            break


@inlined
def shift(mix, symbol):
    """The newest symbol is now `symbol`."""
    mix.tail[1] = mix.tail[0]
    mix.tail[0] = symbol
