"""One row of inputs per record, shared by all experts of a bank."""

from math import sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from ..kernels import clip, tanh
from .scale import CHANGE_FLOOR, LEVEL_FLOOR, follow

LAGS, AVERAGES, SEASONS = 60, 5, 4
LEVEL = LAGS
AVERAGE = LEVEL + 1
SEASON = AVERAGE + AVERAGES
ONE = SEASON + SEASONS
SHAPE, DELAY = ONE + 1, ONE + 17  # products of two and three: 16 of 3, then 30 of 4
RANDOM = DELAY + 30  # the random units, then the exogenous inputs

RATES = (0.5, 0.25, 0.1, 0.03, 0.01)  # of the moving averages
DELAYS = 6  # records between the delayed levels
WINDOW = 20  # levels that a random unit looks back
CLIP = 4.0
LEVEL_CLIP = EXOGENOUS_CLIP = 10.0


class Features(NamedTuple):
    """The row of the newest record and the moving moments behind it.

    Columns: `LAGS` changes, level, deviations from `AVERAGES` moving averages, `SEASONS`
    seasonal changes, constant, products of level and last two changes, products of four
    delayed levels, U random units, M exogenous inputs.  All in standard units;
    clipped at ±4, level and exogenous inputs at ±10, against outliers.
    """

    row: Annotated[Float, "D"]  # D = RANDOM + U + M
    averages: Annotated[Float, "2 AVERAGES"]  # moving averages, mean squares of the deviations
    inputs: Annotated[Float, "3 M"]  # running mean, variance and count of the exogenous inputs
    random: Annotated[Float, "window U"]  # weights: levels, last change, bias


def allocate(units: int, inputs: int, rng: np.random.Generator) -> Features:
    """Random units: weights N(0, 1/WINDOW), bias U(−1, 1), drawn from *rng*."""
    sizes = {"AVERAGES": AVERAGES, "M": inputs, "U": units, "window": WINDOW + 2}
    new = trees.allocate(Features, sizes | {"D": RANDOM + units + inputs})
    random = rng.standard_normal((units, WINDOW + 2)) / sqrt(WINDOW)
    random[:, -1] = rng.uniform(-1, 1, units)
    new.random[:] = random.T
    return new


@loose_kernel
def observe(features, past, x, t, h, period, units):
    """Compute the row of record *t* from *past* (newest first) and the inputs *x* (M,)."""
    row = features.row
    for k in range(LAGS):
        row[k] = clip((past[k] - past[k + 1]) / units.step, CLIP)
    row[LEVEL] = clip((past[0] - units.mean) / units.deviation, LEVEL_CLIP)
    row[ONE] = 1.0
    _averages(features, past[0], t)
    _seasons(row, past, t, h, period, units)
    _products(row, past, units)
    _random(features, past, units)
    _exogenous(features, x)


@loose_kernel
def _averages(features, y, t):
    """Deviations from moving averages, each over its own root mean square."""
    averages = features.averages
    for i in range(AVERAGES):
        if t == 0:
            averages[0, i] = y
        averages[0, i] += max(RATES[i], 1.0 / (t + 1)) * (y - averages[0, i])
        deviation = y - averages[0, i]
        if t > 0:
            averages[1, i] = follow(averages[1, i], deviation, max(1.0 / t, CHANGE_FLOOR))
        size = averages[1, i]
        features.row[AVERAGE + i] = clip(deviation / sqrt(size), CLIP) if size > 0 else 0.0


@loose_kernel
def _seasons(row, past, t, h, m, units):
    """S[t+h−jm] − S[t−jm], j = 1, 2, 3, and the last change's excess over a season ago."""
    for i in range(SEASON, SEASON + SEASONS):
        row[i] = 0.0
    if m == 0:
        return
    whole = ((h - 1) // m + 1) * m  # the first multiple of m from which h steps on are known
    change = 0.0
    for j in range(3):
        back = whole + j * m
        if t >= back:
            change = (past[back - h] - past[back]) / units.leap
        row[SEASON + j] = clip(change, CLIP)
    if t >= 2 * m:
        excess = (past[0] - past[m]) - (past[1] - past[1 + m])
        row[SEASON + 3] = clip(excess / units.step, CLIP)


@loose_kernel
def _products(row, past, units):
    """All products of two and three of a delay embedding: a Volterra series (NVAR).

    Gauthier et al. (2021), "Next generation reservoir computing".
    """
    for k in range(4):
        row[DELAY + k] = clip((past[k * DELAYS] - units.mean) / units.deviation, CLIP)
    row[SHAPE], row[SHAPE + 1], row[SHAPE + 2] = row[DELAY], row[0], row[1]
    _multiply(row[SHAPE:DELAY], row[SHAPE], row[SHAPE + 1], row[SHAPE + 2], 0.0, 3)
    _multiply(row[DELAY:RANDOM], row[DELAY], row[DELAY + 1], row[DELAY + 2], row[DELAY + 3], 4)


@loose_kernel
def _multiply(out, a, b, c, d, n):
    at = 0
    for i in range(n):
        x = a if i == 0 else (b if i == 1 else (c if i == 2 else d))
        for j in range(i, n):
            y = x * (a if j == 0 else (b if j == 1 else (c if j == 2 else d)))
            out[at] = y
            at += 1
            for k in range(j, n):
                out[at] = y * (a if k == 0 else (b if k == 1 else (c if k == 2 else d)))
                at += 1


@loose_kernel
def _random(features, past, units):
    """tanh of fixed random combinations of the last levels and the last change."""
    row, random = features.row, features.random
    count = random.shape[1]
    out = row[RANDOM : RANDOM + count]
    for i in range(count):
        out[i] = random[WINDOW + 1, i] + random[WINDOW, i] * row[0]
    for j in range(WINDOW):
        level = (past[j] - units.mean) / units.deviation
        for i in range(count):
            out[i] += random[j, i] * level
    for i in range(count):
        out[i] = tanh(out[i])


@loose_kernel
def _exogenous(features, x):
    """Standardised by running moments; a missing value (NaN) counts as the mean."""
    moments = features.inputs
    first = len(features.row) - len(x)
    for i in range(len(x)):
        z = 0.0
        if x[i] == x[i]:
            moments[2, i] += 1
            rate = max(1.0 / moments[2, i], LEVEL_FLOOR)
            deviation = x[i] - moments[0, i]
            moments[0, i] += rate * deviation
            moments[1, i] += rate * (deviation * (x[i] - moments[0, i]) - moments[1, i])
            size = sqrt(moments[1, i])
            if size > 1e-9 * abs(moments[0, i]):
                z = clip((x[i] - moments[0, i]) / size, EXOGENOUS_CLIP)
        features.row[first + i] = z


@loose_kernel
def level_shift(features, jump, age):
    """Move the averages as if the *jump*, *age* records ago, had been in all before it."""
    for i in range(AVERAGES):
        features.averages[0, i] += jump * (1 - RATES[i]) ** age
