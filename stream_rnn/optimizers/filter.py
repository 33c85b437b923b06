"""How a Kalman filter uses a network, and what it remembers.

One scalar measurement after another: equations (1) and (2) of `kalman`.
"""

from math import isfinite
from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.blas import dot
from ..codegen.dispatch import kernel
from ..errors import ConfigError
from ..numerics.linalg import zero
from ..numerics.trees import Float, Int, Real, fields, leaves
from . import base
from .kalman import Kalman, correct, enlarge, measure, project, reset, sensitivity, unsettle


class Covariance(NamedTuple):
    """Π of all groups, packed by rows of the lower triangle so that new inputs append."""

    layers: tuple[Annotated[Real, "L G H"], ...]  # L = Z (Z + 1) / 2
    readout: Annotated[Real, "Q O"]  # Q = R (R + 1) / 2
    noise: Annotated[Float, "O"]  # R
    counts: Annotated[Int, "2"]  # measurements; resets of a covariance


class Filter(NamedTuple):
    """Scratch of one measurement."""

    q: Annotated[Real, "P"]
    kappa: Annotated[Real, "P"]
    moved: Annotated[Real, "P"]


def triangle(n: int) -> int:
    """Elements of a packed (n, n)."""
    return n * (n + 1) // 2


def _covariances(memory: Covariance) -> tuple[np.ndarray, ...]:
    return (*memory.layers, memory.readout)


@base.is_link.register
def _(optimizer: Kalman):
    return False


@base.check_fit.register
def _(optimizer: Kalman, links, loss, gatherer):
    if len(links) > 1:
        raise ConfigError(
            "optimizer: Kalman takes no Clip, ClipValue or Decay before it, for it follows "
            "derivatives of the prediction, not of the loss; use Kalman() alone, and "
            "Huber as the loss to bound an outlier's influence"
        )
    if type(loss) not in measure.registry:
        raise ConfigError(
            f"loss: {type(loss).__name__} has no likelihood that Kalman could filter "
            "with; use Squared or Huber, or Adam as the optimizer"
        )
    if gatherer is not None:
        raise ConfigError(
            f"learner: {gatherer} gathers records; Kalman learns from each, so use "
            "TBPTT(window, every=1) or another optimizer"
        )


@base.memory_of.register
def _(optimizer: Kalman, sizes, shapes, dtype):
    layers = [{"L": triangle(Z), "G": G, "H": H} for Z, G, H in shapes[:-1]]
    return fields(Covariance, sizes | {"Q": triangle(sizes["R"])}, dtype, layers=layers)


@base.scratch_of.register
def _(optimizer: Kalman):
    return Filter


@base.reset.register
def _(optimizer: Kalman, memory):
    for array in leaves(memory):
        array[...] = 0
    for array in _covariances(memory):
        reset(array.reshape(len(array), -1), optimizer.prior)
    memory.noise[:] = 1.0


@base.enlarge.register
def _(optimizer: Kalman, memory, before):
    for new, old in zip(_covariances(memory), _covariances(before), strict=True):
        if new.shape[1:] == old.shape[1:]:
            enlarge(new, old.shape[0], optimizer.prior)
        else:
            reset(new.reshape(len(new), -1), optimizer.prior)
    memory.noise[:] = 1.0


@base.unsettle.register
def _(optimizer: Kalman, memory, share):
    for array in _covariances(memory):
        unsettle(array, share * optimizer.prior)


@base.reactions.register
def _(optimizer: Kalman):
    return ("noise",)


@base.report.register
def _(optimizer: Kalman, memory):
    return {"kalman_resets": int(memory.counts[1])}


@base.adapt.register
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
        base.differentiate(model, state, work, work.e, q)
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
