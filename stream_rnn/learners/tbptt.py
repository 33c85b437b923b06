"""Truncated back-propagation through time (Williams & Peng 1990), from stored activations.

z, A and B of the last *window* steps are kept in a ring.  The loss of step t is propagated
backwards, s = t, t−1, …, with the adjoint σ (K, H) of the state:

    δ_s[g,i] = Σ_k A_s[k,g,i] σ[k,i]                                             (1)
    σ[l,i] ← Σ_k B_s[k,l,i] σ[k,i],   σ[0,j] += Σ_{g,i} W[j,g,i] δ_s[g,i]        (2)
    dL/dW[c] = Σ_s z_s[c] δ_s                                                    (3)

(3) being one (Z × window)(window × G·H) product.  In a stack the layer below receives

    ∂L/∂x_s[j] = Σ_{g,i} W[J+1+j,g,i] δ_s[g,i]                                   (4)

at every step of the window, so that truncation in time is the only one.
"""

from typing import Annotated, NamedTuple

from ..codegen.blas import matmul_nt, matmul_tn
from ..errors import ConfigError, check
from ..numerics.linalg import copy, zero
from ..numerics.trees import Int, Real
from . import base
from .adjoint import pull_back


class TBPTT(NamedTuple):
    """TBPTT(window, every): *window* steps back, an update on each *every*-th record.

    With every > 1 the losses of the last *every* records are gathered: the parameters
    change on every *every*-th record only, which costs window/every steps a record.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), TBPTT(window=5), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """

    window: int = 10
    every: int = 1


class Window(NamedTuple):
    """What the last T records brought forth, as a ring."""

    z: Annotated[Real, "T Z"]
    A: Annotated[Real, "T K G H"]
    B: Annotated[Real, "T K K H"]
    lam: Annotated[Real, "T H"]  # ∂L_s/∂h_s of the losses gathered since the last update
    shed: Annotated[Real, "T H"]  # what was not handed upward
    t: Annotated[Int, "2"]  # steps seen; losses gathered


class Adjoint(NamedTuple):
    """Scratch of the backward pass."""

    sigma: Annotated[Real, "2 K H"]
    delta: Annotated[Real, "T G H"]
    above: Annotated[Real, "T H"]  # Eq. (4) of the layer above; 0 in the uppermost


@base.trace_of.register
def _(learner: TBPTT, sizes):
    sizes["T"] = learner.window
    return Window


@base.work_of.register
def _(learner: TBPTT, sizes):
    return Adjoint


@base.across_layers.register
def _(learner: TBPTT):
    return learner


@base.gathers.register
def _(learner: TBPTT):
    return learner.every > 1


@check.register
def _(learner: TBPTT):
    if learner.every < 1:
        raise ConfigError(f"every: {learner.every}; TBPTT updates every 1 or more records")
    if learner.window < learner.every:
        raise ConfigError(
            f"window: {learner.window} is shorter than every = {learner.every}; "
            "losses would fall out of the window before they are learned"
        )


@base.observe.register
def observe(learner: TBPTT, W, s_, trace, work, below):
    T = trace.z.shape[0]
    r = trace.t[0] % T
    copy(work.z, trace.z[r])
    copy(work.shed, trace.shed[r])
    copy(work.A.reshape(work.A.size), trace.A[r].reshape(work.A.size))
    copy(work.B.reshape(work.B.size), trace.B[r].reshape(work.B.size))
    if trace.t[1] >= learner.every:  # the losses gathered so far have been learned
        zero(trace.lam.reshape(trace.lam.size))
        trace.t[1] = 0
    zero(trace.lam[r])
    trace.t[0] += 1


@base.gradient.register
def gradient(learner: TBPTT, W, trace, work, lam, g):
    T, Z = trace.z.shape
    _, _, G, H = trace.A.shape
    copy(lam, trace.lam[(trace.t[0] - 1) % T])
    trace.t[1] += 1
    if trace.t[1] < learner.every:
        return False
    delta = work.learner.delta
    propagate(W, trace, work.learner, work.back.size)
    matmul_tn(trace.z, delta.reshape(T, G * H), g.reshape(Z, G * H), 0.0)
    return True


@base.pass_down.register
def pass_down(learner: TBPTT, W, above, below, due):
    """Eq. (4), once the losses of all records until the update are there."""
    zero(below.lam)
    if due:
        T, G, H = above.learner.delta.shape
        inputs = W[above.back.size + 1 :].reshape(below.lam.size, G * H)
        matmul_nt(above.learner.delta.reshape(T, G * H), inputs, below.learner.above, 0.0)


@base.kernel
def propagate(W, trace, adjoint, J):
    """Equations (1) and (2) over the window; writes δ (T, G, H)."""
    sigma, delta = adjoint.sigma, adjoint.delta
    T, _, G, H = trace.A.shape
    t = trace.t[0]
    zero(sigma.reshape(sigma.size))
    for age in range(T):
        r = (t - 1 - age) % T
        now, before = sigma[age % 2], sigma[1 - age % 2]
        if age >= t:  # nothing was stored there yet
            zero(delta[r].reshape(G * H))
            continue
        for i in range(H):
            now[0, i] += trace.lam[r, i] + (1 - trace.shed[r, i]) * adjoint.above[r, i]
        pull_back(W, trace.A[r], trace.B[r], now, before, delta[r], J)
