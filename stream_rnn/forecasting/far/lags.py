"""All steps ahead from the last values: least squares with one covariance for every horizon.

    (S[t+h] − S[t])/unit_h = W_hᵀx + N(0, 1),  unit_h the root mean square of S[t+h] − S[t]

x are the last changes, the level, its deviations from moving averages and the exogenous inputs,
the leading and the last columns of `features.Features`.  Since the inputs are the same for all
steps, so is their covariance P, and a record is learned when the last of its H truths has come.
"""

from math import sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import SCRATCH, Float
from ..experts import least_squares as kalman
from ..experts.linear import EXOGENOUS_PRIOR
from ..inputs import features
from ..kernels import clip

LIMIT = 6.0  # units that a forecast may be away from the last value
HUBER, DRIFT = 1.5, 1e-6
NOISE_RATE, NOISE_FLOOR = 0.005, 1e-12
KNOWN = features.ONE + 1  # leading columns of the feature row


class Lags(NamedTuple):
    """One linear model for each of H steps, n inputs."""

    rows: Annotated[Float, "H n"]  # ring: the inputs of the last H records
    weights: Annotated[Float, "n H"]
    covariance: Annotated[Float, "n n"]  # the lower triangle
    prior: Annotated[Float, "n"]
    noise: Annotated[Float, "H"]  # R, relative to the covariance
    gain: Annotated[Float, "2 n", SCRATCH]
    made: Annotated[Float, "H", SCRATCH]


def allocate(horizon: int, inputs: int) -> Lags:
    """Weights 0, P = diag(prior)."""
    new = trees.allocate(Lags, {"H": horizon, "n": KNOWN + inputs})
    for k in range(features.LAGS):
        new.prior[k] = 0.1 / (1 + k)
    new.prior[features.LEVEL : features.SEASON] = 0.03
    new.prior[features.SEASON : features.ONE] = 1e-6  # always 0: the season is aligned's
    new.prior[features.ONE] = 0.01
    new.prior[KNOWN:] = EXOGENOUS_PRIOR
    for k in range(len(new.prior)):
        new.covariance[k, k] = new.prior[k]
    new.noise[:] = 1
    return new


@loose_kernel
def observe(lags, row, t):
    """Keep the feature *row* of record *t*."""
    kept = lags.rows[t % len(lags.rows)]
    extra = len(kept) - KNOWN
    for k in range(KNOWN):
        kept[k] = row[k]
    for k in range(extra):
        kept[KNOWN + k] = row[len(row) - extra + k]


@loose_kernel
def learn(lags, past, unknown, size, t):
    """Record *t* has come, ``past[0]``: learn the row of t − H, all of whose truths are known.

    ``size`` (H,) is unit², see `sizes`; ``unknown[k]`` says whether the value k records ago was
    missing; such rows are passed over.
    """
    H = len(lags.noise)
    if t < H + 2:
        return
    x, gain = lags.rows[t % H], lags.gain[0]
    variance = kalman.product(lags.covariance, x, gain)
    if not (variance >= 0 and variance < kalman.LOST):
        kalman.reset(lags.covariance, lags.gain[1], lags.prior)
        return
    rate, made = max(NOISE_RATE, 1.0 / (t - H + 10)), lags.made
    read(lags.weights, x, made)
    for j in range(H):
        if unknown[H - 1 - j] or size[j] == 0:
            made[j] = 0.0
            continue
        target = clip((past[H - 1 - j] - past[H]) / sqrt(size[j]), LIMIT)
        error = target - made[j]
        weight = kalman.huber(error, sqrt(lags.noise[j] * (1.0 + variance)), HUBER)
        made[j] = weight * error / (1.0 + variance)
        square = max(weight * weight * error * error, NOISE_FLOOR)
        lags.noise[j] += rate * (square - lags.noise[j])
    for k in range(len(x)):
        lags.gain[1, k] = 0.0
        for j in range(H):
            lags.weights[k, j] += gain[k] * made[j]
    kalman.correct(lags.covariance, lags.gain[1], gain, 0.0, 1.0 / (1.0 + variance))
    for k in range(len(x)):
        lags.covariance[k, k] += DRIFT * lags.prior[k]


@loose_kernel
def predict(lags, last, size, t, out):
    """Forecasts (H,) after record *t*, whose value is *last*."""
    read(lags.weights, lags.rows[t % len(lags.rows)], out)
    for j in range(len(out)):
        out[j] = last + sqrt(size[j]) * clip(out[j], LIMIT)


@loose_kernel
def read(weights, x, out):
    """out (H,) = Wᵀx, all steps at once."""
    for j in range(len(out)):
        out[j] = 0.0
    for i in range(len(x)):
        a = x[i]
        for j in range(len(out)):
            out[j] += a * weights[i, j]
