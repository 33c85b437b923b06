"""Forecasts made elsewhere, beside that of the bank.

An outside forecast of a record comes with it, after the bank has made its own.  Those that have
come, and the bank's, are mixed as a bank's experts are (`mixing.mix`): the bank as a whole, by
its median and its mean, counts as two experts and as what is there without mixing; an outside
forecast as two as well, as it came and with its mean error taken off.

Without one of them the forecast is the bank's, to the bit, and nothing is learned.  Where some of
several are missing, these sleep: they count as the mean of those awake, so that their weight goes
to them and stays as it was (Freund et al. 1997, "Using and combining predictors that specialize").
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ..codegen.dispatch import generic, loose_kernel
from ..numerics import trees
from ..numerics.trees import SCRATCH, Float
from . import interval
from .columns import LOWER, MEAN, MEDIAN, OWN, SCALE, UPPER, WIDTH
from .interval import Interval
from .kernels import clip
from .mixing import boa, dma, mix
from .mixing.mix import FINAL, HEADS, Mix, Mixture

OURS = 2  # the bank's median and mean, the first experts
SHARE = 0.5  # of all outside forecasts, before anything is known
LIMIT = 12.0  # leaps that one may be away from the last value
ABSURD = 1000.0  # leaps away from it, from where on one says nothing
NOISE_RATE = 0.005
BEGUN = 20  # errors of the bank that the interval begins with, at most
RATE = 0.1  # of the running mean error
BIAS_RATE, BIAS_YOUNG = 0.005, 5  # of the mean error of an outside forecast
ASLEEP = 1e-9  # of the weight; below it there is nothing to take the mean of

TOLD, TOTAL, QUICK = range(3)


class Outside(NamedTuple):
    """The mixture of a bank with G outside forecasts, and its errors."""

    mix: Mix  # of K = 2 + 2G experts
    interval: Interval  # of what was made with at least one
    tally: Annotated[Float, "3"]  # records with one; Σ|e| and mean |e| of what was given out
    bias: Annotated[Float, "2 G"]  # running mean of truth − forecast, how many
    said: Annotated[Float, "1", SCRATCH]  # 1 if one has come with this record
    came: Annotated[Float, "G", SCRATCH]  # what has
    experts: Annotated[Float, "K", SCRATCH]
    made: Annotated[Float, "heads stages", SCRATCH]
    row: Annotated[Float, "WIDTH", SCRATCH]  # the forecast made of them


def allocate(given: int) -> Any:
    """Nothing learned of *given* outside forecasts; () for none."""
    if not given:
        return ()
    prior = np.full(OURS + 2 * given, SHARE / (2 * given))
    prior[:OURS] = (1 - SHARE) / OURS
    sizes = {"K": len(prior), "G": given, "heads": HEADS, "stages": FINAL + 1, "WIDTH": WIDTH}
    return trees.allocate(Outside, sizes, mix=None, interval=None)._replace(
        mix=mix.allocate(prior, Mixture()), interval=interval.allocate()
    )


def shares(outside: Any, head: int) -> np.ndarray:
    """What the bank's forecast and each outside one (1 + G,) count in the mixture of a *head*.

    They sum to 1; the forecast is linear in what it is made of, with these coefficients.  Before
    anything was told the bank is all there is.
    """
    if outside.tally[TOLD] == 0:
        return np.eye(1, 1 + len(outside.came))[0]
    parts: Mix = outside.mix
    first, weights = parts.first.table[head, boa.WEIGHT], parts.stacked.weights[head]
    stacked = first * (1 - weights.sum()) + weights
    dynamic = parts.dynamic.table[dma.WEIGHT]
    share = float(parts.dynamic.count[0]) * ((1 - dma.FORGET) / 3)
    mean = first + share * (stacked - first + dynamic - first)
    own = np.zeros(len(first))
    own[0] = 1.0
    found = parts.top.table[head, boa.WEIGHT] @ np.array([own, first, stacked, dynamic, mean])
    return np.array([found[:OURS].sum(), *(found[OURS::2] + found[OURS + 1 :: 2])])


@generic
def tell(outside, own, x, anchor, out):
    """What comes with a record: *out*, the bank's forecast of it, becomes the mixture's.

    The outside forecasts are the first in *x*, raw and NaN where missing; *own* is the bank's
    interval, *anchor* the last value, the leap, and whether it was known.
    """


@generic
def learn(outside, leap, known, truth):
    """Learn from the *truth* of what was told last."""


@generic
def calibrate(outside, own, forecast, truth):
    """The errors of what was given out; *forecast* is the bank's."""


@tell.register
def _tell_none(outside: (), own, x, anchor, out):  # type: ignore[syntax]
    pass


@learn.register
def _learn_none(outside: (), leap, known, truth):  # type: ignore[syntax]
    pass


@calibrate.register
def _calibrate_none(outside: (), own, forecast, truth):  # type: ignore[syntax]
    pass


@tell.register
def _tell(outside: Outside, own, x, anchor, out):
    experts, made = outside.experts, outside.made
    for i in range(WIDTH):
        out[OWN + i] = out[i]
    outside.said[0] = 0.0
    if out[MEDIAN] != out[MEDIAN]:
        return  # the bank has not begun
    experts[0], experts[1] = out[MEDIAN], out[MEAN]
    if not _gather(outside, x, anchor[0], anchor[1]):
        return
    outside.said[0] = 1.0
    mix.combine(outside.mix, experts, out[MEDIAN], anchor[1], made)
    row = outside.row
    row[MEDIAN], row[MEAN] = made[0, FINAL], made[1, FINAL]
    if outside.interval.scale[interval.COUNT] > 0:
        row[SCALE] = interval.scale(outside.interval)
        interval.bounds(outside.interval, row[MEDIAN], row[LOWER:UPPER], row[UPPER:])
    else:
        row[SCALE] = out[SCALE]
        interval.bounds(own, row[MEDIAN], row[LOWER:UPPER], row[UPPER:])
    for i in range(WIDTH):
        out[i] = row[i]


@loose_kernel
def _gather(outside, x, last, leap):
    """Outside forecasts to the experts, within `LIMIT` leaps of *last*; False if there are none.

    A missing or absurd one becomes the weighted mean of the others, the bank's among them.
    """
    limit = LIMIT * leap
    experts, came = outside.experts, outside.came
    weights = outside.mix.first.table[0, boa.WEIGHT]
    total, awake, count = 0.0, weights[0], 0
    for k in range(OURS, len(experts)):
        g = (k - OURS) // 2
        came[g] = x[g] if abs(x[g] - last) < ABSURD * leap else np.nan
        if came[g] == came[g]:
            came[g] = min(last + limit, max(last - limit, came[g]))
            experts[k] = came[g] + (outside.bias[0, g] if (k - OURS) % 2 else 0.0)
            total += weights[k] * (experts[k] - experts[0])
            awake += weights[k]
            count += 1
    total += weights[1] * (experts[1] - experts[0])
    awake += weights[1]
    mean = experts[0] + (total / awake if awake > ASLEEP else 0.0)
    for k in range(OURS, len(experts)):
        if came[(k - OURS) // 2] != came[(k - OURS) // 2]:
            experts[k] = mean
    return count > 0


@learn.register
def _learn(outside: Outside, leap, known, truth):
    if outside.said[0] > 0:
        rate = max(NOISE_RATE, 1.0 / (outside.tally[TOLD] + 10))
        mix.learn(outside.mix, outside.experts, outside.made, leap, known, truth, rate)
        for g in range(len(outside.came)):
            if outside.came[g] == outside.came[g]:
                error = clip(truth - outside.came[g], LIMIT * leap)
                outside.bias[1, g] += 1
                rate = max(BIAS_RATE, 1.0 / (outside.bias[1, g] + BIAS_YOUNG))
                outside.bias[0, g] += rate * (error - outside.bias[0, g])


@calibrate.register
def _calibrate(outside: Outside, own, forecast, truth):
    tally, now, row = outside.tally, outside.interval, outside.row
    error = abs(truth - forecast[MEDIAN])
    if outside.said[0] > 0:
        error = abs(truth - row[MEDIAN])
        if tally[TOLD] == 0:
            _begin(now, own)
        tally[TOLD] += 1
        interval.learn(now, row[MEDIAN], row[LOWER:UPPER], row[UPPER:], truth)
    tally[TOTAL] += error
    tally[QUICK] += max(RATE, 1.0 / (own.scale[interval.COUNT] + 1)) * (error - tally[QUICK])


@loose_kernel
def _begin(now, own):
    """The interval begins as the bank's is."""
    for i in range(len(now.scale)):
        now.scale[i] = own.scale[i]
    now.scale[interval.COUNT] = min(float(BEGUN), own.scale[interval.COUNT])
    now.scale[interval.TOTAL] = now.scale[interval.OUTLIERS] = 0.0
    for side in range(2):
        for i in range(now.width.shape[1]):
            now.width[side, i] = own.width[side, i]
