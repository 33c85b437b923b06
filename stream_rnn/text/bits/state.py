"""Bit mixture: every byte is eight binary decisions, each predicted by mixing many opinions.

At each node of the tree of byte prefixes every context gives up to three log odds (its
counter; what followed its history; its last byte), the match model two; the networks, the
symbol mixture and its longest order give one each: their byte distributions summed down
the tree.  With x
these inputs, and a few sets m of weights selected by what is known (Mahoney 2005)::

    d_m = w_m · x,   p = σ(Σ v_m d_m),   p' = .35 p + .325 (A1[last byte](p) + A2[last two](p))

A1, A2 correct p by its past outcomes, interpolated between 33 places.  The distribution of
a byte is fixed before the byte: all eight decisions are scored with the same weights, and
everything moves afterwards, so that scoring one byte, listing all 256, and coding agree.
"""

from typing import NamedTuple

import numpy as np

from ...numerics.float32 import F, log_odds_table
from ..contexts.history import KEYS
from .counters import empty_buckets, indirect_table, rate_table
from .match import Match

SETS = 8  # selectors of weights
SET_ROWS = 256
PLACES = 33  # of a correction table
# Inputs beyond the 3K of the contexts; the match model has two.
MATCH_AT, BIAS_AT, ORDER0_AT, NETWORK_AT, SECOND_AT, MIXTURE_AT, ORDER_AT = 0, 2, 4, 6, 7, 8, 9
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
    tree: np.ndarray  # (4, 512): sums of the other members' distributions down the tree
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
            np.ones((4, 512), F), np.zeros(512), np.zeros(4, np.int64), log_odds_table(),
            np.zeros(1, np.int64), rate_table(spec.counter_limit),
            np.array([spec.history_limit], F),
            np.array([spec.rate, spec.slowest, spec.decay, spec.second_rate,
                      spec.correction_rate, spec.corrected]),
        )  # fmt: skip
