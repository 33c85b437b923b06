"""Unbiased online recurrent optimization (Tallec & Ollivier 2017).

One vector of the state's size and one of the parameters' stand for the influence, whose
expectation over random signs ν (K, H) their outer product is:

    s̃ ← ρ₀ J s̃ + ρ₁ ν,   θ̃ ← θ̃/ρ₀ + νᵀD/ρ₁,   E[s̃ ⊗ θ̃] = ds/dW               (1)
    (J s̃)[k,i] = Σ_l B[k,l,i] s̃[l,i] + Σ_g A[k,g,i] Σ_j W[j,g,i] s̃[0,j]        (2)
    (νᵀD)[c,g,i] = z[c] Σ_k ν[k,i] A[k,g,i]                                      (3)
    ρ₀² = |θ̃| / |J s̃|,   ρ₁² = |νᵀD| / |ν|                                      (4)

(4) balances the two vectors, which keeps the variance small.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ..numerics.linalg import combine_rows, zero
from ..numerics.randomness import seed_word, signs
from ..numerics.trees import Real, Word
from . import base

TINY = 1e-7  # keeps (4) finite while everything is 0


class UORO(NamedTuple):
    """A rank-one, unbiased and noisy estimate of RTRL's gradient; O(P) a record.

    *seed* starts the random signs, whose generator is part of the state.  The noise wants
    a small learning rate.

    >>> from stream_rnn import UORO, Adam, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), UORO(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> abs(model.predict_one({"x": 1}) - 1) < 0.1
    True
    """

    seed: int = 0


class RankOne(NamedTuple):
    """The rank-one estimate s̃ ⊗ θ̃ of the influence, and its generator."""

    s: Annotated[Real, "K H"]
    theta: Annotated[Real, "Z G H"]
    word: Annotated[Word, "1"]  # generator


class RankOneWork(NamedTuple):
    """Scratch of one record."""

    nu: Annotated[Real, "K H"]
    through: Annotated[Real, "G H"]
    moved: Annotated[Real, "K H"]


@base.trace_of.register
def _(learner: UORO, sizes):
    return RankOne


@base.work_of.register
def _(learner: UORO, sizes):
    return RankOneWork


base.pass_down.register(base.pass_down_now, UORO)


@base.observe.register
def observe(learner: UORO, W, s_, trace, work, below):
    nu, through, moved = work.learner.nu, work.learner.through, work.learner.moved
    Z, G, H = W.shape
    seed_word(trace.word, learner.seed)
    signs(trace.word, nu.reshape(nu.size))
    propagate(W, work.A, work.B, trace.s, through, moved, work.back.size)
    excite(work.A, nu, through)
    theta = trace.theta.reshape(Z * G * H)
    size = np.sqrt(np.dot(work.z, work.z)) * norm(through.reshape(G * H))
    rho0 = np.sqrt((norm(theta) + TINY) / (norm(moved.reshape(moved.size)) + TINY))
    rho1 = np.sqrt((size + TINY) / np.sqrt(nu.size))
    combine(trace, work.z, through, moved, nu, rho0, rho1)


@base.gradient.register
def gradient(learner: UORO, W, trace, work, lam, g):
    weight = g.dtype.type(0)
    for i in range(lam.size):
        weight += lam[i] * trace.s[0, i]
    target, source = g.reshape(g.size), trace.theta.reshape(g.size)
    for p in range(g.size):
        target[p] = weight * source[p]
    return True


@base.kernel
def norm(v):
    """Euclidean norm."""
    return np.sqrt(np.dot(v, v))


@base.kernel
def propagate(W, A, B, s, through, moved, J):
    """Eq. (2); writes J s̃ into *moved*."""
    K, G, H = A.shape
    if J:
        combine_rows(s[0], W[:J].reshape(J, G * H), through.reshape(G * H))
    else:
        zero(through.reshape(G * H))
    for k in range(K):
        for i in range(H):
            moved[k, i] = B[k, 0, i] * s[0, i]
        for l in range(1, K):
            for i in range(H):
                moved[k, i] += B[k, l, i] * s[l, i]
        for g in range(G):
            for i in range(H):
                moved[k, i] += A[k, g, i] * through[g, i]


@base.kernel
def excite(A, nu, through):
    """Σ_k ν[k,i] A[k,g,i] of Eq. (3)."""
    K, G, H = A.shape
    for g in range(G):
        for i in range(H):
            through[g, i] = nu[0, i] * A[0, g, i]
        for k in range(1, K):
            for i in range(H):
                through[g, i] += nu[k, i] * A[k, g, i]


@base.kernel
def combine(trace, z, through, moved, nu, rho0, rho1):
    """Eq. (1)."""
    Z, G, H = trace.theta.shape
    kind = z.dtype.type
    keep, fresh, push = kind(1 / rho0), kind(1 / rho1), through.reshape(G * H)
    for c in range(Z):
        row, weight = trace.theta[c].reshape(G * H), fresh * z[c]
        for p in range(G * H):
            row[p] = keep * row[p] + weight * push[p]
    for k in range(moved.shape[0]):
        for i in range(H):
            trace.s[k, i] = kind(rho0) * moved[k, i] + kind(rho1) * nu[k, i]
