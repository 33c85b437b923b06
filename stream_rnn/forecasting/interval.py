"""Prediction intervals with online calibration, and the outliers they reveal."""

from math import exp, sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import loose_kernel
from ..numerics import trees
from ..numerics.trees import Float

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)  # calibrated; others are interpolated
START = (0.85, 1.6, 2.2, 2.7, 3.6)  # widths of these levels before any evidence
FAST, SLOW, SHARE = 0.1, 0.002, 0.7
GAIN = 0.05
RARE = 0.05
EXCESS = 12.0  # scales; an error beyond is an outlier, and enters the scale as this many

QUICK, STEADY, COUNT, OUTLIERS, TOTAL = range(5)


class Interval(NamedTuple):
    """Scale of recent errors and, for each level and tail, how many scales it is wide.

    Adaptive conformal inference (Gibbs & Candès 2021; on the logarithm of the width): a
    tail's width grows when the truth falls beyond it and shrinks otherwise, so that each
    tail misses (1 − level)/2 of the time whatever the distribution.
    """

    scale: Annotated[Float, "5"]  # quick and steady mean |e|, errors seen, outliers, Σ|e|
    width: Annotated[Float, "2 levels"]  # lower and upper


def allocate() -> Interval:
    """Scale 0, widths of a Laplace-like distribution."""
    new = trees.allocate(Interval, {"levels": len(LEVELS)})
    new.width[:] = START
    return new


@loose_kernel
def scale(interval):
    """.7·EMA(.1)|e| + .3·EMA(.002)|e|."""
    return SHARE * interval.scale[QUICK] + (1 - SHARE) * interval.scale[STEADY]


@loose_kernel
def bounds(interval, centre, lower, upper):
    """Fill *lower* and *upper* (len(LEVELS),) around the forecast *centre*."""
    unit = scale(interval)
    for i in range(len(LEVELS)):
        lower[i] = centre - unit * interval.width[0, i]
        upper[i] = centre + unit * interval.width[1, i]


@loose_kernel
def learn(interval, centre, lower, upper, truth):
    """Compare the *truth* with the interval that was forecast.

    q ← q·exp(.05·max(1, 10/√n)·√max(1, .05/α)·(miss − α)), α = (1 − level)/2, for each
    tail.
    """
    now = interval.scale
    error = abs(truth - centre)
    now[TOTAL] += error
    limit = EXCESS * scale(interval)
    if now[COUNT] >= 20 and error > limit and limit > 0:
        now[OUTLIERS] += 1
        error = limit
    now[COUNT] += 1
    now[QUICK] += max(FAST, 1.0 / now[COUNT]) * (error - now[QUICK])
    now[STEADY] += max(SLOW, 1.0 / now[COUNT]) * (error - now[STEADY])
    gain = GAIN * max(1.0, 10.0 / sqrt(now[COUNT]))
    for i in range(len(LEVELS)):
        tail = (1.0 - LEVELS[i]) / 2.0
        below = 1.0 if truth < lower[i] else 0.0
        above = 1.0 if truth > upper[i] else 0.0
        speed = gain * sqrt(max(1.0, RARE / tail))  # rare misses have to say more
        interval.width[0, i] *= exp(speed * (below - tail))
        interval.width[1, i] *= exp(speed * (above - tail))
