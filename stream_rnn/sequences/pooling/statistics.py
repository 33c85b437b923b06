"""Statistics of a sequence's channels, a step at a time, in float64.

Mean and co-moments by Welford's update: with d = x − μ before the step and n steps after it,

    μ ← μ + d/n,   Q_ij ← Q_ij + d_i (x_j − μ_j)                                         (1)

What is asked about differences and neighbours is summed over a = x − x₁, so that a large level
costs no digits: with ā the mean of a over T steps, and sums over t = 2…T,

    lag-1 covariance = (Σ a_t a_{t−1} − ā (Σ a_t + Σ a_{t−1}) + (T − 1) ā²) / (T − 1)     (2)

A missing value (NaN) is passed over: n and T count what is there in each channel, and in (1) it
stands for the mean.
"""

from math import inf, isnan, log, nan, sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import kernel
from ...numerics.trees import Float
from . import columns
from .columns import BINS, PAIRED, STATISTICS

FLOOR = 1e-3  # of a deviation, beside that of all steps so far: what counts as constant


class Sums(NamedTuple):
    """Of m channels, p = min(m, PAIRED) of them in pairs."""

    known: Annotated[Float, "m"]  # n
    mean: Annotated[Float, "m"]  # μ
    square: Annotated[Float, "m"]  # Q_jj
    least: Annotated[Float, "m"]
    largest: Annotated[Float, "m"]
    first: Annotated[Float, "m"]  # x₁
    last: Annotated[Float, "m"]
    moved: Annotated[Float, "m"]  # Σ (x_t − x_{t−1})²
    way: Annotated[Float, "m"]  # Σ |x_t − x_{t−1}|
    beside: Annotated[Float, "m"]  # Σ a_t a_{t−1}
    pairs: Annotated[Float, "p p"]  # Q_ij, i ≤ j at [j, i]


class Step(NamedTuple):
    """Scratch of one step."""

    before: Annotated[Float, "m"]  # d
    after: Annotated[Float, "m"]  # x − μ


@kernel
def clear(sums):
    """A sequence without steps."""
    for j in range(sums.known.size):
        sums.known[j] = sums.mean[j] = sums.square[j] = 0.0
        sums.moved[j] = sums.way[j] = sums.beside[j] = 0.0
        sums.least[j], sums.largest[j] = inf, -inf
        sums.first[j] = sums.last[j] = nan
    for j in range(sums.pairs.shape[0]):
        for i in range(j + 1):
            sums.pairs[j, i] = 0.0


@kernel
def take(sums, step, x):
    """Eqs. (1) and (2) for one step x (m,)."""
    for j in range(x.size):
        step.before[j] = step.after[j] = 0.0
        if not isnan(x[j]):
            take_one(sums, step, j, x[j])
    for j in range(sums.pairs.shape[0]):
        for i in range(j + 1):
            sums.pairs[j, i] += step.before[j] * step.after[i]


@kernel
def take_one(sums, step, j, x):
    if sums.known[j] == 0:
        sums.first[j] = x
    else:
        d = x - sums.last[j]
        sums.moved[j] += d * d
        sums.way[j] += abs(d)
        sums.beside[j] += (x - sums.first[j]) * (sums.last[j] - sums.first[j])
    sums.known[j] += 1
    step.before[j] = x - sums.mean[j]
    sums.mean[j] += step.before[j] / sums.known[j]
    step.after[j] = x - sums.mean[j]
    sums.square[j] += step.before[j] * step.after[j]
    sums.least[j] = min(sums.least[j], x)
    sums.largest[j] = max(sums.largest[j], x)
    sums.last[j] = x


@kernel
def lag(sums, j):
    """Eq. (2)."""
    n, first = sums.known[j], sums.first[j]
    a, last = sums.mean[j] - first, sums.last[j] - first
    total = n * a
    return (sums.beside[j] - a * (total + total - last) + (n - 1) * a * a) / (n - 1)


@kernel
def write(sums, steps, spread, starts, out):
    """The columns of the statistics in a summary; *spread* (m,) are variances of all steps."""
    for j in range(sums.known.size):
        row = out[starts[j] : starts[j] + STATISTICS]
        n = sums.known[j]
        if n == 0:
            for k in range(row.size):
                row[k] = nan
            continue
        floor = FLOOR * FLOOR * spread[j] + 1e-300
        variance = sums.square[j] / n
        row[columns.MEAN], row[columns.DEVIATION] = sums.mean[j], sqrt(variance)
        row[columns.LEAST], row[columns.LARGEST] = sums.least[j], sums.largest[j]
        row[columns.FIRST], row[columns.LAST] = sums.first[j], sums.last[j]
        row[columns.ROUGHNESS] = sqrt(sums.moved[j] / max(n - 1, 1.0))
        row[columns.PACE] = sums.way[j] / max(n - 1, 1.0)
        row[columns.LOG] = 0.5 * log(variance + floor)
        row[columns.LAG] = lag(sums, j) / (variance + floor) if n > 1 else 0.0
    write_pairs(sums, steps, spread, starts, out)


@kernel
def write_pairs(sums, steps, spread, starts, out):
    """Correlations and covariances."""
    squares = sums.square
    for j in range(min(sums.known.size, PAIRED)):
        at = starts[j] + STATISTICS + BINS
        for i in range(j + 1):
            covariance = sums.pairs[j, i] / max(steps, 1)
            out[at + j + i] = covariance
            if i < j:
                vi = squares[i] / max(steps, 1) + FLOOR * FLOOR * spread[i] + 1e-300
                vj = squares[j] / max(steps, 1) + FLOOR * FLOOR * spread[j] + 1e-300
                out[at + i] = covariance / (sqrt(vi) * sqrt(vj))
