"""ADWIN (Bifet & Gavaldà 2007) as arrays: what river's keeps in a compiled object.

Values are kept in buckets of 1, 2, 4, … values, at most M of each size; a further one merges
the two oldest of its size.  Every `clock` values each boundary between buckets cuts the window
in two, of n₀ and n₁ values; there is a drift where

    |μ₀ − μ₁| > √(2 σ² ln(2 ln(n)/δ)/m) + (2/3) ln(2 ln(n)/δ)/m,                        (1)
    1/m = 1/(n₀ − least + 1) + 1/(n₁ − least + 1),   n = n₀ + n₁.

As with `river.drift.ADWIN`, the window starts anew after a drift.

>>> import numpy as np
>>> window = allocate()
>>> values = np.r_[np.zeros(500), np.ones(500)]
>>> [t for t, y in enumerate(values) if update(window, y)]
[511]
"""

from math import log, sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import kernel
from ..numerics import trees
from ..numerics.trees import Float, Int

LEVELS = 48  # sizes of buckets: more values than a stream has
TOTAL, SPREAD, WIDTH, TICK = range(4)
DELTA, CLOCK, MOST, LEAST, GRACE = range(5)


class Adwin(NamedTuple):
    """``sums[l, k]`` and ``spreads[l, k]``: the total of bucket k of 2ˡ values, oldest first,
    and the sum of squares around its mean."""

    settings: Annotated[Float, "5"]  # δ, clock, M, least, grace
    sums: Annotated[Float, "LEVELS M+1"]
    spreads: Annotated[Float, "LEVELS M+1"]
    counts: Annotated[Int, "LEVELS"]  # buckets in use
    whole: Annotated[
        Float, "4"
    ]  # total, sum of squares around the mean, values, ticks of the clock


def allocate(
    delta: float = 0.002,
    clock: int = 32,
    max_buckets: int = 5,
    min_window_length: int = 5,
    grace_period: int = 10,
) -> Adwin:
    """An empty window; the parameters are those of `river.drift.ADWIN`."""
    window = trees.allocate(Adwin, {"LEVELS": LEVELS, "M": max_buckets})
    window.settings[:] = delta, clock, max_buckets, min_window_length, grace_period
    return window


@kernel
def update(window, value):
    """Take in *value*; whether the window has drifted (it is empty then)."""
    whole = window.whole
    whole[WIDTH] += 1.0
    n = whole[WIDTH]
    if n > 1:
        deviation = value - whole[TOTAL] / (n - 1)
        whole[SPREAD] += (n - 1) * deviation * deviation / n
    whole[TOTAL] += value
    _insert(window, value)
    whole[TICK] += 1.0
    if whole[TICK] % window.settings[CLOCK] != 0 or n <= window.settings[GRACE]:
        return False
    if not _has_drifted(window):
        return False
    for level in range(LEVELS):
        window.counts[level] = 0
    for i in range(4):
        whole[i] = 0.0
    return True


@kernel
def _insert(window, value):
    """A bucket of one value; then merge, size by size, the two oldest of M + 1."""
    sums, spreads, counts = window.sums, window.spreads, window.counts
    most = int(window.settings[MOST])
    total, spread, size = value, 0.0, 1.0
    for level in range(LEVELS):
        sums[level, counts[level]], spreads[level, counts[level]] = total, spread
        counts[level] += 1
        if counts[level] <= most:
            return
        gap = sums[level, 0] / size - sums[level, 1] / size
        total = sums[level, 0] + sums[level, 1]
        spread = spreads[level, 0] + spreads[level, 1] + size * size * gap * gap / (size + size)
        for k in range(2, most + 1):
            sums[level, k - 2], spreads[level, k - 2] = sums[level, k], spreads[level, k]
        counts[level] = most - 1
        size *= 2.0


@kernel
def _has_drifted(window):
    """Whether Eq. (1) holds at any boundary, from the oldest bucket to the newest."""
    n, total = window.whole[WIDTH], window.whole[TOTAL]
    least, delta = window.settings[LEAST], window.settings[DELTA]
    weight = log(2.0 * log(n) / delta)
    variance = window.whole[SPREAD] / n
    n0, u0 = 0.0, 0.0
    for i in range(LEVELS):
        level = LEVELS - 1 - i
        size = 2.0**level
        for k in range(window.counts[level]):
            n0 += size
            u0 += window.sums[level, k]
            n1 = n - n0
            if n1 < least or n1 < 1 or n0 < least:
                continue
            share = 1.0 / (n0 - least + 1.0) + 1.0 / (n1 - least + 1.0)
            bound = sqrt(2.0 * share * variance * weight) + 2.0 / 3.0 * weight * share
            if abs(u0 / n0 - (total - u0) / n1) > bound:
                return True
    return False
