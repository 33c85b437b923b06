"""Real-time recurrent learning (Williams & Zipser 1989): the exact online gradient.

The influence S[k, i] = ds[k, i]/dW of all parameters on the state obeys

    S[k,i] = Σ_j M[k,i,j] S₋[0,j] + Σ_{l≥1} B[k,l,i] S₋[l,i] + A[k,g,i] z[c]     (1)
    M[k,i,j] = Σ_g A[k,g,i] W[j,g,i] + δ_ij B[k,0,i]                             (2)
    dL/dW = Σ_i λ_i S[0,i]                                                       (3)

the last term of (1) touching only the parameters of unit i.  Folding the gates first (2)
leaves one (K·H × H)(H × P) product, 2 K H² P flops a record.  S is kept in panels of b
rows of W, so that the product, the sum and the direct term of a panel meet in cache:
S (N, K, H, b, G, H), with N·b ≥ Z.  Where units do not feed each other, S is zero outside a
unit's own parameters, and RTRL keeps those only (`own_rows`), at O(P) a record.
"""

from typing import NamedTuple

import numpy as np

from ..blas import matmul_tn
from . import base
from .base import Axes, carry_over, project
from .own_rows import decay_axes, own_rows_axes

PANEL = 65_536  # numbers in a panel: large enough for BLAS, small enough for the cache


class RTRL(NamedTuple):
    """Exact RTRL with the gates folded: O(K H² P) a record, no memory of past inputs.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), RTRL(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """


class Influence(NamedTuple):
    S: np.ndarray  # (N, K, H, b, G, H)


class Fold(NamedTuple):
    M: np.ndarray  # (H, K, H): M[j, k, i]
    R: np.ndarray  # (K, H, b, G, H): Σ_j M S₋[0] of a panel


def panels(Z: int, G: int, H: int, K: int) -> tuple[int, int]:
    """(N, b): panels and rows of W in each; the least waste, then the widest panel."""
    widest = max(1, min(Z, PANEL // (K * H * G * H)))
    b = min(range(-(-widest // 2), widest + 1), key=lambda b: (-(-Z // b) * b, -b))
    return -(-Z // b), b


@base.trace_axes.register
def _(learner: RTRL, dims):
    if not dims["J"]:
        return own_rows_axes(dims)
    dims["N"], dims["b"] = panels(*(dims[axis] for axis in "ZGHK"))
    return Influence(Axes(("N", "K", "H", "b", "G", "H")))


@base.work_axes.register
def _(learner: RTRL, dims):
    if not dims["J"]:
        return decay_axes(dims)
    return Fold(Axes(("H", "K", "H")), Axes(("K", "H", "b", "G", "H")))


base.pass_down.register(base.pass_down_now, RTRL)


@base.observe.register
def observe(learner: RTRL, W, s_, trace, work, below):
    carry_over(trace, W, work)


@base.gradient.register
def gradient(learner: RTRL, W, trace, work, lam, g):
    project(trace, W, work, lam, g)
    return True


@carry_over.register
def carry_influence(trace: Influence, W, work):
    S, M, R = trace.S, work.learner.M, work.learner.R
    N, K, H, b, G, _ = S.shape
    columns = b * G * H
    fold(W, work.A, work.B, M)
    for n in range(N):
        h = S[n, 0].reshape(H, columns)
        matmul_tn(M.reshape(H, K * H), h, R.reshape(K * H, columns), 0.0)
        carry(work.B, R.reshape(R.size), S[n].reshape(R.size))
        excite(work.A, work.z[n * b : n * b + b], S[n].reshape(R.size))


@project.register
def project_influence(trace: Influence, W, work, lam, g):
    contract(lam, trace.S, g)


@base.kernel
def fold(W, A, B, M):
    """M[j,k,i] = Σ_g A[k,g,i] W[j,g,i] + δ_ij B[k,0,i]: Eq. (2)."""
    K, G, H = A.shape
    for j in range(H):
        for k in range(K):
            for i in range(H):
                M[j, k, i] = A[k, 0, i] * W[j, 0, i]
            for g in range(1, G):
                for i in range(H):
                    M[j, k, i] += A[k, g, i] * W[j, g, i]
            M[j, k, j] += B[k, 0, j]


@base.kernel
def carry(B, R, S):
    """S[k,i] = R[k,i] + Σ_{l≥1} B[k,l,i] S₋[l,i] in one panel, R and S (K · H · columns,)."""
    K, _, H = B.shape
    columns = S.size // (K * H)
    R, S = R.reshape(K, H, columns), S.reshape(K, H, columns)
    for i in range(H):
        if K == 2:  # in one pass
            b0, b1 = B[0, 1, i], B[1, 1, i]
            r0, r1, s0, s1 = R[0, i], R[1, i], S[0, i], S[1, i]
            for p in range(columns):
                s0[p] = r0[p] + b0 * s1[p]
            for p in range(columns):
                s1[p] = r1[p] + b1 * s1[p]
            continue
        for k in range(K):
            row = R[k, i]
            for l in range(1, K):
                weight, of = B[k, l, i], S[l, i]
                for p in range(columns):
                    row[p] += weight * of[p]
        for k in range(K):
            row, to = R[k, i], S[k, i]
            for p in range(columns):
                to[p] = row[p]


@base.kernel
def excite(A, z, S):
    """Add the direct term A[k,g,i] z[c] of Eq. (1) to one panel, S (K · H · b · G · H,)."""
    K, G, H = A.shape
    columns = S.size // (K * H)
    for k in range(K):
        for i in range(H):
            at = (k * H + i) * columns + i
            for c in range(z.size):
                for g in range(G):
                    S[at] += A[k, g, i] * z[c]
                    at += H


@base.kernel
def contract(lam, S, g):
    """g[c] = Σ_i λ_i S[0, i, c]: Eq. (3), panel by panel."""
    N, _, H, b, G, _ = S.shape
    Z = g.shape[0]
    for n in range(N):
        rows = min(b, Z - n * b)
        out = g[n * b : n * b + rows].reshape(rows * G * H)
        panel = S[n, 0].reshape(H, b * G * H)
        for p in range(out.size):
            out[p] = 0
        for i in range(H):
            weight = lam[i]
            for p in range(out.size):
                out[p] += weight * panel[i, p]
