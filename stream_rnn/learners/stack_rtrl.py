"""RTRL through a whole stack: the exact influence of every layer below on a layer's state.

With S (K, H, P) = ds/dW for the P parameters of this layer and all below it, and S' that
of the layer just below, whose new h' is this layer's input:

    S[k,i] = Σ_j M[k,i,j] S₋[0,j] + Σ_l B[k,l,i] S₋[l,i]
           + Σ_j N[k,i,j] S'[0,j] + A[k,g,i] z[c]                                (1)
    M[k,i,j] = Σ_g A[k,g,i] W[j,g,i],   N[k,i,j] = Σ_g A[k,g,i] W[J+1+j,g,i]     (2)
    dL/dW = Σ_i λ_i S[0,i]   with the uppermost layer's S and λ                  (3)
"""

from typing import Annotated, NamedTuple

from ..cells.base import drops, reads_output
from ..codegen.blas import matmul_tn
from ..codegen.dispatch import generic
from ..errors import ConfigError
from ..numerics.linalg import copy, zero
from ..numerics.trees import Real
from . import base
from .rtrl import RTRL, chain


class StackRTRL(NamedTuple):
    """Exact RTRL for a stack of layers; O(K H² P), P counting all layers: for small sizes.

    What ``Stack(…, exact=True)`` uses for `RTRL`.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor, StackRTRL
    >>> model = RecurrentRegressor((Elman(3), Elman(3)), StackRTRL(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> abs(model.predict_one({"x": 1}) - 1) < 0.1
    True
    """


class Joint(NamedTuple):
    """Influence of the parameters of this layer and of all below."""

    S: Annotated[Real, "K H P"]


class JointWork(NamedTuple):
    """Scratch of one record."""

    M: Annotated[Real, "J K H"]
    N: Annotated[Real, "D K H"]  # D units below
    new: Annotated[Real, "K H P"]
    lower: Annotated[Real, "K H Q"]  # Q parameters below
    g: Annotated[Real, "P"]  # what the layer above found


@base.trace_of.register
def _(learner: StackRTRL, sizes):
    sizes["P"] = sizes["Q"] + sizes["Z"] * sizes["G"] * sizes["H"]
    return Joint


@base.work_of.register
def _(learner: StackRTRL, sizes):
    return JointWork


@base.across_layers.register(RTRL)
@base.across_layers.register(StackRTRL)
def _(learner):
    return StackRTRL()


@base.in_one_layer.register
def _(learner: StackRTRL):
    return RTRL()  # the same, without layers to pass through


@base.check_layers.register
def _(learner: StackRTRL, cells):
    if reads_output(cells[-1]):
        raise ConfigError(
            f"cell: {type(cells[-1]).__name__} in {cells}, whose parameters are not those that "
            "StackRTRL follows; use TBPTT, which is exact across layers within its window"
        )
    if any(map(drops, cells[:-1])):
        raise ConfigError(
            f"cell: Dropout between layers of {cells} is not for StackRTRL, whose influence "
            "passes through what is handed upward; use it in the last layer, or TBPTT"
        )


@base.observe.register
def observe(learner: StackRTRL, W, s_, trace, work, below):
    S, scratch = trace.S, work.learner
    K, H, P = S.shape
    J = work.back.size
    if J:
        chain(work.A, W[:J], scratch.M)
        M, new = scratch.M.reshape(J, K * H), scratch.new.reshape(K * H, P)
        matmul_tn(M, S[0], new, 0.0)
    else:
        zero(scratch.new.reshape(S.size))
    carry(work.B, S, scratch.new)
    from_below(below, W, work)
    excite(work.A, work.z, scratch.new)
    copy(scratch.new.reshape(S.size), S.reshape(S.size))


@base.gradient.register
def gradient(learner: StackRTRL, W, trace, work, lam, g):
    S, total = trace.S, work.learner.g
    for i in range(lam.size):
        weight = lam[i]
        if weight != 0:  # 0 below the uppermost layer
            for p in range(total.size):
                total[p] += weight * S[0, i, p]
    copy(total[total.size - g.size :], g.reshape(g.size))
    if total.size == g.size:  # the lowest layer hands nothing down
        zero(total)
    return True


@base.pass_down.register
def pass_down(learner: StackRTRL, W, above, below, due):
    """The layer above knows the derivatives with respect to all layers below it."""
    copy(above.learner.g, below.learner.g)
    zero(above.learner.g)
    zero(below.lam)


@generic
def from_below(below, W, work):
    """Add the third term of Eq. (1), if there is a layer below."""


@from_below.register
def from_inputs(below: (), W, work):  # type: ignore[syntax]
    pass


@from_below.register
def from_layer(below: Joint, W, work):
    scratch, D = work.learner, work.learner.N.shape[0]
    K, H, Q = scratch.lower.shape
    chain(work.A, W[W.shape[0] - D :], scratch.N)
    matmul_tn(scratch.N.reshape(D, K * H), below.S[0], scratch.lower.reshape(K * H, Q), 0.0)
    for k in range(K):
        for i in range(H):
            for p in range(Q):
                scratch.new[k, i, p] += scratch.lower[k, i, p]


@base.kernel
def carry(B, S, new):
    """new[k,i] += Σ_l B[k,l,i] S[l,i]."""
    K, H, P = S.shape
    for k in range(K):
        for l in range(K):
            for i in range(H):
                weight, of, to = B[k, l, i], S[l, i], new[k, i]
                for p in range(P):
                    to[p] += weight * of[p]


@base.kernel
def excite(A, z, new):
    """Add A[k,g,i] z[c] at the parameters of unit i, which come last among the P."""
    K, G, H = A.shape
    start = new.shape[2] - z.size * G * H
    for k in range(K):
        for i in range(H):
            for c in range(z.size):
                for g in range(G):
                    new[k, i, start + (c * G + g) * H + i] += A[k, g, i] * z[c]
