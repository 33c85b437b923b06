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

from typing import Annotated, NamedTuple

import numpy as np

from ...errors import ConfigError
from ...numerics.float32 import F, log_odds_table
from ...numerics.trees import SCRATCH, Float, Float32, Int, UInt32, Word, allocate
from ..contexts.history import places
from .counters import indirect_table, rate_table
from .match import Match

SETS = 8  # selectors of weights
SET_ROWS = 256
RANKED = "order5", "order3"
PLACES = 33  # of a correction table
# Inputs beyond the 3K of the contexts; the match model has two.
BIAS_AT, ORDER0_AT, NETWORK_AT, SECOND_AT, MIXTURE_AT, ORDER_AT = 2, 4, 6, 7, 8, 9
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
    """State: K contexts, n = 3K + 10 inputs padded to 16s, B buckets."""

    select: Annotated[Int, "K"]
    ranks: Annotated[Int, "2", SCRATCH]  # the contexts whose certainty selects weights
    buckets: Annotated[UInt32, "16B"]
    match: Match
    hashes: Annotated[Word, "K"]
    base: Annotated[Int, "2 K"]  # buckets of the two nibbles, -1 for none
    indirect: Annotated[Float32, "K 4096"]  # probability of a one after a history
    indirect_n: Annotated[Float32, "K 4096"]  # its updates
    run: Annotated[Float32, "K 512"]  # probability that a run of this length goes on
    order0: Annotated[Float32, "2 256"]  # probability, updates
    match_p: Annotated[Float32, "256"]  # probability that a match goes on
    match_byte_p: Annotated[Float32, "65536"]  # the same for this byte
    weights: Annotated[Float32, "8 256 n"]
    second: Annotated[Float32, "3 256 8"]  # v, the mean of three selected rows
    correction: Annotated[Float32, "2 65536 33"]
    x: Annotated[Float32, "8 n", SCRATCH]  # inputs of the eight decisions
    sets: Annotated[Int, "8 8", SCRATCH]  # selected rows of weights
    odds: Annotated[Float32, "8 8", SCRATCH]  # d_m
    second_sets: Annotated[Int, "8 3", SCRATCH]
    p: Annotated[
        Float32, "8 3", SCRATCH
    ]  # mixed and corrected probability, log odds of the mixed one
    corrections: Annotated[Int, "8 2", SCRATCH]  # rows of `correction`
    tree: Annotated[Float32, "4 512"]  # sums of the other members' distributions down the tree
    leaves: Annotated[Float, "512", SCRATCH]  # of `distribute`
    last: Annotated[Int, "4"]  # the last bytes; class of the network's confidence
    stretch: Annotated[Float32, "4096"]  # log odds
    steps: Annotated[Int, "1"]
    counter_rates: Annotated[Float32, "16"]
    limits: Annotated[Float32, "1"]  # of indirect_n
    rates: Annotated[Float, "6"]

    @classmethod
    def create(cls, spec: BitSpec) -> "BitMixture":
        """A bit mixture that has seen nothing; raises `ConfigError`."""
        K = len(spec.contexts)
        if K == 0:
            raise ConfigError("contexts: none; give at least one, or no bits")
        sizes = {"K": K, "n": -(-(3 * K + 10) // 16) * 16, "B": spec.buckets}
        new = allocate(cls, sizes, match=Match.fields())
        new.match.least[0] = spec.least_match
        new.select[:] = places(spec.contexts)
        new.ranks[:] = [_place(name, spec.contexts) for name in RANKED]
        new.base[:], new.tree[:] = -1, 1
        new.indirect[:] = indirect_table(K)
        run, length = np.arange(64, dtype=F).repeat(8), np.arange(32, dtype=F).repeat(8)
        new.run[:] = (run + 1) / (run + F(1.6))
        new.order0[0] = 0.5
        new.match_p[:], new.match_byte_p[:] = (length + 2) / (length + 3), 0.75
        new.weights[:], new.second[:] = 0.15, 1 / SETS
        new.correction[:] = 1 / (1 + np.exp(-(np.arange(PLACES) - 16) / 2))
        new.stretch[:], new.counter_rates[:] = log_odds_table(), rate_table(spec.counter_limit)
        new.limits[0] = spec.history_limit
        new.rates[:] = (
            *(spec.rate, spec.slowest, spec.decay, spec.second_rate),
            *(spec.correction_rate, spec.corrected),
        )
        return new


def _place(name: str, contexts: tuple[str, ...]) -> int:
    """Where a context is; the last one stands in for one that is not there."""
    return contexts.index(name) if name in contexts else len(contexts) - 1
