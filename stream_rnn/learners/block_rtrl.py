"""Block RTRL (Schmidhuber 1992): the exact online gradient at O(K H P) a record.

The influence S of `rtrl` is kept at the start t₀ of a block only, beside z, A and B of
the ≤ N records since.  At every record t the adjoint of the state is propagated back to
t₀ (`adjoint.pull_back`), which gives δ_s (G, H) of each record and μ = ∂L_t/∂s_{t₀}:

    dL_t/dW = Σ_s z_s ⊗ δ_s + Σ_{k,i} μ[k,i] S_{t₀}[k,i]                        (1)

At the end T of the block the same is done for all K·H unit vectors at once, giving
Γ_s = ∂s_T/∂a_s (G·H, K·H) and Φ = ∂s_T/∂s_{t₀} (K·H, K·H):

    S_T = Σ_s z_s ⊗ Γ_s + S_{t₀} Φ                                              (2)

two matrix products.  S has the state last, S (G, Z, H, K·H), so that μ meets contiguous
rows and both products of (2) land in place.  With weights that change on each record, RTRL
and this form carry derivatives at slightly different weights; they differ by the order
of the learning rate.
"""

from typing import NamedTuple

import numpy as np

from ..linalg import copy
from . import base
from .adjoint import pull_back
from .base import INT, Axes

CHUNK = 32_768  # numbers of S that are multiplied by Φ at a time: they stay in the cache


class BlockRTRL(NamedTuple):
    """Exact RTRL, one order of H cheaper: O(K H P) a record instead of O(K H² P).

    *block* is the number of records between two updates of the influence; None chooses
    it by the number of units.  It trades time only: the gradient is the same.  The work at
    a block's end falls into one record.

    >>> from stream_rnn import Adam, BlockRTRL, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), BlockRTRL(), Adam(0.01), seed=1)
    >>> for t in range(400):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """

    block: int | None = None


class Block(NamedTuple):
    S: np.ndarray  # (G, Z, H, E), E = K·H
    z: np.ndarray  # (T, Z), T = N records
    A: np.ndarray  # (T, K, G, H)
    B: np.ndarray  # (T, K, K, H)
    n: np.ndarray  # (1,) records since the block began


class BlockWork(NamedTuple):
    sigma: np.ndarray  # (2, K, H)
    delta: np.ndarray  # (T, G, H)
    far: np.ndarray  # (G, Z, H) = S μ
    adjoints: np.ndarray  # (2, K, H, E): σ of all unit vectors
    step: np.ndarray  # (G, H, E)
    back: np.ndarray  # (J, E)
    gamma: np.ndarray  # (G, T, H, E)
    near: np.ndarray  # (Z, H, E)
    product: np.ndarray  # (C, H, E)


def block_length(units: int) -> int:
    """Records in a block: balances (1) against (2); measured for LSTM."""
    return max(8, units)


@base.trace_axes.register
def _(learner: BlockRTRL, dims):
    dims["T"] = block_length(dims["H"]) if learner.block is None else learner.block
    dims["E"] = dims["K"] * dims["H"]
    return Block(
        Axes(("G", "Z", "H", "E")),
        Axes(("T", "Z")),
        Axes(("T", "K", "G", "H")),
        Axes(("T", "K", "K", "H")),
        Axes(("1",), INT),
    )


@base.work_axes.register
def _(learner: BlockRTRL, dims):
    dims["C"] = min(dims["Z"], max(1, CHUNK // (dims["H"] * dims["E"])))
    return BlockWork(
        Axes(("2", "K", "H")),
        Axes(("T", "G", "H")),
        Axes(("G", "Z", "H")),
        Axes(("2", "K", "H", "E")),
        Axes(("G", "H", "E")),
        Axes(("J", "E")),
        Axes(("G", "T", "H", "E")),
        Axes(("Z", "H", "E")),
        Axes(("C", "H", "E")),
    )


@base.observe.register
def observe(learner: BlockRTRL, W, s_, trace, work):
    if trace.n[0] == trace.z.shape[0]:
        close(W, trace, work.learner)
        trace.n[0] = 0
    n = trace.n[0]
    copy(work.z, trace.z[n])
    copy(work.A.reshape(work.A.size), trace.A[n].reshape(work.A.size))
    copy(work.B.reshape(work.B.size), trace.B[n].reshape(work.B.size))
    trace.n[0] = n + 1


@base.gradient.register
def gradient(learner: BlockRTRL, W, trace, work, lam, g):
    sigma, delta, far = work.learner.sigma, work.learner.delta, work.learner.far
    G, Z, H, E = trace.S.shape
    n = trace.n[0]
    start(lam, sigma[n % 2])
    for s in range(n - 1, -1, -1):
        now, before = sigma[(s + 1) % 2], sigma[s % 2]
        pull_back(W, trace.A[s], trace.B[s], now, before, delta[s], work.back)
    np.dot(trace.z[:n].T, delta[:n].reshape(n, G * H), g.reshape(Z, G * H))
    np.dot(trace.S.reshape(G * Z * H, E), sigma[0].reshape(E), far.reshape(G * Z * H))
    for c in range(Z):
        for gate in range(G):
            for i in range(H):
                g[c, gate, i] += far[gate, c, i]
    return True


@base.kernel
def start(lam, sigma):
    """The adjoint of the newest state: λ on h, nothing on the rest."""
    K, H = sigma.shape
    for i in range(H):
        sigma[0, i] = lam[i]
    for k in range(1, K):
        for i in range(H):
            sigma[k, i] = 0


@base.kernel
def close(W, trace, work):
    """Eq. (2), in place."""
    S, z, product = trace.S, trace.z, work.product
    G, Z, H, E = S.shape
    T, C = z.shape[0], product.shape[0]
    pull_back_all(W, trace.A, trace.B, work)
    phi = work.adjoints[0].reshape(E, E)
    near = work.near.reshape(Z, H * E)
    for g in range(G):
        np.dot(z.T, work.gamma[g].reshape(T, H * E), near)
        for c in range(0, Z, C):
            rows = min(C, Z - c)
            old = S[g, c : c + rows].reshape(rows * H, E)
            new = product[:rows].reshape(rows * H, E)
            np.dot(old, phi, new)
            add(new.reshape(old.size), near[c : c + rows].reshape(old.size), old.reshape(old.size))


@base.kernel
def add(a, b, out):
    for p in range(out.size):
        out[p] = a[p] + b[p]


@base.kernel
def pull_back_all(W, A, B, work):
    """`pull_back` for all unit vectors: writes Γ, and leaves Φ in adjoints[0]."""
    adjoints, step, back, gamma = work.adjoints, work.step, work.back, work.gamma
    T, K, G, H = A.shape
    E, J = back.shape[1], back.shape[0]
    for k in range(K):
        for i in range(H):
            for e in range(E):
                adjoints[T % 2, k, i, e] = 0
            adjoints[T % 2, k, i, k * H + i] = 1
    for s in range(T - 1, -1, -1):
        now, before = adjoints[(s + 1) % 2], adjoints[s % 2]
        for g in range(G):
            spread(A[s, :, g], now, step[g])
            copy(step[g].reshape(H * E), gamma[g, s].reshape(H * E))
        for l in range(K):
            spread(B[s, :, l], now, before[l])
        if J:
            np.dot(W[:J].reshape(J, G * H), step.reshape(G * H, E), back)
            to = before[0].reshape(H * E)
            add(to, back.reshape(H * E), to)


@base.kernel
def spread(partial, adjoint, out):
    """out[i] (E,) = Σ_k partial[k,i] adjoint[k,i] (E,)."""
    K, H, E = adjoint.shape
    for i in range(H):
        for e in range(E):
            out[i, e] = partial[0, i] * adjoint[0, i, e]
        for k in range(1, K):
            for e in range(E):
                out[i, e] += partial[k, i] * adjoint[k, i, e]
