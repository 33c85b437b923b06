"""The decoupled extended Kalman filter over an LSTM's weights (Puskorius & Feldkamp 1994)."""

import numpy as np

from ...codegen.dispatch import loose_kernel
from . import least_squares as kalman
from .linear import HUBER

NOISE_FLOOR = 1e-7  # float32
READOUT_DRIFT = 1e-6


@loose_kernel
def learn_network(group, u, slot, target, rate):
    """One measurement for all weights of network *u*: α = R/ω + Σ_r s_rᵀΠ_r s_r + xᵀPx."""
    x, v, slope = group.readout[u, slot], group.v[u], group.slope[u, slot]
    P, C, noise = group.v_covariance[u], group.w_covariance[u], group.noise[u]
    d, width = slope.shape
    gains = group.scratch[0].reshape((d, width))
    gain = group.scratch[1, : len(x)]
    error = x.dtype.type(target) - kalman.dot(v, x)
    variance = kalman.product(P, x, gain) + products(C, slope, gains)
    if not (variance >= 0 and variance < kalman.LOST and abs(error) < kalman.LOST):
        restart(group, u)
        return
    weight = x.dtype.type(kalman.huber(error, np.sqrt(noise + variance), HUBER))
    shrink = x.dtype.type(1) / (noise / weight + variance)
    square = max(weight * weight * error * error, x.dtype.type(NOISE_FLOOR))
    group.noise[u] = noise + x.dtype.type(rate) * (square - noise)
    corrections(C, group.w[u], gains, error, shrink, group.motion[u, 1])
    kalman.correct(P, v, gain, error, shrink)
    for k in range(len(x)):
        P[k, k] += x.dtype.type(READOUT_DRIFT)


@loose_kernel
def products(C, slope, gains):
    """gains[k, r] ← Σ_j C[k, j, r] slope[j, r] for each group r; returns Σ slope·gains.

    C is symmetric in k and j; only j ≤ k is read.
    """
    d, width = slope.shape
    for k in range(d):
        diagonal, out, s = C[k, k], gains[k], slope[k]
        for r in range(width):
            out[r] = diagonal[r] * s[r]
    for k in range(1, d):
        out, own = gains[k], slope[k]
        for j in range(k):
            c, s, other = C[k, j], slope[j], gains[j]
            for r in range(width):
                out[r] += c[r] * s[r]
                other[r] += c[r] * own[r]
    total = slope[0, 0] - slope[0, 0]
    for k in range(d):
        total += kalman.dot(gains[k], slope[k])
    return total


@loose_kernel
def corrections(C, w, gains, error, shrink, drift):
    """w += gains·error·shrink;  C[:, :, r] −= gains_r gains_rᵀ·shrink, + drift·I."""
    d, width = w.shape
    step = shrink * error
    for k in range(d):
        g, weights, diagonal = gains[k], w[k], C[k, k]
        for r in range(width):
            weights[r] += g[r] * step
        for j in range(k + 1):
            c, other = C[k, j], gains[j]
            for r in range(width):
                c[r] -= shrink * g[r] * other[r]
        for r in range(width):
            diagonal[r] += drift


@loose_kernel
def restart(group, u):
    """A lost filter: covariances back to the prior, derivatives and odd weights to 0."""
    kalman.reset(group.v_covariance[u], group.v[u], group.prior)
    C, w = group.w_covariance[u], group.w[u]
    d, width = w.shape
    for k in range(d):
        for r in range(width):
            for j in range(d):
                C[k, j, r] = 0.0
            C[k, k, r] = group.motion[u, 0]
            if not abs(w[k, r]) < kalman.LOST:
                w[k, r] = 0.0
    h, c, n = group.h_sensitivity[u], group.c_sensitivity[u], group.state.shape[2]
    for i in range(n):
        group.state[u, 0, i], group.state[u, 1, i] = 0.0, 0.0
        for p in range(d * width):
            h[i, p], c[i, p] = 0.0, 0.0
    group.resets[0] += 1
