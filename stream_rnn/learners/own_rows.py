"""The influence of a unit's own parameters on its own state: what diagonal learners keep.

T[k, c, g, i] = ds[k, i]/dW[c, g, i] for the parameters of unit i only, O(P) numbers, obeys

    T[k,c,g,i] = Σ_l D[k,l,i] T₋[l,c,g,i] + A[k,g,i] z[c]                        (1)
    dL/dW[c,g,i] = λ_i T[0,c,g,i]                                                (2)

with the K × K decay D of each unit.  With D = B + what a unit feeds back to itself this is
SnAp-1, and exact RTRL where units do not feed each other; with D = B it is RFLO.
"""

from typing import Annotated, NamedTuple

from ..numerics.trees import Real
from . import base
from .own_tiles import carry_rows, weigh_rows


class OwnRows(NamedTuple):
    """The trace: influence of each unit's own parameters on its state."""

    T: Annotated[Real, "K Z G H"]


class Decay(NamedTuple):
    """Scratch: what the trace is multiplied by, and what a record adds to it."""

    D: Annotated[Real, "K K G H"]  # the decay of unit i, repeated for each g
    fresh: Annotated[Real, "K G H"]


@base.carry_over.register
def carry_own(trace: OwnRows, W, work):
    D = work.learner.D
    own_decay(work.B, D)
    own_feedback(W, work.A, D, work.back.size)
    carry(trace.T, D, work.A, work.z, work.learner.fresh)


@base.project.register
def project_own(trace: OwnRows, W, work, lam, g):
    contract(trace.T, lam, work.learner.fresh[0], g)


@base.kernel
def own_decay(B, D):
    """D = B: what the cell itself carries over."""
    K, _, G, H = D.shape
    for k in range(K):
        for l in range(K):
            for g in range(G):
                for i in range(H):
                    D[k, l, g, i] = B[k, l, i]


@base.kernel
def own_feedback(W, A, D, J):
    """D[k,0,i] += Σ_g A[k,g,i] W[i,g,i]: a unit's feedback to itself through W."""
    K, _, G, H = D.shape
    if J == 0:
        return
    for k in range(K):
        for i in range(H):
            feedback = A[k, 0, i] * W[i, 0, i]
            for g in range(1, G):
                feedback += A[k, g, i] * W[i, g, i]
            for g in range(G):
                D[k, 0, g, i] += feedback


@base.kernel
def carry(T, D, A, z, fresh):
    """Eq. (1)."""
    K, Z, G, H = T.shape
    n = G * H
    if K <= 2:
        carry_rows(D.reshape(K, K, n), A.reshape(K, n), z, T.reshape(K, Z, n))
    else:
        carry_any(T.reshape(K, Z, n), D.reshape(K, K, n), A.reshape(K, n), z, fresh.reshape(K, n))


@base.kernel
def carry_any(T, D, A, z, fresh):
    """Eq. (1) for any number of state components."""
    K, Z, n = T.shape
    for c in range(Z):
        for k in range(K):
            for p in range(n):
                fresh[k, p] = A[k, p] * z[c]
            for l in range(K):
                for p in range(n):
                    fresh[k, p] += D[k, l, p] * T[l, c, p]
        for k in range(K):
            for p in range(n):
                T[k, c, p] = fresh[k, p]


@base.kernel
def contract(T, lam, wide, g):
    """Eq. (2); *wide* (G, H) is scratch."""
    Z, G, H = g.shape
    for gate in range(G):
        for i in range(H):
            wide[gate, i] = lam[i]
    n = G * H
    weigh_rows(wide.reshape(n), T[0].reshape(Z, n), g.reshape(Z, n))
