"""A Gaussian of the steps for every class: which of them has the whole sequence come from?

Of a sequence the member needs T, the mean x̄ (p,) and covariance Σ of its steps.  With μ_c and V_c
of class c, the mean log likelihood of a step is

    ℓ_c = −½ (ln|V_c| + tr V_c⁻¹ (Σ + (x̄ − μ_c)(x̄ − μ_c)ᵀ))                              (1)

and the probabilities are softmax(T^ρ ℓ): ρ < 1, as the steps of a sequence are not independent.
V_c = (S_c + k V)/(n_c + k), k = p + 1, S_c the scatter of its n_c steps, V that within all classes
and p steps of the diagonal of all.  A sequence is taken in by the pooled update (Chan et al.
1979): with δ = x̄ − μ_c,

    S_c += T Σ + n_c T/(n_c + T) δδᵀ,   μ_c += T/(n_c + T) δ,   n_c += T                   (2)

The first p = min(m, PAIRED) channels are looked at; a sequence that lacks one says nothing.
"""

from math import exp, log, sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import kernel
from ...mixtures import base
from ...numerics.trees import Float, fields
from . import columns
from .columns import BINS, MEAN, PAIRED, STATISTICS

JITTER = 1e-4  # of the total variance


class Gaussian(NamedTuple):
    """*power* is ρ; *states* is how many columns a summary has of the reservoir."""

    power: float = 0.5
    states: int = 0


class State(NamedTuple):
    """C classes, p channels."""

    count: Annotated[Float, "C"]  # type: ignore[assignment]  # n_c; shadows that of a tuple
    mean: Annotated[Float, "C p"]
    scatter: Annotated[Float, "C p p"]


class Work(NamedTuple):
    """Scratch of one sequence."""

    mean: Annotated[Float, "p"]  # x̄
    covariance: Annotated[Float, "p p"]  # Σ
    grand: Annotated[Float, "p"]
    total: Annotated[Float, "p"]  # variances of all steps
    within: Annotated[Float, "p p"]  # V
    L: Annotated[Float, "p p"]
    row: Annotated[Float, "p"]


@base.declare.register
def declare(spec: Gaussian, task, inputs, outputs):
    m = columns.channels_of(spec.states, inputs)
    sizes = {"C": outputs, "p": min(m, PAIRED)}
    return fields(State, sizes), fields(Work, sizes)


@base.infer.register
def infer(member: Gaussian, task, state, work, x, z, unit, out):
    """Eq. (1)."""
    even = 1.0 / out.size
    for c in range(out.size):
        out[c] = even
    if not read(member, work, x) or not gather(state, work):
        return
    peak = -1e300
    for c in range(out.size):
        out[c] = x[0] ** member.power * fit(state, work, c)
        peak = max(peak, out[c])
    total = 0.0
    for c in range(out.size):
        out[c] = exp(out[c] - peak)
        total += out[c]
    for c in range(out.size):
        out[c] /= total


@kernel
def read(member, work, x):
    """Take x̄ and Σ from a summary; whether they are all there."""
    at = 1 + member.states
    for j in range(work.mean.size):
        work.mean[j] = x[at + MEAN]
        if work.mean[j] != work.mean[j]:
            return False
        pairs = at + STATISTICS + BINS + j
        for i in range(j + 1):
            work.covariance[j, i] = work.covariance[i, j] = x[pairs + i]
        at = pairs + j + 1
    return True


@kernel
def gather(state, work):
    """V, and the variances of all steps; whether there are any."""
    C, p = state.mean.shape
    steps = 0.0
    for c in range(C):
        steps += state.count[c]
    if steps == 0:
        return False
    for j in range(p):
        work.grand[j] = 0.0
        for c in range(C):
            work.grand[j] += state.count[c] / steps * state.mean[c, j]
    for j in range(p):
        work.total[j] = 0.0
        for c in range(C):
            d = state.mean[c, j] - work.grand[j]
            work.total[j] += (state.scatter[c, j, j] + state.count[c] * d * d) / steps
        if work.total[j] <= 0:
            work.total[j] = 1.0
        for i in range(j + 1):
            s = p * work.total[j] if i == j else 0.0
            for c in range(C):
                s += state.scatter[c, j, i]
            work.within[j, i] = s / (steps + p)
    return True


@kernel
def fit(state, work, c):
    """Eq. (1) for class c, by V = LLᵀ: tr V⁻¹M = Σ over the columns of L⁻¹ and their products."""
    p, n = work.mean.size, state.count[c]
    k = p + 1.0
    L, row = work.L, work.row
    for i in range(p):
        for j in range(i + 1):
            s = (state.scatter[c, i, j] + k * work.within[i, j]) / (n + k)
            s += JITTER * work.total[i] if i == j else 0.0
            for q in range(j):
                s -= L[i, q] * L[j, q]
            L[i, j] = sqrt(max(s, 1e-300)) if i == j else s / L[j, j]
    found = 0.0
    for i in range(p):
        found -= log(L[i, i])
    invert(L)
    for i in range(p):  # row i of L⁻¹ times M times itself
        for j in range(p):
            row[j] = 0.0
        for q in range(i + 1):
            for j in range(i + 1):
                row[j] += L[i, q] * moment(state, work, c, q, j)
        for j in range(i + 1):
            found -= 0.5 * row[j] * L[i, j]
    return found


@kernel
def centre(state, work, c, j):
    """μ_c, drawn to the mean of all by one step."""
    n = state.count[c]
    return (n * state.mean[c, j] + work.grand[j]) / (n + 1)


@kernel
def moment(state, work, c, i, j):
    """Σ + (x̄ − μ_c)(x̄ − μ_c)ᵀ."""
    d = work.mean[i] - centre(state, work, c, i)
    return work.covariance[i, j] + d * (work.mean[j] - centre(state, work, c, j))


@kernel
def invert(L):
    """L ← L⁻¹, lower triangular."""
    p = L.shape[0]
    for j in range(p):
        L[j, j] = 1 / L[j, j]
        for i in range(j + 1, p):
            s = 0.0
            for q in range(j, i):
                s -= L[i, q] * L[q, j]
            L[i, j] = s / L[i, i]


@base.absorb.register
def absorb(member: Gaussian, task, state, work, x, z, unit, y, out):
    """Eq. (2)."""
    if not read(member, work, x):
        return
    c, T = int(y), x[0]
    n = state.count[c]
    mean, scatter = state.mean[c], state.scatter[c]
    for i in range(mean.size):
        work.row[i] = work.mean[i] - mean[i]
    for i in range(mean.size):
        for j in range(mean.size):
            scatter[i, j] += T * work.covariance[i, j]
            scatter[i, j] += n * T / (n + T) * work.row[i] * work.row[j]
    for i in range(mean.size):
        mean[i] += T / (n + T) * work.row[i]
    state.count[c] = n + T
