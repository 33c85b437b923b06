"""Running level and running size of changes: the units every expert works in."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from .kernels import kernel

MEAN, VARIANCE, STEP, LEAP, STEP_EXCESS, LEAP_EXCESS = range(6)

LEVEL_FLOOR = 5e-4  # rates of the moving averages never fall below these
CHANGE_FLOOR = 1e-3
EXCESS = 12.0  # a change of so many units is suspect ...
PATIENCE = 3  # ... until so many have come in a row


class Scale(NamedTuple):
    """Moving moments: mean and variance of the level, mean squares of changes.

    ``moments``: mean, variance, mean square of one-step changes, of h-step changes, and how
    many changes in a row were suspect, one-step and h-step.
    """

    moments: np.ndarray  # (6,)


class Units(NamedTuple):
    """What one record reads off the scale, all positive."""

    mean: float
    deviation: float  # of the level around its mean
    step: float  # root mean square of one-step changes
    leap: float  # root mean square of h-step changes, the unit of the target


def allocate() -> Scale:
    """Nothing seen yet."""
    return Scale(np.zeros(6))


@kernel
def _follow(moments, which, excess, change, rate, patience):
    """Move a mean square towards change²; a lone outlier counts as `EXCESS` units.

    A few outliers in a row are not outliers but a new regime, and count in full.
    """
    square = change * change
    limit = EXCESS * EXCESS * moments[which]
    if limit > 0 and square > limit and rate < 0.05:
        moments[excess] += 1
        if moments[excess] <= patience:
            square = limit
    else:
        moments[excess] = 0
    moments[which] += rate * (square - moments[which])


@kernel
def observe(scale, past, t, h):
    """Take in ``past[0]``, record number *t* (from 0): x̄ += r(x − x̄), r = max(1/n, floor)."""
    moments = scale.moments
    rate = max(1.0 / (t + 1), LEVEL_FLOOR)
    deviation = past[0] - moments[MEAN]
    moments[MEAN] += rate * deviation
    moments[VARIANCE] += rate * (deviation * (past[0] - moments[MEAN]) - moments[VARIANCE])
    if t > 0:
        rate = max(1.0 / t, CHANGE_FLOOR)
        _follow(moments, STEP, STEP_EXCESS, past[0] - past[1], rate, PATIENCE)
    if t >= h:
        rate = max(1.0 / (t - h + 1), CHANGE_FLOOR)
        # one outlier stands out for h records in its h-step changes
        _follow(moments, LEAP, LEAP_EXCESS, past[0] - past[h], rate, PATIENCE - 1 + h)


@kernel
def units(scale, t, h):
    """The scale as `Units`; 1 wherever nothing has varied yet."""
    moments = scale.moments
    step = sqrt(moments[STEP]) if moments[STEP] > 0 else 1.0
    leap = sqrt(moments[LEAP]) if moments[LEAP] > 0 else step * sqrt(1.0 * h)
    deviation = sqrt(moments[VARIANCE]) if t > 0 and moments[VARIANCE] > 0 else 1.0
    if deviation <= 1e-12 * abs(moments[MEAN]):
        deviation = 1.0
    return Units(moments[MEAN], deviation, step, leap)
