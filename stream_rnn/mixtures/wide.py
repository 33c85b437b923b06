"""Least squares over fixed features: a full-covariance Kalman filter, linear in its weights.

For numbers, in standard units, it is recursive least squares with a running noise R and a Huber
weight ω.  For classes every class has its weights and all share one covariance (one of them is
spare where there are two); the slope of the logistic is taken at the output moderated by its
variance (MacKay 1992), as in `optimizers.kalman`:

    f = wᵀφ, κ = Πφ, a = φᵀκ                                                              (1)
    numbers: w += κ(y − f)/α,  Π −= κκᵀ/α,  α = R/ω + a                                    (2)
    classes: p = σ(f/√(1 + πa/8)), s = p(1 − p), w += κ(y − p)/(1 + s a)
             Π −= κκᵀ s/(1 + s a),  s the largest of the classes                           (3)
    Π_ii += drift · prior_i  where it is below prior_i
"""

from math import exp, pi, sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import entry, generic, kernel
from ..numerics.linalg import copy
from ..numerics.trees import Float, Float32, Int, fields
from . import base, features
from .base import Classes, Numbers

NOISE, COUNT, GRID_SIZE = range(3)


class Wide(NamedTuple):
    """Prior variances of the weights of z, of hats and of products, and how fast they drift.

    At most *most* features, but never fewer than 1 and the inputs, of which the first
    `MOST_INPUTS` are looked at.
    """

    linear: float = 0.1
    hat: float = 0.05
    pair: float = 0.03
    drift: float = 0.0
    most: int = 256
    hinges: bool = True
    pairs: bool = True


MOST_INPUTS = 400


class State(NamedTuple):
    """D features, C classes."""

    weights: Annotated[Float32, "C D"]
    covariance: Annotated[Float32, "D D"]
    prior: Annotated[Float32, "D"]
    names: Annotated[Int, "D 2"]  # see `features`
    filter: Annotated[Float, "3"]  # R, targets, hats a column


class Work(NamedTuple):
    """φ, κ and a."""

    phi: Annotated[Float32, "D"]
    gain: Annotated[Float32, "D"]
    variance: Annotated[Float, "1"]


@base.declare.register
def declare(spec: Wide, task, inputs, outputs):
    m = min(inputs, MOST_INPUTS)
    grid, pairs = features.sizes(m, spec.most, spec.hinges, spec.pairs)
    sizes = {"C": outputs, "D": 1 + m + m * grid + pairs}
    return fields(State, sizes), fields(Work, sizes)


@base.begin.register
def begin(spec: Wide, task, state, inputs, seed):
    m = min(inputs, MOST_INPUTS)
    grid, _ = features.sizes(m, spec.most, spec.hinges, spec.pairs)
    features.name(m, spec.most, spec.hinges, spec.pairs, seed, state.names)
    start(spec.linear, spec.hat, spec.pair, state.names, state.prior, state.covariance)
    state.filter[:] = 1.0, 0.0, grid


@base.carry.register
def carry(spec: Wide, old, new, inputs, new_inputs):
    """Weights go with the names of their features, of which some may be given up."""
    source, target, runs = np.empty((3, len(old.names)), np.int64)
    n = match(old.names, new.names, old.filter[GRID_SIZE] == new.filter[GRID_SIZE], source, target)
    arrays = old.weights, old.covariance, new.weights, new.covariance
    take(source[:n], target[:n], runs, *arrays)
    new.filter[:GRID_SIZE] = old.filter[:GRID_SIZE]


@entry
def match(before, after, same_grid, source, target):
    """Write the places of the features that both have, *source* in order; how many they are.

    Each is looked for behind the one before: most have kept their order.  Those of another grid
    are other hats.
    """
    count, last, D = 0, 0, after.shape[0]
    for k in range(before.shape[0]):
        if before[k, 0] > 1 and not same_grid:
            continue
        for step in range(D):
            at = last + step if last + step < D else last + step - D
            if after[at, 0] == before[k, 0] and after[at, 1] == before[k, 1]:
                source[count], target[count] = k, at
                count, last = count + 1, at + 1
                break
    return count


@entry
def start(linear, hat, pair, names, prior, covariance):
    """Prior variances by the names of features, also on the diagonal of a covariance of zeros."""
    for i in range(prior.size):
        kind = names[i, 0]
        prior[i] = pair if kind < 0 else (hat if kind > 1 else linear)
        covariance[i, i] = prior[i]


@entry
def take(source, target, runs, weights, covariance, new_weights, new_covariance):
    """Carry over the features at the places *source*, to *target*; *runs* is scratch."""
    count = 0
    for i in range(source.size):  # stretches in which both go on one by one
        if i == 0 or source[i] != source[i - 1] + 1 or target[i] != target[i - 1] + 1:
            runs[count] = i
            count += 1
    for c in range(weights.shape[0]):
        move_runs(source, target, runs[:count], weights[c], new_weights[c])
    for i in range(source.size):
        row, to = covariance[source[i]], new_covariance[target[i]]
        move_runs(source, target, runs[:count], row, to)


@kernel
def move_runs(source, target, runs, row, to):
    for r in range(runs.size):
        first = runs[r]
        end = runs[r + 1] if r + 1 < runs.size else source.size
        a, b, n = source[first], target[first], end - first
        copy(row[a : a + n], to[b : b + n])


@base.infer.register
def infer(member: Wide, task, state, work, x, z, unit, out):
    """Eq. (1), and what it says."""
    phi, grid = work.phi, int(state.filter[GRID_SIZE])
    m = min(z.size, MOST_INPUTS)
    features.expand(grid, state.names[1 + m + m * grid :], z[:m], phi)
    a = max(project(state.covariance, phi, work.gain), 0.0)
    work.variance[0] = a
    for c in range(out.size):
        out[c] = output(state.weights[c], phi)
    say(task, a, unit, out)


@kernel
def output(w, phi):
    f = 0.0
    for i in range(phi.size):
        f += w[i] * phi[i]
    return f


@kernel
def project(P, phi, gain):
    """gain ← Π φ; returns φᵀΠφ."""
    for i in range(phi.size):
        gain[i] = 0
    for j in range(phi.size):
        f = phi[j]
        if f != 0:
            row = P[j]
            for i in range(phi.size):
                gain[i] += f * row[i]
    return output(gain, phi)


@generic
def say(task, a, unit, out):
    """From outputs f to a number in its units, or to probabilities."""


@say.register
def say_number(task: Numbers, a, unit, out):
    out[0] = out[0] * unit[1] + unit[0]


@say.register
def say_classes(task: Classes, a, unit, out):
    total = 0.0
    for c in range(out.size):
        out[c] = logistic(out[c] / sqrt(1 + pi / 8 * a))
        total += out[c]
    for c in range(out.size):
        out[c] /= total


@kernel
def logistic(f):
    return 1 / (1 + exp(-max(-30.0, min(30.0, f))))


@base.absorb.register
def absorb(member: Wide, task, state, work, x, z, unit, y, out):
    """Eqs. (2) and (3)."""
    shrink = learn(task, state, work, y, unit)
    correct(state, work.gain, shrink, np.float32(member.drift))


@generic
def learn(task, state, work, y, unit):
    """Move the weights; returns by how much κκᵀ the covariance is to shrink."""


@learn.register
def learn_number(task: Numbers, state, work, y, unit):
    R, a = state.filter[NOISE], work.variance[0]
    e = (y - unit[0]) / unit[1] - output(state.weights[0], work.phi)
    limit = 4.0 * sqrt(R + a)
    omega = 1.0 if abs(e) <= limit else limit / abs(e)
    alpha = R / omega + a
    move(state.weights[0], work.gain, np.float32(e / alpha))
    state.filter[COUNT] += 1
    rate = max(1.0 / (state.filter[COUNT] + 10), 0.005)
    sample = (omega * e) ** 2 * R / (R + a)
    state.filter[NOISE] = max(R + rate * (sample - R), 1e-6)
    return 1.0 / alpha


@learn.register
def learn_class(task: Classes, state, work, y, unit):
    a, most = work.variance[0], 0.0
    root = sqrt(1 + pi / 8 * a)
    for c in range(state.weights.shape[0]):
        p = logistic(output(state.weights[c], work.phi) / root)
        s = max(p * (1 - p), 1e-5)
        most = max(most, s)
        move(state.weights[c], work.gain, np.float32(((c == int(y)) - p) / (1 + s * a)))
    return most / (1 + most * a)


@kernel
def move(w, gain, step):
    for i in range(w.size):
        w[i] += gain[i] * step


@kernel
def correct(state, gain, shrink, drift):
    """Π −= κκᵀ shrink; the diagonal gets its drift."""
    P, prior = state.covariance, state.prior
    for i in range(gain.size):
        g = np.float32(gain[i] * shrink)
        row = P[i]
        if g != 0:
            for j in range(gain.size):
                row[j] -= g * gain[j]
        v = max(row[i], np.float32(1e-9))
        row[i] = v + drift * prior[i] if v < prior[i] else v
