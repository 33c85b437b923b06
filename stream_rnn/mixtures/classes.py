"""From the members' probabilities to one distribution, for classes.

With p_k (C,) of member k, held away from 0 by a share of the uniform distribution:

    fixed share (Herbster & Warmuth 1998)  p ∝ Σ_k w_k p_k,  w_k ∝ w_k p_k[y],
                                           w ← (1 − α) w + α π                               (1)
    log-linear                             q ∝ Π_k p_k^{v_k}, v by online Newton steps on
                                           −ln q[y], whose Hessian is Σ_c q_c d_c d_cᵀ with
                                           d_c = ln p_·[c] − Σ_c q_c ln p_·[c]               (2)
    final                                  both, by their likelihood, forgetting             (3)

In Eq. (2) v ~ N(π, σ²) at first, and evidence fades with λ, into which the prior comes back:
A ← λA + H + (1 − λ)/σ²,  v ← v + A⁻¹(d_y + (1 − λ)/σ² (π − v)).
"""

from math import exp, log, sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import compiled, kernel
from ..numerics.trees import Float, fields, zeros

SHARE = 0.002  # α
VARIANCE = 0.3  # σ²
FORGET = 0.998  # λ
FLOOR = 0.002  # of the uniform distribution in every member's
EVEN = 0.001  # of the uniform distribution in q
MEMORY = 0.998  # of the likelihoods in Eq. (3)
LEAST = 0.01  # share of either in Eq. (3)

SWITCH, LOGLINEAR, FINAL = range(3)


class State(NamedTuple):
    """K members."""

    prior: Annotated[Float, "K"]  # π
    shares: Annotated[Float, "K"]  # w
    powers: Annotated[Float, "K"]  # v
    precision: Annotated[Float, "K K"]  # A
    top: Annotated[Float, "2"]


class Work(NamedTuple):
    """K members, C classes."""

    logs: Annotated[Float, "K C"]
    mean: Annotated[Float, "K"]
    step: Annotated[Float, "K"]
    factor: Annotated[Float, "K K"]
    made: Annotated[Float, "3 C"]


def allocate(prior: np.ndarray, outputs: int) -> tuple[State, Work]:
    """State and scratch at the members' *prior* (K,), for that many classes."""
    sizes = {"K": len(prior), "C": outputs}
    state, work = zeros((fields(State, sizes), fields(Work, sizes)))
    begin(state, prior)
    return state, work


def begin(state: State, prior: np.ndarray) -> None:
    """Every mixture starts at the members' *prior* (K,), which sums to 1."""
    state.prior[:] = state.shares[:] = state.powers[:] = prior
    state.precision[:] = np.eye(len(prior)) / VARIANCE
    state.top[:] = 0.5


@compiled
def predict(bound, P, out):
    """Write the distributions (T, C) made of the members' P (T, K, C) into *out*."""
    for t in range(P.shape[0]):
        combine(bound.state, bound.work, P[t])
        for c in range(out.shape[1]):
            out[t, c] = bound.work.made[FINAL, c]


@compiled
def prequential(bound, P, y, out):
    """The same, each learned with its class y (T,) unless that is NaN."""
    for t in range(P.shape[0]):
        combine(bound.state, bound.work, P[t])
        for c in range(out.shape[1]):
            out[t, c] = bound.work.made[FINAL, c]
        if y[t] == y[t]:
            learn(bound.state, bound.work, P[t], int(y[t]))


@kernel
def combine(state, work, P):
    """Fill `made` (3, C) from P (K, C)."""
    K, C = P.shape
    made, logs = work.made, work.logs
    for c in range(C):
        made[SWITCH, c] = made[LOGLINEAR, c] = 0.0
        for k in range(K):
            p = (1 - FLOOR) * P[k, c] + FLOOR / C
            logs[k, c] = log(p)
            made[SWITCH, c] += state.shares[k] * p
            made[LOGLINEAR, c] += state.powers[k] * logs[k, c]
    normalise(made[LOGLINEAR])
    for c in range(C):
        made[LOGLINEAR, c] = (1 - EVEN) * made[LOGLINEAR, c] + EVEN / C
        made[FINAL, c] = state.top[0] * made[SWITCH, c] + state.top[1] * made[LOGLINEAR, c]


@kernel
def normalise(row):
    """e^row over its sum."""
    peak, total = row[0], 0.0
    for c in range(row.size):
        peak = max(peak, row[c])
    for c in range(row.size):
        row[c] = exp(row[c] - peak)
        total += row[c]
    for c in range(row.size):
        row[c] /= total


@kernel
def learn(state, work, P, y):
    """Eqs. (1) to (3) for the class y."""
    K, C = P.shape
    w, total = state.shares, 0.0
    for k in range(K):
        w[k] *= (1 - FLOOR) * P[k, y] + FLOOR / C
        total += w[k]
    for k in range(K):
        w[k] = (1 - SHARE) * w[k] / total + SHARE * state.prior[k]
    judge(state.top, work.made[SWITCH, y], work.made[LOGLINEAR, y])
    newton(state, work, y)


@kernel
def judge(top, first, second):
    """Eq. (3)."""
    a, b = top[0] * first, top[1] * second
    a, b = (a / (a + b)) ** MEMORY, (b / (a + b)) ** MEMORY
    share = min(1 - LEAST, max(LEAST, a / (a + b)))
    top[0], top[1] = share, 1 - share


@kernel
def newton(state, work, y):
    """Eq. (2)."""
    K, C = work.logs.shape
    q, A, d, step = work.made[LOGLINEAR], state.precision, work.logs, work.step
    back = (1 - FORGET) / VARIANCE
    for k in range(K):
        mean = 0.0
        for c in range(C):
            mean += q[c] * d[k, c]
        for c in range(C):
            d[k, c] -= mean
    for k in range(K):
        step[k] = d[k, y] + back * (state.prior[k] - state.powers[k])
        for i in range(k + 1):
            h = 0.0
            for c in range(C):
                h += q[c] * d[k, c] * d[i, c]
            A[k, i] = FORGET * A[k, i] + h + (back if i == k else 0.0)
    solve(A, work.factor, step)
    for k in range(K):
        state.powers[k] += step[k]


@kernel
def solve(A, L, b):
    """b ← A⁻¹b by Cholesky's A = LLᵀ; A (K, K) positive definite, its lower half in use."""
    K = b.size
    for i in range(K):
        for j in range(i + 1):
            s = A[i, j]
            for n in range(j):
                s -= L[i, n] * L[j, n]
            L[i, j] = sqrt(s) if i == j else s / L[j, j]
    for i in range(K):
        for n in range(i):
            b[i] -= L[i, n] * b[n]
        b[i] /= L[i, i]
    for i in range(K - 1, -1, -1):
        for n in range(i + 1, K):
            b[i] -= L[n, i] * b[n]
        b[i] /= L[i, i]
