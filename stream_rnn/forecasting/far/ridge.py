"""All steps ahead from the last values and from random functions of them: one ridge regression.

    (S[t+h] − S[t])/unit_h = W_hᵀx + e,   unit_h the root mean square of S[t+h] − S[t]
    W = (diag(1/prior) + Σ_s λ^{t−s} x_s x_sᵀ)⁻¹ Σ_s λ^{t−s} x_s y_sᵀ

x are the last changes, the level, its deviations from moving averages and from the season, the
exogenous inputs, and U random features tanh(Aᵀz) of z, the last levels and the place in the season:
a network of one layer of which the readout alone is learned (Huang et al. 2006, "Extreme learning
machine"; Rahimi & Recht 2008).  All steps share the first sum; a record is learned when the
last of its H truths has come.  W is solved for when there are a third more records than at the last
time, or 500: a solution costs as much as twenty records.
"""

from math import cos, pi, sin, sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.linalg import limit_blas_threads
from ...numerics.trees import SCRATCH, Float, Float32
from ..experts.linear import EXOGENOUS_PRIOR
from ..inputs import features
from ..kernels import clip, tanh
from .aligned import ANOMALY, DAILY
from .lags import read

UNITS, WINDOW, LAGS = 128, 24, 24
PLACE = 4  # cosine and sine of the phase, the mean deviation from the season, 1
CONSTANT = LAGS + features.SEASON - features.LEVEL  # column of the constant
LINEAR = CONSTANT + 3  # that, the deviation from the season and its mean
RANDOM_PRIOR = 0.03
LIMIT = 6.0  # units that a truth or a forecast may be away from the last value
CLIP = 4.0
FORGET = 1.0 - 1.0 / 5000  # λ
FEWEST, MORE, OFTEN = 150, 1.3, 500  # records before the first W; then times, or records
WEIGHT, LEARNED, SOLVED = range(3)


class Ridge(NamedTuple):
    """The sums of one regression for H steps on D inputs, the U random ones last."""

    random: Annotated[Float32, "window U"]  # A
    rows: Annotated[Float32, "H D"]  # ring: x of the last H records
    gram: Annotated[Float32, "D D"]  # Σ w x xᵀ, the lower triangle
    moments: Annotated[Float32, "D H"]  # Σ w x yᵀ
    weights: Annotated[Float32, "D H"]  # W
    clock: Annotated[Float, "3"]  # w of the next record, records learned, and at the last W
    truth: Annotated[Float32, "H", SCRATCH]


def allocate(horizon: int, inputs: int) -> Ridge:
    """Nothing learned, for *inputs* exogenous inputs."""
    sizes = {"H": horizon, "D": LINEAR + inputs + UNITS, "U": UNITS, "window": WINDOW + PLACE}
    new = trees.allocate(Ridge, sizes)
    rng = np.random.default_rng(0)
    new.random[:WINDOW] = rng.standard_normal((WINDOW, UNITS)) / sqrt(WINDOW)
    new.random[WINDOW : WINDOW + 2] = rng.standard_normal((2, UNITS))
    new.random[WINDOW + 2] = 0.5 * rng.standard_normal(UNITS)
    new.random[WINDOW + 3] = rng.uniform(-1, 1, UNITS)
    new.clock[WEIGHT] = 1.0
    return new


def prior(width: int) -> np.ndarray:
    """Prior variances of the weights (D,) of *width* inputs."""
    found = np.full(width, EXOGENOUS_PRIOR)
    found[:LAGS] = 0.1 / (1 + np.arange(LAGS))
    found[LAGS:LINEAR] = 0.03
    found[CONSTANT] = 0.01  # the constant
    found[width - UNITS :] = RANDOM_PRIOR
    return found


@loose_kernel
def observe(ridge, past, row, units, state, t, season):
    """The inputs of record *t*, ``past[0]``: *row* is its feature row, *state* `aligned`'s."""
    x = ridge.rows[t % len(ridge.rows)]
    for k in range(LAGS):
        x[k] = row[k]
    for k in range(features.LEVEL, features.SEASON):
        x[LAGS + k - features.LEVEL] = row[k]
    x[CONSTANT] = 1.0
    x[CONSTANT + 1] = clip(state[ANOMALY] / units.deviation, CLIP)
    x[CONSTANT + 2] = clip(state[DAILY] / units.deviation, CLIP)
    first = len(x) - UNITS
    for k in range(LINEAR, first):
        x[k] = row[len(row) - first + k]
    _random(ridge.random, x[first:], past, units, x[CONSTANT + 2], t, season)


@loose_kernel
def _random(random, out, past, units, daily, t, season):
    """out (U,) = tanh(Aᵀz)."""
    for i in range(UNITS):
        out[i] = random[WINDOW + 3, i] + random[WINDOW + 2, i] * daily
    if season > 0:
        angle = 2.0 * pi * (t % season) / season
        across, along = np.float32(cos(angle)), np.float32(sin(angle))
        for i in range(UNITS):
            out[i] += across * random[WINDOW, i] + along * random[WINDOW + 1, i]
    for j in range(WINDOW):
        level = np.float32(clip((past[j] - units.mean) / units.deviation, features.LEVEL_CLIP))
        for i in range(UNITS):
            out[i] += level * random[j, i]
    for i in range(UNITS):
        out[i] = tanh(out[i])


@loose_kernel
def learn(ridge, past, unknown, size, t):
    """Record *t* has come, ``past[0]``: learn the row of t − H, all of whose truths are known.

    ``size`` (H,) is unit², see `sizes`; ``unknown[k]`` says whether the value k records ago was
    missing: what the row itself forecasts stands for it.  A row of which more than half is missing
    is passed over.
    """
    H = len(size)
    if t < H + 2:
        return
    missing = 0
    for j in range(H):
        missing += unknown[j] != 0.0
    if 2 * missing > H:
        return
    x, y = ridge.rows[t % H], ridge.truth
    if missing > 0:
        read(ridge.weights, x, y)
    for j in range(H):
        if not unknown[H - 1 - j]:
            change, unit = past[H - 1 - j] - past[H], sqrt(size[j])
            y[j] = clip(change / unit, LIMIT) if unit > 0 else 0.0
    _add(ridge, x, y)


@loose_kernel
def _add(ridge, x, y):
    """One record more in both sums.  It weighs λ⁻¹ times the one before; 2 are 1 again, exactly."""
    clock, gram, moments = ridge.clock, ridge.gram, ridge.moments
    weight = np.float32(clock[WEIGHT])
    for i in range(len(x)):
        a = weight * x[i]
        for k in range(i + 1):
            gram[i, k] += a * x[k]
        for j in range(len(y)):
            moments[i, j] += a * y[j]
    clock[LEARNED] += 1
    clock[WEIGHT] /= FORGET
    if clock[WEIGHT] >= 2.0:
        clock[WEIGHT] /= 2.0
        half = np.float32(0.5)
        for i in range(len(x)):
            for k in range(i + 1):
                gram[i, k] *= half
            for j in range(len(y)):
                moments[i, j] *= half


@loose_kernel
def predict(ridge, last, size, t, out):
    """Forecasts (H,) after record *t*, whose value is *last*."""
    made = ridge.truth
    read(ridge.weights, ridge.rows[t % len(ridge.rows)], made)
    for j in range(len(out)):
        out[j] = last + sqrt(size[j]) * clip(made[j], LIMIT)


def solve(ridge: Ridge) -> None:
    """W of the sums as they are, if it is time; in place."""
    clock = ridge.clock
    if clock[LEARNED] < max(FEWEST, min(MORE * clock[SOLVED], clock[SOLVED] + OFTEN)):
        return
    from scipy.linalg.lapack import dposv

    limit_blas_threads()
    newest = clock[WEIGHT] * FORGET
    gram = ridge.gram.T.astype(np.float64) / newest  # in LAPACK's order its upper triangle
    gram[np.diag_indices_from(gram)] += 1.0 / prior(len(gram))
    _, W, fault = dposv(gram, ridge.moments.astype(np.float64) / newest, overwrite_a=1)
    if fault or not np.isfinite(W).all():  # begin anew
        ridge.gram[:], ridge.moments[:], W = 0, 0, np.zeros_like(ridge.weights)
    ridge.weights[:] = W
    clock[SOLVED] = clock[LEARNED]
