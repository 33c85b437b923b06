"""Recursive least squares on columns of the summary: a full covariance, exact in one pass.

φ = [1, z of its columns], prior variances π of the weights, and 1 of the bias's:

    κ = Πφ,  a = φᵀκ,  f_c = w_cᵀφ                                                       (1)
    w_c += κ (t_c − f_c)/(1 + a),   Π −= κκᵀ/(1 + a)                                     (2)

Classes: t = 1 for the class that came and 0 for the others, so that a class met late finds the
weights that it would have had; probabilities are softmax(k f), whose sharpness k follows the log
loss by Newton steps on ln k: with f̄ = Σ p_c f_c,

    g = k (f_y − f̄),  h = k² Σ p_c (f_c − f̄)²,  F ← λF + h + 1,  ln k += g/F              (3)

Numbers: as `mixtures.wide`, with a running noise and a Huber weight.
"""

from math import exp
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import generic, kernel
from ...mixtures import base, wide
from ...mixtures.base import Classes, Numbers
from ...numerics.trees import Float, Float32, Int, fields
from . import columns

SHARPNESS, CURVATURE = 2, 3  # places in State.filter, behind those of `wide`
FADE = 0.99  # λ
SHARP = (1.0, 30.0)  # bounds of k
STEP = 0.5  # of ln k, at most


class Linear(NamedTuple):
    """Which columns it reads, and the prior variance of their weights; the first *most* count.

    *states* is how many columns a summary has of the reservoir.
    """

    prior: float = 0.1
    state: bool = True
    statistics: bool = True
    outline: bool = True
    drift: float = 0.0
    most: int = 1024
    states: int = 0


class State(NamedTuple):
    """D = columns + 1, C classes; the names that `mixtures.wide` reads."""

    weights: Annotated[Float32, "C D"]
    covariance: Annotated[Float32, "D D"]
    prior: Annotated[Float32, "D"]
    filter: Annotated[Float, "4"]
    columns: Annotated[Int, "D-1"]


class Work(NamedTuple):
    """φ, κ, a and f."""

    phi: Annotated[Float32, "D"]
    gain: Annotated[Float32, "D"]
    variance: Annotated[Float, "1"]
    f: Annotated[Float, "C"]


def read_by(spec: Linear, inputs: int) -> np.ndarray:
    """The columns of a summary that is *inputs* wide."""
    m = columns.channels_of(spec.states, inputs)
    asked = {"state": spec.state, "statistics": spec.statistics, "outline": spec.outline}
    return columns.chosen(spec.states, m, **asked)[: spec.most]


@base.declare.register
def declare(spec: Linear, task, inputs, outputs):
    sizes = {"C": outputs, "D": 1 + len(read_by(spec, inputs))}
    return fields(State, sizes), fields(Work, sizes)


@base.begin.register
def begin(spec: Linear, task, state, inputs, seed):
    state.columns[:] = read_by(spec, inputs)
    state.prior[:] = spec.prior
    state.prior[0] = 1.0
    state.covariance[:] = np.diag(state.prior)
    state.filter[:] = 1.0, 0.0, 4.0, 10.0


@base.infer.register
def infer(member: Linear, task, state, work, x, z, unit, out):
    """Eq. (1), and what it says."""
    phi = work.phi
    phi[0] = 1
    for i in range(state.columns.size):
        phi[1 + i] = z[state.columns[i]]
    work.variance[0] = max(wide.project(state.covariance, phi, work.gain), 0.0)
    for c in range(out.size):
        work.f[c] = wide.output(state.weights[c], phi)
    say(task, state, work, unit, out)


@generic
def say(task, state, work, unit, out):
    """From f to a number in its units, or to probabilities."""


@say.register
def say_number(task: Numbers, state, work, unit, out):
    out[0] = work.f[0] * unit[1] + unit[0]


@say.register
def say_classes(task: Classes, state, work, unit, out):
    k, peak, total = state.filter[SHARPNESS], work.f[0], 0.0
    for c in range(out.size):
        peak = max(peak, work.f[c])
    for c in range(out.size):
        out[c] = exp(k * (work.f[c] - peak))
        total += out[c]
    for c in range(out.size):
        out[c] /= total


@base.absorb.register
def absorb(member: Linear, task, state, work, x, z, unit, y, out):
    """Eqs. (2) and (3)."""
    shrink = learn(task, state, work, y, unit, out)
    wide.correct(state, work.gain, shrink, np.float32(member.drift))


@generic
def learn(task, state, work, y, unit, out):
    """Move the weights; returns by how much κκᵀ the covariance is to shrink."""


@learn.register
def learn_number(task: Numbers, state, work, y, unit, out):
    return wide.learn(task, state, work, y, unit)


@learn.register
def learn_class(task: Classes, state, work, y, unit, out):
    shrink = 1 / (1 + work.variance[0])
    sharpen(state, work.f, int(y), out)
    for c in range(out.size):
        wide.move(state.weights[c], work.gain, np.float32(((c == int(y)) - work.f[c]) * shrink))
    return shrink


@kernel
def sharpen(state, f, y, p):
    """Eq. (3)."""
    k, mean, spread = state.filter[SHARPNESS], 0.0, 0.0
    for c in range(p.size):
        mean += p[c] * f[c]
    for c in range(p.size):
        spread += p[c] * (f[c] - mean) ** 2
    state.filter[CURVATURE] = FADE * state.filter[CURVATURE] + k * k * spread + 1
    step = k * (f[y] - mean) / state.filter[CURVATURE]
    k *= exp(max(-STEP, min(STEP, step)))
    state.filter[SHARPNESS] = max(SHARP[0], min(SHARP[1], k))
