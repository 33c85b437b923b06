"""Block RTRL (Schmidhuber 1992): the exact online gradient at O(K H P) a record.

The influence S of `rtrl` is kept at the start t₀ of a block only, beside z, A and B of
the ≤ N records since.  At every record t the adjoint of the state is propagated back to
t₀ (`adjoint.pull_back`), which gives δ_s (G, H) of each record and μ = ∂L_t/∂s_{t₀}:

    dL_t/dW = Σ_s z_s ⊗ δ_s + Σ_{k,i} μ[k,i] S_{t₀}[k,i]                        (1)

At the end T of the block the same is done for all K·H unit vectors at once, giving
Γ_s = ∂s_T/∂a_s (G·H, K·H) and Φ = ∂s_T/∂s_{t₀} (K·H, K·H):

    S_T = Σ_s z_s ⊗ Γ_s + S_{t₀} Φ                                              (2)

two matrix products.  S has the state last, S (G, Z, H, K·H), so that μ meets contiguous
rows and the products of (2) need no transposition.  With weights that change on each record, RTRL
and this form carry derivatives at slightly different weights; they differ by the order
of the learning rate.
"""

from typing import NamedTuple

import numpy as np

from ..codegen.blas import matmul, matmul_tn, matvec
from ..numerics.linalg import copy, zero
from ..numerics.trees import INT, Axes
from . import base
from .adjoint import pull_back
from .base import carry_over, project
from .own_rows import decay_axes, own_rows_axes


class BlockRTRL(NamedTuple):
    """Exact RTRL, one order of H cheaper: O(K H P) a record instead of O(K H² P).

    *block* is the number of records between two updates of the influence; None chooses
    it by the number of units.  It trades time only: the gradient is the same.  The work at
    a block's end falls into one record.  Where units do not feed each other it keeps what
    `RTRL` keeps there.

    >>> from stream_rnn import Adam, BlockRTRL, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), BlockRTRL(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """

    block: int | None = None


class Block(NamedTuple):
    """Influence at the start of the block, and what the records since brought forth."""

    S: np.ndarray  # (G, Z, H, E), E = K·H
    z: np.ndarray  # (T, Z), T = N records
    A: np.ndarray  # (T, K, G, H)
    B: np.ndarray  # (T, K, K, H)
    n: np.ndarray  # (1,) records since the block began


class BlockWork(NamedTuple):
    """Scratch of Eqs. (1) and (2)."""

    sigma: np.ndarray  # (2, K, H)
    delta: np.ndarray  # (T, G, H)
    far: np.ndarray  # (G, Z, H) = S μ
    U: np.ndarray  # (G, H, H): recurrent rows of W, gate by gate
    adjoints: np.ndarray  # (2, K, H, E): σ of all unit vectors
    gamma: np.ndarray  # (G, T, H, E)
    new: np.ndarray  # (Z, H, E): the next S of a gate


def block_length(units: int) -> int:
    """Records in a block: balances (1) against (2); measured for LSTM."""
    return max(8, units)


@base.trace_axes.register
def _(learner: BlockRTRL, dims):
    if not dims["J"]:
        return own_rows_axes(dims)
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
    if not dims["J"]:
        return decay_axes(dims)
    return BlockWork(
        Axes(("2", "K", "H")),
        Axes(("T", "G", "H")),
        Axes(("G", "Z", "H")),
        Axes(("G", "H", "H")),
        Axes(("2", "K", "H", "E")),
        Axes(("G", "T", "H", "E")),
        Axes(("Z", "H", "E")),
    )


base.pass_down.register(base.pass_down_now, BlockRTRL)


@base.observe.register
def observe(learner: BlockRTRL, W, s_, trace, work, below):
    carry_over(trace, W, work)


@base.gradient.register
def gradient(learner: BlockRTRL, W, trace, work, lam, g):
    project(trace, W, work, lam, g)
    return True


@carry_over.register
def carry_block(trace: Block, W, work):
    if trace.n[0] == trace.z.shape[0]:
        close(W, trace, work.learner)
        trace.n[0] = 0
    n = trace.n[0]
    copy(work.z, trace.z[n])
    copy(work.A.reshape(work.A.size), trace.A[n].reshape(work.A.size))
    copy(work.B.reshape(work.B.size), trace.B[n].reshape(work.B.size))
    trace.n[0] = n + 1


@project.register
def project_block(trace: Block, W, work, lam, g):
    sigma, delta, far = work.learner.sigma, work.learner.delta, work.learner.far
    G, Z, H, E = trace.S.shape
    n = trace.n[0]
    start(lam, sigma[n % 2])
    for s in range(n - 1, -1, -1):
        now, before = sigma[(s + 1) % 2], sigma[s % 2]
        pull_back(W, trace.A[s], trace.B[s], now, before, delta[s], H)
    matmul_tn(trace.z[:n], delta[:n].reshape(n, G * H), g.reshape(Z, G * H), 0.0)
    matvec(trace.S.reshape(G * Z * H, E), sigma[0].reshape(E), far.reshape(G * Z * H), 0.0)
    for c in range(Z):
        for gate in range(G):
            for i in range(H):
                g[c, gate, i] += far[gate, c, i]


@base.kernel
def start(lam, sigma):
    """The adjoint of the newest state: λ on h, nothing on the rest."""
    copy(lam, sigma[0])
    for k in range(1, sigma.shape[0]):
        zero(sigma[k])


@base.kernel
def close(W, trace, work):
    """Eq. (2), in place."""
    S, z, new = trace.S, trace.z, work.new
    G, Z, H, E = S.shape
    pull_back_all(W, trace.A, trace.B, work)
    phi = work.adjoints[0].reshape(E, E)
    for g in range(G):
        matmul_tn(z, work.gamma[g].reshape(z.shape[0], H * E), new.reshape(Z, H * E), 0.0)
        matmul(S[g].reshape(Z * H, E), phi, new.reshape(Z * H, E), 1.0)
        copy(new.reshape(Z * H * E), S[g].reshape(Z * H * E))


@base.kernel
def pull_back_all(W, A, B, work):
    """`pull_back` for all unit vectors: writes Γ, and leaves Φ in adjoints[0]."""
    U, adjoints, gamma = work.U, work.adjoints, work.gamma
    T, K, G, H = A.shape
    last = adjoints[T % 2]
    zero(last.reshape(last.size))
    for k in range(K):
        for i in range(H):
            last[k, i, k * H + i] = 1
    for g in range(G):
        for j in range(H):
            copy(W[j, g], U[g, j])
    for s in range(T - 1, -1, -1):
        now, before = adjoints[(s + 1) % 2], adjoints[s % 2]
        for l in range(K):
            spread(B[s, :, l], now, before[l])
        for g in range(G):
            spread(A[s, :, g], now, gamma[g, s])
            matmul(U[g], gamma[g, s], before[0], 1.0)


@base.kernel
def spread(partial, adjoint, out):
    """out[i] (E,) = Σ_k partial[k,i] adjoint[k,i] (E,)."""
    K, H, E = adjoint.shape
    for i in range(H):
        to, of, weight = out[i], adjoint[0, i], partial[0, i]
        for e in range(E):
            to[e] = weight * of[e]
        for k in range(1, K):
            of, weight = adjoint[k, i], partial[k, i]
            for e in range(E):
                to[e] += weight * of[e]
