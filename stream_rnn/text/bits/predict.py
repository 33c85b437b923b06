"""The bit mixture before a byte: contexts found, decisions made; see `state`."""

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import F, dot, peak, scramble, sigmoid
from .counters import peek
from .match import expected, length_bucket
from .state import BIAS_AT, CORRECTED, MIXTURE_AT, NETWORK_AT, ORDER0_AT, ORDER_AT, SECOND_AT


@inlined
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
def prepare(bits, network, second, mixture, history, seen, codes, new):
    """Find the contexts of the position, and sum the members' distributions."""
    K = bits.select.size
    for i in range(K):
        bits.hashes[i] = scramble(history.keys[bits.select[i]], np.uint64(i + 100))
    for i in range(K):
        bits.base[0, i] = peek(bits.buckets, bits.hashes[i])
    if network is not None:
        sum_down(network.p, seen, codes, new, bits.tree[0])
        bits.last[3] = np.int64(peak(network.p, seen) * F(15.99))
    if second is not None:
        sum_down(second.p, seen, codes, new, bits.tree[2])
    if mixture is not None:
        sum_down(mixture.q, seen, codes, new, bits.tree[1])
        sum_down(mixture.vectors[mixture.orders[0]], seen, codes, new, bits.tree[3])


@inlined
def nibble_hash(h, prefix):
    """The hash of a context's bucket for the second nibble, after the first one."""
    return scramble(h, np.uint64(prefix + 77))


@inlined
def enter_second_nibble(bits, prefix):
    """Find the buckets for the second nibble; `prefix` is the first, with a leading 1."""
    for i in range(bits.select.size):
        bits.base[1, i] = peek(bits.buckets, nibble_hash(bits.hashes[i], prefix))


# One decision --------------------------------------------------------------------------------


@inlined
def node_in_bucket(depth, prefix):
    """Word of a bucket for the bits of the nibble so far."""
    return prefix if depth < 4 else (1 << (depth - 4)) | (prefix & ((1 << (depth - 4)) - 1))


@inlined
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


@inlined
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


@inlined
def tree_odds(tree, prefix):
    """Log odds of a one after `prefix`, within ±11.5."""
    p = tree[2 * prefix + 1] / tree[prefix]
    p = min(max(p, F(1e-5)), F(1 - 1e-5))
    return F(np.log(p / (F(1) - p)))


@inlined
def certainty(word):
    """0..15 from a counter's history: how many zeros and ones, up to three each."""
    return min(word & 31, 3) * 4 + min((word >> 5) & 31, 3)


@inlined
def select_sets(bits, depth, prefix, node, known, matched):
    """Rows of weights for this decision."""
    sets, second = bits.sets[depth], bits.second_sets[depth]
    base = bits.base[0 if depth < 4 else 1]
    length = length_bucket(bits.match) if matched else 0
    a, b = bits.ranks[0], bits.ranks[1]
    high = np.int64(bits.buckets[base[a] + node]) if base[a] >= 0 else 0
    low = np.int64(bits.buckets[base[b] + node]) if base[b] >= 0 else 0
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


@inlined
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


@inlined
def place_of(odds):
    """Where log odds fall between the places of a correction table: index and fraction."""
    at = (min(max(odds, F(-7.999)), F(7.999)) + F(8)) * F(2)
    j = np.int64(at)
    return j, at - F(j)


@inlined
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
def decide(bits, network, second, mixture, history, depth, prefix):
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
    if second is not None:
        rest[SECOND_AT] = tree_odds(bits.tree[2], prefix)
    if mixture is not None:
        rest[MIXTURE_AT] = tree_odds(bits.tree[1], prefix)
        rest[ORDER_AT] = tree_odds(bits.tree[3], prefix)
    select_sets(bits, depth, prefix, node, known, matched)
    second_sets, rows = bits.second_sets[depth], bits.corrections[depth]
    odds = mix(bits.weights, bits.sets[depth], x, bits.second, second_sets, bits.odds[depth])
    rows[0] = bits.last[0] << 8 | prefix
    rows[1] = np.int64(scramble(history.keys[1], np.uint64(prefix)) >> np.uint64(20)) & 0xFFFF
    return probability(odds, bits.correction, rows, F(bits.rates[CORRECTED]), bits.p[depth])


@inlined
def score(bits, network, second, mixture, history, byte):
    """The probability of `byte`."""
    p, prefix = 1.0, 1
    for depth in range(8):
        if depth == 4:
            enter_second_nibble(bits, prefix)
        one = np.float64(decide(bits, network, second, mixture, history, depth, prefix))
        bit = (byte >> (7 - depth)) & 1
        p *= one if bit else 1.0 - one
        prefix = prefix << 1 | bit
    return p


@inlined
def distribute(bits, network, second, mixture, history, p):
    """p[256 + byte]: probabilities of all bytes; p[k] of the prefix k."""
    p[1] = 1.0
    for prefix in range(1, 16):
        branch(bits, network, second, mixture, history, prefix, p)
    for nibble in range(16, 32):
        enter_second_nibble(bits, nibble)
        for below in range(4):
            for low in range(1 << below):
                branch(bits, network, second, mixture, history, nibble << below | low, p)


@inlined
def branch(bits, network, second, mixture, history, prefix, p):
    """Divide p[prefix] between its two continuations."""
    depth = 0
    while prefix >> (depth + 1) > 0:
        depth += 1
    one = np.float64(decide(bits, network, second, mixture, history, depth, prefix))
    p[2 * prefix] = p[prefix] * (1.0 - one)
    p[2 * prefix + 1] = p[prefix] * one
