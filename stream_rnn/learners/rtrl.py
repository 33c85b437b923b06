"""Real-time recurrent learning (Williams & Zipser 1989): the exact online gradient.

The influence S[k, i] = ds[k, i]/dW of all parameters on the state obeys

    S[k,i] = Σ_j M[k,i,j] S₋[0,j] + Σ_{l≥1} B[k,l,i] S₋[l,i] + A[k,g,i] z[c]     (1)
    M[k,i,j] = Σ_g A[k,g,i] W[j,g,i] + δ_ij B[k,0,i]                             (2)
    dL/dW = Σ_i λ_i S[0,i]                                                       (3)

the last term of (1) touching only the parameters of unit i.  Folding the gates first (2)
leaves one (K·H × H)(H × P) product, 2 K H² P flops a record.  S is kept in panels of b
rows of W, S (N, K, H, b, G, H) with N·b ≥ Z, and (1) is one pass over it (`tiles`).  Where
units do not feed each other, S is zero outside a unit's own parameters, and RTRL keeps
those only (`own_rows`), at O(P) a record.
"""

from typing import Annotated, NamedTuple

from ..codegen.tiles import COLUMNS
from ..numerics.trees import Real
from . import base
from .base import carry_over, project
from .own_rows import Decay, OwnRows
from .tiles import propagate

WIDEST = 8  # rows of W in a panel, at most
LARGEST = 8192  # elements of D, if more than a row of W is in a panel
PANEL = 50  # the cost of a panel beside its tiles, in products of two vectors


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
    """The influence matrix ds/dW, in panels of rows of W."""

    S: Annotated[Real, "N K H b G H"]


class Fold(NamedTuple):
    """Scratch of one record: Eq. (2), and the factors of (1)."""

    M: Annotated[Real, "H K H"]  # M[j, k, i]
    D: Annotated[Real, "K H b G H"]  # A[k, g, i] at the parameters of unit i, 0 elsewhere
    Z: Annotated[Real, "b G H"]  # z of every column of a panel
    T: Annotated[Real, "K H C"]  # scratch of `propagate`, C = COLUMNS


def panels(Z: int, G: int, H: int, K: int) -> tuple[int, int]:
    """(N, b): panels and rows of W in each, with the least to do and D of a size for the cache."""

    def cost(b: int) -> tuple[int, int]:
        tiles = -(-b * G * H // COLUMNS)
        return -(-Z // b) * (tiles * K * H * H + PANEL), b

    most = max(1, min(Z, WIDEST, LARGEST // (K * H * G * H)))
    b = min(range(1, most + 1), key=cost)
    return -(-Z // b), b


@base.trace_of.register
def _(learner: RTRL, sizes):
    if not sizes["J"]:
        return OwnRows
    sizes["N"], sizes["b"] = panels(*(sizes[name] for name in "ZGHK"))
    return Influence


@base.work_of.register
def _(learner: RTRL, sizes):
    sizes["C"] = COLUMNS
    return Fold if sizes["J"] else Decay


base.observe.register(base.observe_by_trace, RTRL)
base.gradient.register(base.gradient_by_trace, RTRL)
base.pass_down.register(base.pass_down_now, RTRL)


@carry_over.register
def carry_influence(trace: Influence, W, work):
    S, M, D, Z = trace.S, work.learner.M, work.learner.D, work.learner.Z
    N, K, H, b, G, _ = S.shape
    columns = b * G * H
    fold(W, work.A, work.B, M)
    excite(work.A, D)
    for n in range(N):
        spread(work.z[n * b : n * b + b], Z)
        panel, direct, z = S[n].reshape(K, H, columns), D.reshape(K, H, columns), Z.reshape(columns)
        propagate(M, work.B, direct, z, work.learner.T, panel)


@project.register
def project_influence(trace: Influence, W, work, lam, g):
    contract(lam, trace.S, g)


@base.kernel
def fold(W, A, B, M):
    """M[j,k,i] = Σ_g A[k,g,i] W[j,g,i] + δ_ij B[k,0,i]: Eq. (2)."""
    chain(A, W, M)
    for j in range(M.shape[0]):
        for k in range(M.shape[1]):
            M[j, k, j] += B[k, 0, j]


@base.kernel
def chain(A, rows, out):
    """out[j,k,i] = Σ_g A[k,g,i] rows[j,g,i]."""
    K, G, H = A.shape
    for j in range(out.shape[0]):
        for k in range(K):
            for i in range(H):
                out[j, k, i] = A[k, 0, i] * rows[j, 0, i]
            for g in range(1, G):
                for i in range(H):
                    out[j, k, i] += A[k, g, i] * rows[j, g, i]


@base.kernel
def excite(A, D):
    """D[k,i] = A[k,g,i] at the parameters (c, g, i) of unit i, for every row c of a panel."""
    K, H, b, G, _ = D.shape
    for k in range(K):
        for i in range(H):
            for c in range(b):
                for g in range(G):
                    D[k, i, c, g, i] = A[k, g, i]


@base.kernel
def spread(z, Z):
    """Z[c,g,i] = z[c], and 0 in rows beyond those of W."""
    b, G, H = Z.shape
    Z = Z.reshape(b, G * H)
    for c in range(b):
        value = z[c] if c < z.size else 0
        for p in range(G * H):
            Z[c, p] = value


@base.kernel
def contract(lam, S, g):
    """g[c] = Σ_i λ_i S[0, i, c]: Eq. (3), panel by panel, four units a pass."""
    N, _, H, b, G, _ = S.shape
    Z, whole = g.shape[0], H - H % 4
    for n in range(N):
        rows = b if n < N - 1 else Z - n * b
        out = g[n * b : n * b + rows].reshape(rows * G * H)
        panel = S[n, 0].reshape(H, b * G * H)
        for p in range(out.size):
            out[p] = 0
        for i in range(0, whole, 4):
            l0, l1, l2, l3 = lam[i], lam[i + 1], lam[i + 2], lam[i + 3]
            s0, s1, s2, s3 = panel[i], panel[i + 1], panel[i + 2], panel[i + 3]
            for p in range(out.size):
                out[p] += l0 * s0[p] + l1 * s1[p] + l2 * s2[p] + l3 * s3[p]
        for i in range(whole, H):
            weight, row = lam[i], panel[i]
            for p in range(out.size):
                out[p] += weight * row[p]
