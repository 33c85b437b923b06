"""Bit statistics: hashed buckets of 15 counters, one for each prefix of four bits.

A bucket of 16 words (one cache line) belongs to a context and a nibble.  Word 0 is
check << 16 | last byte << 8 | its run; the others are counters: probability of a one << 16
| number of updates, up to 15, << 12 | history.  The history is the last two bits and
bounded counts of ones and zeros; what followed such histories before is the indirect
prediction (Mahoney's nonstationary states, in 12 bits).
"""

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import F
from ...numerics.places import aligned

WORDS = 16
HISTORIES = 4096
COUNT_LIMIT = 31
KEEP = 3  # of the opposite count, half of what is above this is kept


def empty_buckets(n: int) -> np.ndarray:
    """n buckets (n * 16,) uint32, each on a cache line of its own."""
    return aligned((n * WORDS,), np.dtype(np.uint32))


def pack_buckets(buckets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The buckets in use (m, 16), and their numbers (m,)."""
    rows = buckets.reshape(-1, WORDS)
    used = np.flatnonzero(rows.any(axis=1))
    return rows[used], used


def unpack_buckets(rows: np.ndarray, used: np.ndarray, words: int) -> np.ndarray:
    """Undo `pack_buckets`."""
    buckets = empty_buckets(words // WORDS)
    buckets.reshape(-1, WORDS)[used] = rows
    return buckets


def indirect_table(contexts: int) -> np.ndarray:
    """(contexts, 4096) float32: a first guess from the counts in a history."""
    i = np.arange(HISTORIES)
    zeros, ones = i & 31, (i >> 5) & 31
    return np.tile(((ones + 0.4) / (zeros + ones + 0.8)).astype(F), (contexts, 1))


def rate_table(limit: float) -> np.ndarray:
    """(16,) float32: step of the probability by number of updates; 1 / limit from 15 on."""
    rates = 1 / (np.arange(16) + 1.6)
    rates[15] = 1 / limit
    return rates.astype(F)


@inlined
def peek(buckets, h):
    """First word of the bucket of hash h, or -1 if there is none."""
    check = np.int64((h >> np.uint64(40)) & np.uint64(0xFFFF))
    i = np.int64(h & np.uint64(0xFFFFFFFF)) & (buckets.size // WORDS - 1)
    for k in range(3):
        j = (i ^ k) * WORDS
        if np.int64(buckets[j] >> np.uint32(16)) == check and buckets[j + 1] != 0:
            return j
    return -1


@inlined
def insert(buckets, h):
    """A cleared bucket for hash h: a free one of three, or the one used least."""
    check = np.int64((h >> np.uint64(40)) & np.uint64(0xFFFF))
    i = np.int64(h & np.uint64(0xFFFFFFFF)) & (buckets.size // WORDS - 1)
    best, fewest = 0, 1 << 30
    for k in range(3):
        j = (i ^ k) * WORDS
        state = np.int64(buckets[j + 1])
        uses = (state & 31) + ((state >> 5) & 31) if state != 0 else -1
        if uses < fewest:
            best, fewest = j, uses
    for w in range(WORDS):
        buckets[best + w] = np.uint32(0)
    buckets[best] = np.uint32(check << 16)
    return best


@inlined
def next_history(state, bit):
    """The history after one more bit."""
    zeros, ones, last = state & 31, (state >> 5) & 31, (state >> 10) & 3
    if bit:
        ones = min(ones + 1, COUNT_LIMIT)
        if zeros > KEEP:
            zeros = (zeros + KEEP) // 2
    else:
        zeros = min(zeros + 1, COUNT_LIMIT)
        if ones > KEEP:
            ones = (ones + KEEP) // 2
    return (((last << 1) | bit) & 3) << 10 | ones << 5 | zeros


@inlined
def next_counter(word, bit, rates):
    """The counter after one more bit."""
    word = np.int64(word)
    state, n = word & 4095, (word >> 12) & 15
    p = F(word >> 16) if state != 0 else F(32768)
    p += (F(bit) * F(65535) - p) * rates[n]
    return np.uint32(np.int64(p) << 16 | min(n + 1, 15) << 12 | next_history(state, bit))


@inlined
def next_run(word, byte):
    """Word 0 after the context was followed by `byte`."""
    word = np.int64(word)
    run, last = word & 255, (word >> 8) & 255
    run = min(run + 1, 255) if run > 0 and last == byte else 1
    return np.uint32((word & 0xFFFF0000) | byte << 8 | run)
