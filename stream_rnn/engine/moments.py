"""Running mean and variance of columns that a wrong value cannot spoil.

Each column keeps a mean μ and variance v by exponential averages whose rate is
max(1/n, 1/memory): the exact mean and variance of everything seen, until *memory* records
were, and a slowly forgetting one after that.  With rate ρ and deviation d = x − μ:

    μ ← μ + ρ d,   v ← (1 − ρ)(v + ρ d²)                                        (1)

A value is *far* if |d| > max(b, g).  b = far · √v, wider while n is small, as the quantiles
of Student's distribution are; g is what values beyond b have granted to those after them:
2 min(|d|, max(b, g)), which halves in 700 records.  One far value is probably wrong, many
are a new level, and rare large values that come again and again are believed in the end:

* d counts up to max(b, g) (Winsor's mean; Huber 1981, §1.6).
* From the first far value on, a block of 24 values has statistics of its own, and further
  far ones wait.  If 5 of them are far and alike in size, there is a new level: μ and v
  become those of what was and of the block, both alike, and n becomes 24.
* If none of a block is far, but some were before, and its deviation is positive and less than
  √v / n, what made v so large was wrong: the block's statistics are taken.  (A straight line,
  over the last 24 values, has 24 √v / n.)  For the k-th time 2ᵏ such blocks in a row are
  waited for, k = 0, 1, …: there are series that rest at one of two levels.

* Nothing tells whether the first few values are wrong, but what comes after them.  A first block
  begins behind the first 5; if its deviation is positive and less than √v / 5, it is taken.

A column that was constant has no scale to judge by: its first other value counts 0, and
grants itself to those after it.  Statistics that meet no far value are those of (1), bit for
bit.  All in float64.
"""

from math import inf, log, sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import kernel
from ..numerics.trees import NEWER, Float

LARGEST = 1e150  # whose square float64 can hold: a variance of inf would be for ever
BLOCK, AGREEING = 24, 5  # values looked at together; those of them that make a level
ALIKE = 1.0  # variance of log |d| of values of one size; of normal ones it is π²/8
FIRST, YOUNG = 5, 1 / 5  # values that nothing is known before; share of √v that is narrow then
ABSURD = 1e-6  # share of √v that is too narrow even where nothing was far
RELAX = 1 - 1e-3  # of what far values have granted, with each value
SURELY, LEAST = 1 - 1e-9, 1e-280  # so that d² < f² v says |d| < f √v whatever was rounded


class Moments(NamedTuple):
    """Running statistics of m columns."""

    count: Annotated[Float, "m"]  # type: ignore[assignment]  # shadows that of a tuple
    mean: Annotated[Float, "m"]
    variance: Annotated[Float, "m"]
    granted: Annotated[Float, "m", NEWER]  # g
    outliers: Annotated[Float, "m", NEWER]  # far values so far
    doubted: Annotated[Float, "m", NEWER]  # 1 if the last value was far, else 0
    # The block of values:
    block: Annotated[Float, "m", NEWER]  # how many they are
    far: Annotated[Float, "m", NEWER]  # how many of them are far
    block_mean: Annotated[Float, "m", NEWER]
    block_variance: Annotated[Float, "m", NEWER]
    size_mean: Annotated[Float, "m", NEWER]  # of log |d| of the far ones
    size_variance: Annotated[Float, "m", NEWER]
    # Blocks narrower than the statistics:
    narrow: Annotated[Float, "m", NEWER]  # how many in a row there were
    narrowings: Annotated[Float, "m", NEWER]  # how often their statistics have been taken over


@kernel
def bound(far, moments, j):
    """b: the deviation beyond which a value of column j is far by itself."""
    count, variance = moments.count[j], moments.variance[j]
    if count < 3 or (variance == 0 and count < BLOCK):
        return inf
    return far * sqrt(variance) * (1 + (4 / (count - 2)) ** 2)


@kernel
def take(moments, j, x, far, memory):
    """Take the value x into the statistics of column j."""
    if is_near(moments, j, x, far):
        take_near(moments, j, x, memory)
    else:
        take_any(moments, j, x, far, memory)
    judge(moments, j)


@kernel
def is_near(moments, j, x, far):
    """Whether x is within b without a square root; nearly all values are."""
    d, variance = x - moments.mean[j], moments.variance[j]
    known = moments.count[j] > FIRST and variance > LEAST and abs(x) <= LARGEST
    return known and d * d < far * far * SURELY * variance


@kernel
def take_near(moments, j, x, memory):
    """`take_any` of a value that `is_near`, without what cannot come about: the same bits."""
    if moments.block[j] == BLOCK:
        begin_block(moments, j, x)
    moments.doubted[j] = 0
    moments.granted[j] *= RELAX
    add_to_block(moments, j, x)
    add(moments, j, x - moments.mean[j], memory)


@kernel
def take_any(moments, j, x, far, memory):
    """Take any value into the mean, the variance and the block."""
    size = min(1e308, abs(x - moments.mean[j]))
    x = max(-LARGEST, min(LARGEST, x))
    d = x - moments.mean[j]
    b = bound(far, moments, j)
    limit = max(b, moments.granted[j])
    is_far = abs(d) > limit
    moments.doubted[j] = is_far
    look(moments, j, x, size, is_far)
    moments.granted[j] *= RELAX
    if not is_far or moments.far[j] == 1:
        add(moments, j, max(-limit, min(limit, d)), memory)
        if abs(d) > b:
            most = 2 * limit if is_far else limit
            grant = min(2 * abs(d), most) if limit > 0 else 2 * abs(d)
            moments.granted[j] = max(moments.granted[j], grant)


@kernel
def judge(moments, j):
    """What the block says, if it is time."""
    if moments.far[j] >= AGREEING and agree(moments, j):
        widen(moments, j)
    elif moments.block[j] == BLOCK:
        review(moments, j)


@kernel
def add(moments, j, d, memory):
    """Eq. (1)."""
    count, mean, variance = moments.count[j] + 1, moments.mean[j], moments.variance[j]
    rate = 1 / min(count, memory)
    moments.count[j] = count
    moments.mean[j] = mean + rate * d
    moments.variance[j] = blend(variance, d, rate)


@kernel
def blend(variance, d, rate):
    """v of Eq. (1)."""
    d = max(-LARGEST, min(LARGEST, d))
    return (1 - rate) * (variance + rate * d * d)


@kernel
def look(moments, j, x, size, is_far):
    """Take the value x, *size* away from the mean, into the block of column j, or begin one."""
    is_first = moments.count[j] == FIRST and moments.outliers[j] == 0
    if moments.block[j] == BLOCK or (is_far and moments.far[j] == 0) or is_first:
        begin_block(moments, j, x)
    if is_far:
        moments.outliers[j] += 1
        moments.far[j] += 1
        rate = 1 / moments.far[j]
        e = log(size) - moments.size_mean[j]
        moments.size_mean[j] += rate * e
        moments.size_variance[j] = blend(moments.size_variance[j], e, rate)
    add_to_block(moments, j, x)


@kernel
def begin_block(moments, j, x):
    """A block that begins with x, and does not hold it yet."""
    moments.block[j] = 0
    moments.far[j] = 0
    moments.block_mean[j] = x
    moments.block_variance[j] = 0
    moments.size_mean[j] = 0
    moments.size_variance[j] = 0


@kernel
def add_to_block(moments, j, x):
    """Take x into the statistics of the block."""
    block, mean = moments.block[j] + 1, moments.block_mean[j]
    variance = moments.block_variance[j]
    e, rate = x - mean, 1 / block
    moments.block[j] = block
    moments.block_mean[j] = mean + rate * e
    moments.block_variance[j] = blend(variance, e, rate)


@kernel
def agree(moments, j):
    """Whether the far values of the block are of one size, within a few powers of e."""
    return moments.size_variance[j] < ALIKE


@kernel
def widen(moments, j):
    """A new level: the statistics of column j become those of what was and of the block."""
    half = max(-LARGEST, min(LARGEST, (moments.block_mean[j] - moments.mean[j]) / 2))
    moments.mean[j] += half
    mean_variance = (moments.variance[j] + moments.block_variance[j]) / 2
    moments.variance[j] = mean_variance + half * half
    begin(moments, j)


@kernel
def review(moments, j):
    """At a block's end: if it was narrow, as were those before, take its statistics."""
    deviation = sqrt(moments.block_variance[j])
    is_young = moments.count[j] < 2 * BLOCK and moments.outliers[j] == 0
    share = YOUNG if is_young else 1 / moments.count[j] if moments.outliers[j] > 0 else ABSURD
    most = share * sqrt(moments.variance[j])
    if moments.far[j] > 0 or not 0 < deviation < most:
        moments.narrow[j] = 0
        return
    moments.narrow[j] += 1
    if moments.narrow[j] == 2 ** moments.narrowings[j]:
        moments.narrowings[j] += not is_young
        moments.mean[j] = moments.block_mean[j]
        moments.variance[j] = moments.block_variance[j]
        begin(moments, j)


@kernel
def begin(moments, j):
    """The statistics of column j have changed as a whole, and count for one block."""
    moments.count[j] = BLOCK
    moments.granted[j] = 0
    moments.narrow[j] = 0
    moments.block[j] = BLOCK
    moments.far[j] = 0


@kernel
def restore(moments, j, count, mean, variance):
    """Statistics of column j that were kept are taken back; they begin no block."""
    begin(moments, j)
    moments.count[j] = count
    moments.mean[j] = mean
    moments.variance[j] = variance
    moments.doubted[j] = 0
