"""From a loss to new parameters: how each kind of optimizer uses a network."""

from math import isfinite
from typing import NamedTuple

import numpy as np

from ..dispatch import generic, kernel
from ..linalg import zero
from ..losses import slope
from ..network import backward
from .base import update
from .kalman import Kalman, correct, measure, project, reset, sensitivity


class Descent(NamedTuple):
    """A chain needs no scratch of its own."""


class Filter(NamedTuple):
    """Scratch of the Kalman filter, each (P,)."""

    q: np.ndarray
    kappa: np.ndarray
    moved: np.ndarray


@generic
def adapt(optimizer, model, state, work):
    """Learn the target work.y; returns False, with θ unchanged, if the step is not finite."""


@adapt.register
def descend(optimizer: tuple, model, state, work):
    """θ ← θ + chain(∂L/∂θ), when the learner says that an update is due."""
    slope(model.loss, work.y, work.o, work.p, work.e)
    g = state.gradient
    if not backward(model, state, work, work.e, g):
        return True
    update(optimizer, state.theta, g, state.memory, 0)
    finite = isfinite(np.dot(g, g))
    if finite:
        for i in range(g.size):
            state.theta[i] += g[i]
    zero(g)
    return finite


@adapt.register
def filter_outputs(optimizer: Kalman, model, state, work):
    """One scalar measurement after another: equations (1) and (2) of `kalman`."""
    moved = work.optimizer.moved
    zero(moved)
    for j in range(work.o.size):
        if np.isnan(work.y[j]):
            continue
        q = work.optimizer.q
        zero(q)
        sensitivity(model.loss, work.p, j, work.e)
        backward(model, state, work, work.e, q)
        work.p[j] += np.dot(q, moved)  # what the measurements before have changed
        if not filter_output(optimizer, model, state, work, j):
            return False
    return True


@kernel
def filter_output(optimizer, model, state, work, j):
    """Measure output j, whose sensitivity is in scratch."""
    memory, scratch = state.memory, work.optimizer
    q, kappa, moved = scratch.q, scratch.kappa, scratch.moved
    a = 0.0
    at = 0
    for layer in range(len(memory.layers)):
        P, Q, K, at = group(memory.layers[layer], q, kappa, at)
        a += project(P, Q, K)
    P, Q, K, at = group(memory.readout, q, kappa, at)
    a += project(P, Q, K)
    if not (0 <= a < 1e12):
        for layer in range(len(memory.layers)):
            P = memory.layers[layer]
            reset(P.reshape(P.shape[0], P.size // P.shape[0]), optimizer.prior)
        reset(memory.readout, optimizer.prior)
        memory.counts[1] += 1
        return isfinite(np.dot(q, q))
    e, noise, sample = measure(model.loss, work.y, work.p, j, memory.noise[j], a)
    rate = max(0.005, 1 / (memory.counts[0] / work.o.size + 10))
    memory.noise[j] += rate * (sample - memory.noise[j])
    memory.counts[0] += 1
    step = q.dtype.type(e / (noise + a))
    if not isfinite(step * step * np.dot(kappa, kappa)):
        return False
    for i in range(q.size):
        state.theta[i] += step * kappa[i]
        moved[i] += step * kappa[i]
    inverse, at = q.dtype.type(1 / (noise + a)), 0
    drift = q.dtype.type(optimizer.process_noise)
    for layer in range(len(memory.layers)):
        P, Q, K, at = group(memory.layers[layer], q, kappa, at)
        correct(P, K, inverse, drift)
    P, Q, K, at = group(memory.readout, q, kappa, at)
    correct(P, K, inverse, drift)
    return True


@kernel
def group(covariance, q, kappa, at):
    """Views of one array of groups: Π (L, n), q and κ (Z, n), and where the next begins."""
    L = covariance.shape[0]
    n = covariance.size // L
    Z = int((np.sqrt(8 * L + 1) - 1) / 2)
    end = at + Z * n
    return (
        covariance.reshape(L, n),
        q[at:end].reshape(Z, n),
        kappa[at:end].reshape(Z, n),
        end,
    )
