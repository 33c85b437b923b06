"""Random numbers from a word that is part of the state, so that a restored run draws the same.

Marsaglia's xorshift generator on 64 bits (2003): only shifts and exclusive or.
"""

import numpy as np

from ..codegen.dispatch import kernel

A, B, C = np.uint64(13), np.uint64(7), np.uint64(17)
D, E, F = np.uint64(12), np.uint64(25), np.uint64(27)
STAR = 2685821657736338717
STAR_HIGH, STAR_LOW = np.uint64(STAR >> 32), np.uint64(STAR & 0xFFFFFFFF)
HALF, WIDTH, UPPER = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(21)
SEED = np.uint64(0x9E3779B97F4A7C15)
ONE, TO_DOUBLE = np.uint64(1), np.uint64(11)


@kernel
def advance_word(words):
    """The next 64 bits; words (1,) of uint64 is the generator."""
    x = words[0]
    x ^= x << A
    x ^= x >> B
    x ^= x << C
    words[0] = x
    return x


@kernel
def seed_word(words, seed):
    """Start the generator, unless it has been started: zeros are a new state."""
    if words[0] == 0:
        words[0] = SEED ^ np.uint64(seed)
        for _ in range(32):  # until near seeds have parted
            advance_word(words)


@kernel
def uniform(words):
    """A float64 in [0, 1)."""
    return (advance_word(words) >> TO_DOUBLE) * 2.0**-53


@kernel
def uniform_star(words):
    """A float64 in [0, 1) for draws that follow each other closely: xorshift64* (Vigna 2016).

    The product hides that successive words depend linearly on each other, which a process that
    draws a time, a column and a threshold in turn is seen to suffer from.
    """
    x = words[0]
    x ^= x >> D
    x ^= x << E
    x ^= x >> F
    words[0] = x
    low, high = x & HALF, x >> WIDTH  # x · STAR mod 2⁶⁴ by halves, without overflow
    product = low * STAR_LOW
    cross = ((low * STAR_HIGH) & HALF) + ((high * STAR_LOW) & HALF) + (product >> WIDTH)
    return (((cross & HALF) << UPPER) | ((product & HALF) >> TO_DOUBLE)) * 2.0**-53


@kernel
def signs(words, out):
    """Fill out (n,) with independent −1 and +1."""
    word = ONE
    for i in range(out.size):
        if i % 64 == 0:
            word = advance_word(words)
        out[i] = 1.0 if word & ONE else -1.0
        word = word >> ONE
