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

from typing import Annotated, NamedTuple

from ..codegen.blas import matmul, matmul_tn, matvec
from ..errors import ConfigError, check
from ..numerics.linalg import copy, zero
from ..numerics.trees import Int, Real
from . import base
from .adjoint import pull_back
from .base import carry_over, project
from .own_rows import Decay, OwnRows


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

    S: Annotated[Real, "G Z H E"]  # E = K·H
    z: Annotated[Real, "T Z"]  # T = N records
    A: Annotated[Real, "T K G H"]
    B: Annotated[Real, "T K K H"]
    n: Annotated[Int, "1"]  # records since the block began


class BlockWork(NamedTuple):
    """Scratch of Eqs. (1) and (2)."""

    sigma: Annotated[Real, "2 K H"]
    delta: Annotated[Real, "T G H"]
    far: Annotated[Real, "G Z H"]  # = S μ
    U: Annotated[Real, "G H H"]  # recurrent rows of W, gate by gate
    adjoints: Annotated[Real, "2 K H E"]  # σ of all unit vectors
    gamma: Annotated[Real, "G T H E"]
    new: Annotated[Real, "Z H E"]  # the next S of a gate


def block_length(units: int) -> int:
    """Records in a block: balances (1) against (2); measured for LSTM."""
    return max(8, units)


@base.trace_of.register
def _(learner: BlockRTRL, sizes):
    if not sizes["J"]:
        return OwnRows
    sizes["T"] = block_length(sizes["H"]) if learner.block is None else learner.block
    sizes["E"] = sizes["K"] * sizes["H"]
    return Block


@check.register
def _(learner: BlockRTRL):
    if learner.block is not None and learner.block < 1:
        raise ConfigError(f"block: {learner.block}; a block holds 1 or more records, or None")


@base.work_of.register
def _(learner: BlockRTRL, sizes):
    return BlockWork if sizes["J"] else Decay


base.observe.register(base.observe_by_trace, BlockRTRL)
base.gradient.register(base.gradient_by_trace, BlockRTRL)
base.pass_down.register(base.pass_down_now, BlockRTRL)


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
