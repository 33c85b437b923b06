"""Decoupled extended Kalman filter over the parameters.

Puskorius & Feldkamp 1994; for LSTM: Ergen & Kozat 2018.  Every unit's row of parameters
of one pre-activation, and every column of the readout, is a group r with a covariance
Π_r.  For one output p with target y, innovation e = y − p and q_r = ∂p/∂θ_r:

    κ_r = Π_r q_r,  a = Σ_r q_rᵀ κ_r,  α = R/ω + a                               (1)
    θ_r ← θ_r + κ_r e / α,   Π_r ← Π_r − κ_r κ_rᵀ / α + Q I                      (2)

Several outputs are measured one after another, each innovation corrected for what the
measurements before it have moved.  Losses say what R, ω and ∂p/∂o are (`Measurement`):

* Squared: R is a running mean of e², ω = 1.  An innovation counts up to c deviations,

    e ← max(−c √(R + a), min(c √(R + a), y − p)),                                (4)

  so that one wrong target moves a certain prediction little; as R grows with each that is
  held so, a few in a row are believed.
* Huber(δ): the same with ω = min(1, δ √(R + a) / |e|), so that outliers count less.
* Logistic, Softmax: s = p (1 − p) is the slope of p over its logit, whose variance is
  v = a / s².  What counts is the slope s̃ at the output moderated by v (MacKay 1992),

    p̃ = σ(logit(p) / √(1 + π v / 8)),   s̃ = p̃ (1 − p̃)                           (3)

  R = s² / s̃, ω = 1, and s/s̃ times the innovation.  With s = s̃ a confident prediction that
  proves wrong would move its logit as far as the tangent reaches, which is much too far.
"""

from typing import NamedTuple

import numpy as np

from ..codegen.dispatch import compiled, generic, kernel
from ..losses import Huber, Logistic, Softmax, Squared
from ..numerics.activations import sigmoid

FAR = 5.0  # deviations of the innovation up to which it counts
TINY = 1e-6  # no probability is taken for less


class Kalman(NamedTuple):
    """Second-order learning, one record at a time; O(Z P) a record and no learning rate.

    *prior* is the initial variance of each parameter (in units of standardised inputs and
    targets), *process_noise* the variance added on each record: what makes it follow drift.
    It is added to variances below the prior only: where an input is silent for months, nothing
    is learned of its parameters, and what comes then must not find them without bounds.

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(optimizer=Kalman(prior=0.5))
    >>> for t in range(120):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> abs(model.predict_one({"x": 0})) < 0.1
    True
    """

    prior: float = 0.3
    process_noise: float = 1e-6


@generic
def measure(loss, y, p, j, variance, a):
    """(innovation e, R/ω, sample of R) of output j; *a* is the variance of p before it."""


@generic
def sensitivity(loss, p, j, e):
    """Write e (O,) = ∂p[j]/∂o."""


def _one_output(loss, p, j, e):
    for k in range(e.size):
        e[k] = 0
    e[j] = 1


def _bernoulli(loss, y, p, j, variance, a):
    """Eq. (3)."""
    slope = max(p[j] * (1 - p[j]), TINY)
    logit = np.log(max(p[j], TINY) / max(1 - p[j], TINY))
    moderated = sigmoid(logit / np.sqrt(1 + np.pi / 8 * a / slope**2))
    ratio = slope / (moderated * (1 - moderated))
    return (y[j] - p[j]) * ratio, slope * ratio, variance


sensitivity.register(_one_output, Squared, Huber)
measure.register(_bernoulli, Logistic, Softmax)


@sensitivity.register
def logistic(loss: Logistic, p, j, e):
    for k in range(e.size):
        e[k] = 0
    e[j] = p[j] * (1 - p[j])


@sensitivity.register
def softmax(loss: Softmax, p, j, e):
    for k in range(e.size):
        e[k] = -p[j] * p[k]
    e[j] += p[j]


@measure.register
def gaussian(loss: Squared, y, p, j, variance, a):
    """Eq. (4)."""
    most = FAR * np.sqrt(variance + a)
    e = max(-most, min(most, y[j] - p[j]))
    return e, variance, max(e * e, 1e-12)


@measure.register
def robust(loss: Huber, y, p, j, variance, a):
    e = y[j] - p[j]
    deviation = np.sqrt(variance + a)
    weight = min(1.0, loss.delta * deviation / max(abs(e), 1e-30))
    return e, variance / weight, max((weight * e) ** 2, 1e-12)


@kernel
def project(P, q, kappa, at):
    """κ = Π q of n groups at once, Π packed (L, n); returns the length of their part.

    The groups' parts of q and κ begin at *at* and are (Z, n), with L = Z (Z + 1) / 2.
    """
    L, n = P.shape
    Z = int((np.sqrt(8 * L + 1) - 1) / 2)
    q = q[at : at + Z * n].reshape(Z, n)
    kappa = kappa[at : at + Z * n].reshape(Z, n)
    for c in range(Z):
        for i in range(n):
            kappa[c, i] = 0
    row = 0
    for c in range(Z):
        for d in range(c):
            for i in range(n):
                kappa[c, i] += P[row, i] * q[d, i]
                kappa[d, i] += P[row, i] * q[c, i]
            row += 1
        for i in range(n):
            kappa[c, i] += P[row, i] * q[c, i]
        row += 1
    return Z * n


@kernel
def correct(P, kappa, at, inverse, noise, most):
    """Π ← Π − κκᵀ/α + Q I of n groups at once; returns the length of their part of κ.

    A variance of *most* or more gets no noise.
    """
    L, n = P.shape
    Z = int((np.sqrt(8 * L + 1) - 1) / 2)
    kappa = kappa[at : at + Z * n].reshape(Z, n)
    row = 0
    for c in range(Z):
        for d in range(c + 1):
            for i in range(n):
                P[row, i] -= inverse * kappa[c, i] * kappa[d, i]
            row += 1
        for i in range(n):
            variance = max(P[row - 1, i], noise)
            P[row - 1, i] = variance + noise if variance < most else variance
    return Z * n


@compiled
def reset(P, prior):
    """Π ← prior · I for all groups of a packed (L, n) covariance."""
    L, n = P.shape
    c, diagonal = 0, 0
    for at in range(L):
        for i in range(n):
            P[at, i] = prior if at == diagonal else 0
        if at == diagonal:
            c += 1
            diagonal += c + 1


def enlarge(P: np.ndarray, known: int, prior: float) -> None:
    """Write the prior variances behind the first *known* rows of a packed Π (L, …) of zeros."""
    for c in range(_order(known), _order(len(P))):
        P[(c + 1) * (c + 2) // 2 - 1] = prior


def _order(rows: int) -> int:
    """Z, of which a packed covariance has Z (Z + 1) / 2 rows."""
    return int((np.sqrt(8 * rows + 1) - 1) / 2)


def _diagonal(rows: int) -> np.ndarray:
    """Where the variances are in so many packed rows."""
    return np.cumsum(np.arange(1, _order(rows) + 1)) - 1


def unsettle(P: np.ndarray, noise: float) -> None:
    """Π ← Π + noise · I for all groups of a packed covariance (L, …)."""
    P[_diagonal(len(P))] += P.dtype.type(noise)
