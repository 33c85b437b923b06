"""The bit mixture after a byte: everything that learns; see `state`."""

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import F, add_scaled, sigmoid
from .counters import insert, next_counter, next_run
from .match import advance, expected, length_bucket
from .predict import nibble_hash, node_in_bucket, place_of
from .state import CORRECTION_RATE, DECAY, RATE, SECOND_RATE, SETS, SLOWEST


@inlined
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


@inlined
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


@inlined
def learn_match(bits, depth, byte):
    """How far the match can be trusted."""
    guess = expected(bits.match)
    if guess >= 0 and (guess ^ byte) >> (8 - depth) == 0:
        hit = F(1) if ((guess ^ byte) >> (7 - depth)) & 1 == 0 else F(0)
        row = length_bucket(bits.match) * 8 + depth
        bits.match_p[row] += (hit - bits.match_p[row]) * F(0.008)
        row |= guess << 8
        bits.match_byte_p[row] += (hit - bits.match_byte_p[row]) * F(0.02)


@inlined
def claim_buckets(bits, byte):
    """Buckets for the contexts that have none yet."""
    for i in range(bits.select.size):
        if bits.base[0, i] < 0:
            bits.base[0, i] = insert(bits.buckets, bits.hashes[i])
        if bits.base[1, i] < 0:
            h = nibble_hash(bits.hashes[i], 16 | byte >> 4)
            bits.base[1, i] = insert(bits.buckets, h)


@inlined
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
