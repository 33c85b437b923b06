"""Running level and running size of changes: the units every expert works in."""

from math import sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from ..kernels import clip

MEAN, VARIANCE, STEP, LEAP = range(4)

LEVEL_FLOOR = 5e-4  # rates of the moving averages never fall below these
CHANGE_FLOOR = 1e-3
EXCESS = 12.0  # an outlier counts as so many units; r·EXCESS² a record is growth enough
YOUNG = 0.05  # while the rate is above this nothing is an outlier yet


class Scale(NamedTuple):
    """Moving moments: mean and variance of the level, mean squares of changes.

    ``moments``: mean, variance, mean square of one-step changes, of h-step changes.
    """

    moments: Annotated[Float, "4"]


class Units(NamedTuple):
    """What one record reads off the scale, all positive."""

    mean: float
    deviation: float  # of the level around its mean
    step: float  # root mean square of one-step changes
    leap: float  # root mean square of h-step changes, the unit of the target


def allocate() -> Scale:
    """Nothing seen yet."""
    return trees.allocate(Scale, {})


@loose_kernel
def follow(mean_square, value, rate):
    """Mean square moved towards value²; a value beyond `EXCESS` units counts as so many."""
    square = value * value
    limit = EXCESS * EXCESS * mean_square
    if rate < YOUNG and square > limit and limit > 0:
        square = limit
    return mean_square + rate * (square - mean_square)


@loose_kernel
def observe(scale, past, t, h):
    """Take in ``past[0]``, record number *t* (from 0): x̄ += r(x − x̄), r = max(1/n, floor)."""
    moments = scale.moments
    rate = max(1.0 / (t + 1), LEVEL_FLOOR)
    deviation = past[0] - moments[MEAN]
    limit = EXCESS * sqrt(moments[VARIANCE])
    if rate < YOUNG and limit > 0:
        deviation = clip(deviation, limit)
    moments[MEAN] += rate * deviation
    moments[VARIANCE] += rate * (deviation * deviation * (1 - rate) - moments[VARIANCE])
    if t > 0:
        rate = max(1.0 / t, CHANGE_FLOOR)
        moments[STEP] = follow(moments[STEP], past[0] - past[1], rate)
    if t >= h:
        rate = max(1.0 / (t - h + 1), CHANGE_FLOOR)
        moments[LEAP] = follow(moments[LEAP], past[0] - past[h], rate)


@loose_kernel
def units(scale, t, h):
    """The scale as `Units`; 1 wherever nothing has varied yet."""
    moments = scale.moments
    step = sqrt(moments[STEP]) if moments[STEP] > 0 else 1.0
    leap = sqrt(moments[LEAP]) if moments[LEAP] > 0 else step * sqrt(1.0 * h)
    deviation = sqrt(moments[VARIANCE]) if t > 0 and moments[VARIANCE] > 0 else 1.0
    if deviation <= 1e-12 * abs(moments[MEAN]):
        deviation = 1.0
    return Units(moments[MEAN], deviation, step, leap)


@loose_kernel
def level_shift(scale, jump, age):
    """Move the mean as if the *jump*, *age* records ago, had been in all that came before."""
    scale.moments[MEAN] += jump * (1 - LEVEL_FLOOR) ** age
