"""Bit mixture: every byte is eight binary decisions, each predicted by mixing many opinions.

At each node of the tree of byte prefixes every context gives up to three log odds (its
counter; what followed its history; its last byte), the match model two, and the network
and the symbol mixture one each: their byte distributions summed down the tree.  With x
these inputs, and a few sets m of weights selected by what is known (Mahoney 2005)::

    d_m = w_m · x,   p = σ(Σ v_m d_m),   p' = .35 p + .325 (A1[last byte](p) + A2[last two](p))

A1, A2 correct p by its past outcomes, interpolated between 33 places.  The distribution of
a byte is fixed before the byte: all eight decisions are scored with the same weights, and
everything moves afterwards, so that scoring one byte, listing all 256, and coding agree.
"""

from typing import NamedTuple

import numpy as np

from stream_rnn.text.counters import (
    empty_buckets,
    indirect_table,
    insert,
    next_counter,
    next_run,
    peek,
    rate_table,
)
from stream_rnn.text.history import KEYS
from stream_rnn.text.match import Match, advance, expected, length_bucket
from stream_rnn.text.numerics import (
    F,
    add_scaled,
    dot,
    inlined,
    kernel,
    log_odds_table,
    peak,
    scramble,
    sigmoid,
)

SETS = 8  # selectors of weights
SET_ROWS = 256
PLACES = 33  # of a correction table
MATCH_AT, BIAS_AT, ORDER0_AT, NETWORK_AT, MIXTURE_AT = range(0, 10, 2)  # beyond 3K inputs
RATE, SLOWEST, DECAY, SECOND_RATE, CORRECTION_RATE, CORRECTED = range(6)  # in `rates`


class BitSpec(NamedTuple):
    """Contexts by name, table size in buckets of 64 bytes (a power of two), step sizes."""

    contexts: tuple[str, ...] = (
        "order1", "order2", "order3", "order4", "order5", "order6",
        "word", "word+last", "line", "word+before",
    )  # fmt: skip
    buckets: int = 1 << 21
    rate: float = 0.02
    slowest: float = 0.001
    decay: float = 1e-4
    second_rate: float = 0.002
    correction_rate: float = 0.02
    corrected: float = 0.65
    counter_limit: float = 60.0
    history_limit: float = 400.0
    least_match: int = 8


class BitMixture(NamedTuple):
    """State: K contexts, n = 3K + 10 inputs padded to 16s; float32 unless said otherwise."""

    select: np.ndarray  # (K,) int64
    buckets: np.ndarray  # (B * 16,) uint32
    match: Match
    hashes: np.ndarray  # (K,) uint64
    base: np.ndarray  # (2, K) int64: buckets of the two nibbles, -1 for none
    indirect: np.ndarray  # (K, 4096): probability of a one after a history
    indirect_n: np.ndarray  # (K, 4096): its updates
    run: np.ndarray  # (K, 64 * 8): probability that a run of this length goes on
    order0: np.ndarray  # (2, 256): probability, updates
    match_p: np.ndarray  # (32 * 8,): probability that a match goes on
    match_byte_p: np.ndarray  # (65536,): the same for this byte
    weights: np.ndarray  # (8, 256, n)
    second: np.ndarray  # (3, 256, 8): v, the mean of three selected rows
    correction: np.ndarray  # (2, 65536, 33)
    x: np.ndarray  # (8, n): inputs of the eight decisions
    sets: np.ndarray  # (8, 8) int64: selected rows of weights
    odds: np.ndarray  # (8, 8): d_m
    second_sets: np.ndarray  # (8, 3) int64
    p: np.ndarray  # (8, 3): mixed and corrected probability, log odds of the mixed one
    corrections: np.ndarray  # (8, 2) int64: rows of `correction`
    tree: np.ndarray  # (2, 512): sums of the network's and the mixture's distributions
    leaves: np.ndarray  # (512,) float64: scratch of `distribute`
    last: np.ndarray  # (4,) int64: the last bytes; class of the network's confidence
    stretch: np.ndarray  # (4096,): log odds
    steps: np.ndarray  # (1,) int64
    counter_rates: np.ndarray  # (16,)
    limits: np.ndarray  # (1,): of indirect_n
    rates: np.ndarray  # (6,) float64

    @classmethod
    def create(cls, spec: BitSpec) -> "BitMixture":
        """A bit mixture that has seen nothing."""
        K = len(spec.contexts)
        n = -(-(3 * K + 10) // 16) * 16

        def zeros(*shape):
            return np.zeros(shape, F)

        run = np.arange(64, dtype=F).repeat(8)
        places = 1 / (1 + np.exp(-(np.arange(PLACES) - 16) / 2))
        length = np.arange(32, dtype=F).repeat(8)
        return cls(
            np.array([KEYS.index(name) for name in spec.contexts]),
            empty_buckets(spec.buckets), Match.create(least=spec.least_match),
            np.zeros(K, np.uint64), np.full((2, K), -1), indirect_table(K), zeros(K, 4096),
            np.tile((run + 1) / (run + F(1.6)), (K, 1)),
            np.array([np.full(256, 0.5), np.zeros(256)], F), (length + 2) / (length + 3),
            np.full(65536, 0.75, F), np.full((SETS, SET_ROWS, n), 0.15, F),
            np.full((3, SET_ROWS, SETS), 1 / SETS, F),
            np.ascontiguousarray(np.broadcast_to(places, (2, 65536, PLACES)), F),
            zeros(8, n), np.zeros((8, SETS), np.int64), zeros(8, SETS),
            np.zeros((8, 3), np.int64), zeros(8, 3), np.zeros((8, 2), np.int64),
            np.ones((2, 512), F), np.zeros(512), np.zeros(4, np.int64), log_odds_table(),
            np.zeros(1, np.int64), rate_table(spec.counter_limit),
            np.array([spec.history_limit], F),
            np.array([spec.rate, spec.slowest, spec.decay, spec.second_rate,
                      spec.correction_rate, spec.corrected]),
        )  # fmt: skip


# Before a byte -------------------------------------------------------------------------------


@kernel
def sum_down(p, seen, codes, new, tree):
    """tree[256 + byte] = its probability, tree[k] = tree[2k] + tree[2k+1]; `new` bytes that
    were not seen share p[0]."""
    rest = p[0] / F(max(new, 1))
    for b in range(256, 512):
        tree[b] = rest
    for s in range(1, seen):
        tree[256 + codes[s]] = p[s]
    for k in range(255, 0, -1):
        tree[k] = tree[2 * k] + tree[2 * k + 1]


@inlined
def prepare(bits, network, mixture, history, seen, codes, new):
    """Find the contexts of the position, and sum the members' distributions."""
    K = bits.select.size
    for i in range(K):
        bits.hashes[i] = scramble(history.keys[bits.select[i]], np.uint64(i + 100))
    for i in range(K):
        bits.base[0, i] = peek(bits.buckets, bits.hashes[i])
    if network is not None:
        sum_down(network.p, seen, codes, new, bits.tree[0])
        bits.last[3] = np.int64(peak(network.p, seen) * F(15.99))
    if mixture is not None:
        sum_down(mixture.q, seen, codes, new, bits.tree[1])


@kernel
def nibble_hash(h, prefix):
    """The hash of a context's bucket for the second nibble, after the first one."""
    return scramble(h, np.uint64(prefix + 77))


@inlined
def enter_second_nibble(bits, prefix):
    """Find the buckets for the second nibble; `prefix` is the first, with a leading 1."""
    for i in range(bits.select.size):
        bits.base[1, i] = peek(bits.buckets, nibble_hash(bits.hashes[i], prefix))


# One decision --------------------------------------------------------------------------------


@kernel
def node_in_bucket(depth, prefix):
    """Word of a bucket for the bits of the nibble so far."""
    return prefix if depth < 4 else (1 << (depth - 4)) | (prefix & ((1 << (depth - 4)) - 1))


@kernel
def context_inputs(K, buckets, first, base, node, depth, prefix, indirect, run, stretch, x):
    """x[:3K] from the contexts' counters, histories and runs; returns how many are known."""
    known = 0
    for i in range(K):
        x[i] = x[K + i] = x[2 * K + i] = F(0)
        if base[i] >= 0:
            word = np.int64(buckets[base[i] + node])
            if word & 4095 != 0:
                known += 1
                x[i] = stretch[np.int64(indirect[i, word & 4095] * F(4095.99))]
                x[K + i] = stretch[word >> 20]
        if first[i] >= 0:
            word = np.int64(buckets[first[i]])
            length, byte = word & 255, ((word >> 8) & 255) | 256
            if length > 0 and byte >> (8 - depth) == prefix:
                vote = stretch[np.int64(run[i, min(length, 63) * 8 + depth] * F(4095.99))]
                x[2 * K + i] = vote if (byte >> (7 - depth)) & 1 else -vote
    return known


@kernel
def match_inputs(byte, length, depth, prefix, match_p, match_byte_p, stretch, x):
    """x[:2]: log odds that the match goes on; returns whether there is one at this node."""
    x[0] = x[1] = F(0)
    if byte < 0 or (byte | 256) >> (8 - depth) != prefix:
        return False
    sign = F(1) if (byte >> (7 - depth)) & 1 else F(-1)
    row = length * 8 + depth
    x[0] = sign * stretch[np.int64(match_p[row] * F(4095.99))]
    x[1] = sign * stretch[np.int64(match_byte_p[byte << 8 | row] * F(4095.99))]
    return True


@kernel
def tree_odds(tree, prefix):
    """Log odds of a one after `prefix`, within ±11.5."""
    p = tree[2 * prefix + 1] / tree[prefix]
    p = min(max(p, F(1e-5)), F(1 - 1e-5))
    return F(np.log(p / (F(1) - p)))


@kernel
def certainty(word):
    """0..15 from a counter's history: how many zeros and ones, up to three each."""
    return min(word & 31, 3) * 4 + min((word >> 5) & 31, 3)


@inlined
def select_sets(bits, depth, prefix, node, known, matched):
    """Rows of weights for this decision."""
    sets, second = bits.sets[depth], bits.second_sets[depth]
    base = bits.base[0 if depth < 4 else 1]
    length = length_bucket(bits.match) if matched else 0
    high = np.int64(bits.buckets[base[4] + node]) if base[4] >= 0 else 0
    low = np.int64(bits.buckets[base[2] + node]) if base[2] >= 0 else 0
    sets[0] = length * 8 + depth
    sets[1] = prefix
    sets[2] = bits.last[0]
    sets[3] = min(known, 15) * 8 + depth
    sets[4] = certainty(high) * 16 + certainty(low)
    sets[5] = bits.last[1]
    sets[6] = bits.last[3] * 8 + depth
    sets[7] = bits.last[2]
    second[0] = prefix
    second[1] = length * 8 + depth
    second[2] = bits.last[0]


@kernel
def mix(weights, sets, x, second, second_sets, odds):
    """d_m of every set, and Σ v_m d_m."""
    total = F(0)
    a, b, c = second[0, second_sets[0]], second[1, second_sets[1]], second[2, second_sets[2]]
    for m in range(sets.size):
        d = dot(weights[m, sets[m]], x, x.size)
        d = min(max(d, F(-12)), F(12))
        odds[m] = d
        total += (a[m] + b[m] + c[m]) * d
    return total * F(1 / 3)


@kernel
def place_of(odds):
    """Where log odds fall between the places of a correction table: index and fraction."""
    at = (min(max(odds, F(-7.999)), F(7.999)) + F(8)) * F(2)
    j = np.int64(at)
    return j, at - F(j)


@kernel
def probability(odds, correction, rows, corrected, p):
    """p[0]: of a one; returns p[1]: corrected."""
    p[0] = sigmoid(odds)
    p[2] = odds
    j, w = place_of(odds)
    a, b = correction[0, rows[0]], correction[1, rows[1]]
    fixed = (a[j] + b[j]) * (F(1) - w) + (a[j + 1] + b[j + 1]) * w
    q = (F(1) - corrected) * p[0] + corrected * F(0.5) * fixed
    p[1] = min(max(q, F(1 / 65536)), F(1 - 1 / 65536))
    return p[1]


@inlined
def decide(bits, network, mixture, history, depth, prefix):
    """The probability of a one after `prefix`; what it came from stays at bits.x[depth] ..."""
    K = bits.select.size
    x, node = bits.x[depth], node_in_bucket(depth, prefix)
    nibble = 0 if depth < 4 else 1
    known = context_inputs(
        K, bits.buckets, bits.base[0], bits.base[nibble], node, depth, prefix, bits.indirect,
        bits.run, bits.stretch, x,
    )  # fmt: skip
    rest = x[3 * K :]
    matched = match_inputs(
        expected(bits.match), length_bucket(bits.match), depth, prefix, bits.match_p,
        bits.match_byte_p, bits.stretch, rest,
    )  # fmt: skip
    rest[BIAS_AT] = F(0.4)
    rest[ORDER0_AT] = bits.stretch[np.int64(bits.order0[0, prefix] * F(4095.99))]
    if network is not None:
        rest[NETWORK_AT] = tree_odds(bits.tree[0], prefix)
    if mixture is not None:
        rest[MIXTURE_AT] = tree_odds(bits.tree[1], prefix)
    select_sets(bits, depth, prefix, node, known, matched)
    second_sets, rows = bits.second_sets[depth], bits.corrections[depth]
    odds = mix(bits.weights, bits.sets[depth], x, bits.second, second_sets, bits.odds[depth])
    rows[0] = bits.last[0] << 8 | prefix
    rows[1] = np.int64(scramble(history.keys[1], np.uint64(prefix)) >> np.uint64(20)) & 0xFFFF
    return probability(odds, bits.correction, rows, F(bits.rates[CORRECTED]), bits.p[depth])


@inlined
def score(bits, network, mixture, history, byte):
    """The probability of `byte`."""
    p, prefix = 1.0, 1
    for depth in range(8):
        if depth == 4:
            enter_second_nibble(bits, prefix)
        one = np.float64(decide(bits, network, mixture, history, depth, prefix))
        bit = (byte >> (7 - depth)) & 1
        p *= one if bit else 1.0 - one
        prefix = prefix << 1 | bit
    return p


@inlined
def distribute(bits, network, mixture, history, p):
    """p[256 + byte]: probabilities of all bytes; p[k] of the prefix k."""
    p[1] = 1.0
    for prefix in range(1, 16):
        branch(bits, network, mixture, history, prefix, p)
    for nibble in range(16, 32):
        enter_second_nibble(bits, nibble)
        for below in range(4):
            for low in range(1 << below):
                branch(bits, network, mixture, history, nibble << below | low, p)


@inlined
def branch(bits, network, mixture, history, prefix, p):
    """Divide p[prefix] between its two continuations."""
    depth = 0
    while prefix >> (depth + 1) > 0:
        depth += 1
    one = np.float64(decide(bits, network, mixture, history, depth, prefix))
    p[2 * prefix] = p[prefix] * (1.0 - one)
    p[2 * prefix + 1] = p[prefix] * one


# After the byte ------------------------------------------------------------------------------


@kernel
def learn_mixing(bits, depth, bit, rate):
    """Weights, second weights and corrections of one decision."""
    y = F(bit)
    x, odds, p = bits.x[depth], bits.odds[depth], bits.p[depth]
    step = (y - p[0]) * F(bits.rates[SECOND_RATE])
    for k in range(3):
        add_scaled(step, odds, SETS, bits.second[k, bits.second_sets[depth, k]])
    for m in range(SETS):
        error = (y - sigmoid(odds[m])) * rate
        add_scaled(error, x, x.size, bits.weights[m, bits.sets[depth, m]])
    j, w = place_of(p[2])
    move = F(bits.rates[CORRECTION_RATE])
    for k in range(2):
        row = bits.correction[k, bits.corrections[depth, k]]
        row[j] += (y - row[j]) * move * (F(1) - w)
        row[j + 1] += (y - row[j + 1]) * move * w


@kernel
def learn_contexts(K, buckets, first, base, node, depth, byte, indirect, indirect_n, run, rates,
                   limit):  # fmt: skip
    """Counters, histories and runs of one decision."""
    bit = (byte >> (7 - depth)) & 1
    y = F(bit)
    for i in range(K):
        at = base[i] + node
        word = buckets[at]
        state = np.int64(word) & 4095
        if state != 0:
            n = min(indirect_n[i, state] + F(1), limit)
            indirect_n[i, state] = n
            indirect[i, state] += (y - indirect[i, state]) / (n + F(1.5))
        buckets[at] = next_counter(word, bit, rates)
        head = np.int64(buckets[first[i]])
        length, last = head & 255, (head >> 8) & 255
        if length > 0 and (last ^ byte) >> (8 - depth) == 0:
            hit = F(1) if ((last ^ byte) >> (7 - depth)) & 1 == 0 else F(0)
            row = min(length, 63) * 8 + depth
            run[i, row] += (hit - run[i, row]) * F(0.01)


@kernel
def learn_match(bits, depth, byte):
    """How far the match can be trusted."""
    guess = expected(bits.match)
    if guess >= 0 and (guess ^ byte) >> (8 - depth) == 0:
        hit = F(1) if ((guess ^ byte) >> (7 - depth)) & 1 == 0 else F(0)
        row = length_bucket(bits.match) * 8 + depth
        bits.match_p[row] += (hit - bits.match_p[row]) * F(0.008)
        row |= guess << 8
        bits.match_byte_p[row] += (hit - bits.match_byte_p[row]) * F(0.02)


@kernel
def claim_buckets(bits, byte):
    """Buckets for the contexts that have none yet."""
    for i in range(bits.select.size):
        if bits.base[0, i] < 0:
            bits.base[0, i] = insert(bits.buckets, bits.hashes[i])
        if bits.base[1, i] < 0:
            h = nibble_hash(bits.hashes[i], 16 | byte >> 4)
            bits.base[1, i] = insert(bits.buckets, h)


@kernel
def learn(bits, byte):
    """Learn the byte that `score` was asked for, and move past it."""
    K = bits.select.size
    t = np.float64(bits.steps[0])
    rate = F(max(bits.rates[SLOWEST], bits.rates[RATE] / (1 + bits.rates[DECAY] * t)))
    claim_buckets(bits, byte)
    for depth in range(8):
        prefix = (256 | byte) >> (8 - depth)
        bit = (byte >> (7 - depth)) & 1
        learn_mixing(bits, depth, bit, rate)
        learn_contexts(
            K, bits.buckets, bits.base[0], bits.base[0 if depth < 4 else 1],
            node_in_bucket(depth, prefix), depth, byte, bits.indirect, bits.indirect_n, bits.run,
            bits.counter_rates, bits.limits[0],
        )  # fmt: skip
        learn_match(bits, depth, byte)
        n = bits.order0[1, prefix] + F(1)
        bits.order0[1, prefix] = n
        step = F(1) / min(n + F(1.5), F(250))
        bits.order0[0, prefix] += (F(bit) - bits.order0[0, prefix]) * step
    for i in range(K):
        bits.buckets[bits.base[0, i]] = next_run(bits.buckets[bits.base[0, i]], byte)
    bits.steps[0] += 1


@inlined
def shift(bits, byte):
    """The newest byte is now `byte`."""
    advance(bits.match, byte)
    bits.last[2] = bits.last[1]
    bits.last[1] = bits.last[0]
    bits.last[0] = byte
