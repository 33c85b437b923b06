"""How often a novelty as large is to be expected: the tail of the past.

The stream so far is cut into 16 to 32 blocks of equal length, which doubles as the stream
grows.  A generalised extreme-value distribution is fitted to the blocks' maxima by weighted
L-moments (Hosking, Wallis & Wood 1985), the later blocks weighing more, its tail at least
exponential.  P(block maximum ≥ novelty) · blocks is how many are expected in as long a time
as has passed: the false alarms until the stream has doubled.
"""

from math import exp, expm1, gamma, log, log10

import numpy as np

from ..codegen.dispatch import kernel
from .state import (
    BLOCKS,
    COUNT,
    FILLED,
    LARGEST,
    LENGTH,
    LOCATION,
    READY,
    SCALE,
    TAIL_SHAPE,
)  # fmt: skip

FADE = 0.25  # share of the past in which a block's weight halves
LEAST, MOST, STILL = -2.0, 6.0, 4.0  # rarities: none, the rarest, any change where none was
TIE = 1e-6  # novelties are logarithms; a smaller difference is one of rounding
EULER = 0.5772157


@kernel
def rarity(marks, novelty):
    """−log₁₀ of the false alarms to expect until the stream has doubled, −2 … 6."""
    if marks[READY] == 0:
        return LEAST
    if marks[SCALE] <= 0:
        return STILL if novelty > marks[LOCATION] + TIE else LEAST
    z = (novelty - marks[LOCATION]) / marks[SCALE]
    if marks[TAIL_SHAPE] != 0:
        u = 1 - marks[TAIL_SHAPE] * z
        if u <= 0:
            return LEAST
        z = -log(u) / marks[TAIL_SHAPE]
    if z < -5:
        found = 0.0  # every block has held as much
    else:
        found = z / log(10.0) if z > 25 else -log10(-expm1(-exp(-z)))
    return max(LEAST, min(MOST, found - log10(marks[FILLED])))


@kernel
def count(marks, maxima, novelty):
    """Take *novelty* into its block; when that is full, fit anew."""
    marks[LARGEST] = max(marks[LARGEST], novelty)
    marks[COUNT] += 1
    if marks[COUNT] < marks[LENGTH]:
        return
    n = int(marks[FILLED])
    maxima[n] = marks[LARGEST]
    n += 1
    marks[COUNT], marks[LARGEST] = 0, -np.inf
    if n == 2 * BLOCKS:
        for i in range(BLOCKS):
            maxima[i] = max(maxima[2 * i], maxima[2 * i + 1])
        n = BLOCKS
        marks[LENGTH] *= 2
    marks[FILLED] = n
    if n >= BLOCKS:
        fit(marks, maxima[:n])


@kernel
def fit(marks, maxima):
    """GEV by L-moments: shape k = 7.859 c + 2.9554 c², here ≤ 0, no heavier than k = −½."""
    n = len(maxima)
    total = mean = 0.0
    for i in range(n):
        total += weight(i, n)
        mean += weight(i, n) * maxima[i]
    mean /= total
    b1 = b2 = 0.0  # of what is above the mean, so that the unit, a constant here, is none
    for i in range(n):
        below = 0.0
        for j in range(n):
            ahead = maxima[i] - maxima[j]
            if ahead > TIE or (ahead >= -TIE and j < i):
                below += weight(j, n)
        p = weight(i, n) / total
        share = below / total + p / 2
        b1 += p * share * (maxima[i] - mean)
        b2 += p * share * share * (maxima[i] - mean)
    spread = 2 * b1
    marks[READY] = 1.0
    if spread <= TIE:
        marks[LOCATION], marks[SCALE], marks[TAIL_SHAPE] = mean, 0.0, 0.0
        return
    c = 2 / (3 + (6 * b2 - 6 * b1) / spread) - log(2.0) / log(3.0)
    k = min(0.0, max(-0.5, 7.859 * c + 2.9554 * c * c))
    if k > -1e-6:
        scale = spread / log(2.0)
        marks[LOCATION], marks[SCALE], marks[TAIL_SHAPE] = mean - EULER * scale, scale, 0.0
        return
    g = gamma(1 + k)
    scale = spread * k / ((1 - 2.0**-k) * g)
    marks[LOCATION], marks[SCALE], marks[TAIL_SHAPE] = mean - scale * (1 - g) / k, scale, k


@kernel
def weight(i, n):
    """Of block *i* of *n*: halves in a quarter of the past."""
    return 0.5 ** ((n - 1 - i) / (FADE * n))
