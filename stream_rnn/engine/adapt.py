"""From a loss to new parameters: how each kind of optimizer uses a network."""

from math import isfinite
from typing import NamedTuple

import numpy as np

from ..codegen.blas import dot
from ..codegen.dispatch import generic, kernel
from ..losses import slope
from ..numerics.linalg import zero
from ..optimizers.base import update
from ..optimizers.kalman import Kalman, correct, measure, project, reset, sensitivity
from .network import backward


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
    if not isfinite(dot(g, g)):
        zero(g)
        return False
    for i in range(g.size):
        state.theta[i] += g[i]
        g[i] = 0
    return True


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
        work.p[j] += dot(q, moved)  # what the measurements before have changed
        if not filter_output(optimizer, model, state, work, j):
            return False
    return True


@kernel
def filter_output(optimizer, model, state, work, j):
    """Measure output j, whose sensitivity is in scratch."""
    memory, scratch = state.memory, work.optimizer
    q, kappa, moved = scratch.q, scratch.kappa, scratch.moved
    at = 0
    for layer in range(len(memory.layers)):
        P = memory.layers[layer]
        at += project(P.reshape(P.shape[0], P.size // P.shape[0]), q, kappa, at)
    at += project(memory.readout, q, kappa, at)
    a = float(dot(q, kappa))
    if not (0 <= a < 1e12):
        for layer in range(len(memory.layers)):
            P = memory.layers[layer]
            reset(P.reshape(P.shape[0], P.size // P.shape[0]), optimizer.prior)
        reset(memory.readout, optimizer.prior)
        memory.counts[1] += 1
        return isfinite(dot(q, q))
    e, noise, sample = measure(model.loss, work.y, work.p, j, memory.noise[j], a)
    rate = max(0.005, 1 / (memory.counts[0] / work.o.size + 10))
    memory.noise[j] += rate * (sample - memory.noise[j])
    memory.counts[0] += 1
    step = q.dtype.type(e / (noise + a))
    if not isfinite(step * step * dot(kappa, kappa)):
        return False
    for i in range(q.size):
        state.theta[i] += step * kappa[i]
        moved[i] += step * kappa[i]
    inverse, at = q.dtype.type(1 / (noise + a)), 0
    drift, most = q.dtype.type(optimizer.process_noise), q.dtype.type(optimizer.prior)
    for layer in range(len(memory.layers)):
        P = memory.layers[layer]
        at += correct(P.reshape(P.shape[0], P.size // P.shape[0]), kappa, at, inverse, drift, most)
    correct(memory.readout, kappa, at, inverse, drift, most)
    return True
