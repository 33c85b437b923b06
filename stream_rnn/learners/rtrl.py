"""Real-time recurrent learning (Williams & Zipser 1989): the exact online gradient.

The influence S[k, i] = ds[k, i]/dW of all parameters on the state obeys

    S[k,i] = Σ_j M[k,i,j] S₋[0,j] + Σ_{l≥1} B[k,l,i] S₋[l,i] + A[k,g,i] z[c]     (1)
    M[k,i,j] = Σ_g A[k,g,i] W[j,g,i] + δ_ij B[k,0,i]                             (2)
    dL/dW = Σ_i λ_i S[0,i]                                                       (3)

the last term of (1) touching only the parameters of unit i.  Folding the gates first (2)
leaves one (K·H × H)(H × P) product, 2 K H² P flops a record.  S is kept in panels of b
rows of W, so that the product, the sum and the direct term of a panel meet in cache:
S (N, K, H, b, G, H), with N·b ≥ Z.
"""

from typing import NamedTuple

import numpy as np

from ..blas import matmul_tn
from ..linalg import copy, zero
from . import base
from .base import Axes

PANEL = 640  # columns of a panel: large enough for BLAS, small enough for the cache


class RTRL(NamedTuple):
    """Exact RTRL with the gates folded: O(K H² P) a record, no memory of past inputs.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), RTRL(), Adam(0.01), seed=1)
    >>> for t in range(400):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """


class Influence(NamedTuple):
    S: np.ndarray  # (N, K, H, b, G, H)


class Fold(NamedTuple):
    M: np.ndarray  # (H, K, H): M[j, k, i]
    old: np.ndarray  # (H, b, G, H): S₋[0] of a panel
    rows: np.ndarray  # (K, b, G, H): the new rows of one unit


def panels(Z: int, columns: int) -> tuple[int, int]:
    """(N, b): panels and rows of W in each; the least waste, then the widest panel."""
    widest = max(1, min(Z, -(-PANEL // columns)))
    b = min(range(-(-widest // 2), widest + 1), key=lambda b: (-(-Z // b) * b, -b))
    return -(-Z // b), b


@base.trace_axes.register
def _(learner: RTRL, dims):
    dims["N"], dims["b"] = panels(dims["Z"], dims["G"] * dims["H"])
    return Influence(Axes(("N", "K", "H", "b", "G", "H")))


@base.work_axes.register
def _(learner: RTRL, dims):
    panel = ("b", "G", "H")
    return Fold(Axes(("H", "K", "H")), Axes(("H", *panel)), Axes(("K", *panel)))


@base.observe.register
def observe(learner: RTRL, W, s_, trace, work):
    S, scratch = trace.S, work.learner
    N, K, H, b, G, _ = S.shape
    columns = b * G * H
    fold(W, work.A, work.B, scratch.M)
    M = scratch.M.reshape(H, K * H)
    old = scratch.old.reshape(H, columns)
    for n in range(N):
        panel = S[n].reshape(K * H, columns)
        copy(panel[:H].reshape(H * columns), old.reshape(H * columns))
        z = work.z[n * b : n * b + b]
        for i in range(H):
            carry(i, work.A, work.B, z, S[n], scratch.rows)
        matmul_tn(M, old, panel, 1.0)


@base.gradient.register
def gradient(learner: RTRL, W, trace, work, lam, g):
    contract(lam, trace.S, g)
    return True


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
def carry(i, A, B, z, S, rows):
    """S[k,i] = Σ_{l≥1} B[k,l,i] S₋[l,i] + A[k,·,i] z, for unit i in one panel of S."""
    K, H, b, G, _ = S.shape
    columns = b * G * H
    new, old = rows.reshape(K, columns), S.reshape(K, H, columns)
    for k in range(K):
        row = new[k]
        zero(row)
        for l in range(1, K):
            weight = B[k, l, i]
            for p in range(columns):
                row[p] += weight * old[l, i, p]
        for g in range(G):
            slope = A[k, g, i]
            at = g * H + i
            for c in range(z.size):
                row[at] += slope * z[c]
                at += G * H
    for k in range(K):
        copy(new[k], old[k, i])


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
