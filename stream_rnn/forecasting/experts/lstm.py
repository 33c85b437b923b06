"""Experts with memory: small LSTMs, trained by exact RTRL and a Kalman filter."""

from math import sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.blas import matmul, vecmat
from ...codegen.dispatch import loose_kernel
from ...numerics import growing, trees
from ...numerics.trees import SCRATCH, Float32, Int
from ..inputs import features
from ..kernels import clip, tanh
from . import least_squares as kalman
from .base import (
    begin,
    grow,
    kind,
    learn,
    level_shift,
    longer,
    lost,
    observe,
    pack_like,
    predict,
    size,
    unsettle,
)
from .linear import BOUND, EXOGENOUS_PRIOR, Linear, block
from .lstm_filter import learn_network

RECURRENT = 3  # h₋ begins here in z
HIDDEN_PRIOR = 0.1
READOUT = Linear(lags=12, lag=0.3, level=0.03, average=0.03, season=0.1, seasons=0.1, constant=0.01)


class Lstm(NamedTuple):
    """An LSTM beside a linear readout (NARX with memory); every weight in a Kalman filter.

    Inputs z = [level, last change, 1, h₋, exogenous].  The prediction is vᵀh + uᵀ·features;
    ∂/∂W comes from exact real-time recurrent learning (Williams & Zipser 1989), and W is
    updated by the decoupled extended Kalman filter, one group per column of W, see
    `lstm_filter`.
    """

    units: int = 8
    prior: float = 0.01  # variance of the recurrent weights at the start
    drift: float = 1e-6  # their process noise, absolute
    weight: float = 1.0


class Networks(NamedTuple):
    """A group of U `Lstm` of H units, D = 3 + H + M inputs, N readout features; float32.

    Gates are in the order input, forget, candidate, output; weight (k, g·H + i) of z_k into
    gate g of unit i.  ``*_sensitivity[i]`` is ∂h_i/∂W or ∂c_i/∂W, flattened.  ``slope`` and
    ``readout`` hold, for each ring slot, ∂prediction/∂W and [h, features].
    """

    columns: Annotated[Int, "N"]  # columns of the feature row
    motion: Annotated[Float32, "U 2"]  # prior, drift
    prior: Annotated[Float32, "X"]  # of the readout
    w: Annotated[Float32, "U D 4H"]
    v: Annotated[Float32, "U X"]
    w_covariance: Annotated[Float32, "U D D 4H"]  # one (D, D) matrix for each column of w
    v_covariance: Annotated[Float32, "U X X"]
    noise: Annotated[Float32, "U"]  # R
    state: Annotated[Float32, "U 2 H"]  # h and c
    h_sensitivity: Annotated[Float32, "U H S"]
    c_sensitivity: Annotated[Float32, "U H S"]
    slope: Annotated[Float32, "U h D 4H"]
    readout: Annotated[Float32, "U h X"]
    resets: Annotated[Int, "1"]  # how often a filter was lost
    scratch: Annotated[Float32, "rows S", SCRATCH]


def pack(specs: list[Lstm], width: int, inputs: int, horizon: int, seed: int) -> Networks:
    """The group of *specs* (all of one size) before the first record.

    The last *inputs* of the *width* columns of the feature row are exogenous.
    """
    units = specs[0].units
    columns, prior = block(READOUT, 0, 0)
    exogenous = np.arange(width - inputs, width)
    columns = np.concatenate([columns, exogenous]).astype(np.int64)
    prior = np.concatenate([np.full(units, HIDDEN_PRIOR), prior, np.full(inputs, EXOGENOUS_PRIOR)])
    d, n, count = inputs + 3 + units, len(prior), len(specs)
    w, v = np.zeros((count, d, 4 * units)), np.zeros((count, n))
    for u in range(count):
        w[u], v[u, :units] = start_weights(units, inputs, seed + 100 * u)
    sizes = {"U": count, "H": units, "D": d, "X": n, "N": len(columns), "h": horizon}
    new = trees.allocate(Networks, sizes | {"S": d * 4 * units, "rows": 9 + 2 * units})
    new.columns[:], new.prior[:] = columns, prior
    new.motion[:] = [[spec.prior, spec.drift] for spec in specs]
    new.w[:], new.v[:] = w, v
    k = np.arange(d)
    new.w_covariance[:, k, k] = new.motion[:, 0, None, None]
    new.v_covariance[:], new.noise[:] = np.diag(prior), 1
    return new


@pack_like.register
def _pack(first: Lstm, specs, shared):
    return pack(specs, shared.width, shared.inputs, shared.horizon, shared.seed)


@kind.register
def _kind(spec: Lstm):
    return Lstm, spec.units  # arrays of one size


@lost.register
def _lost(group: Networks):
    return group.resets


@unsettle.register
def _unsettle(group: Networks, share):
    n, d = np.arange(len(group.prior)), np.arange(group.w.shape[1])
    group.v_covariance[:, n, n] += np.float32(share) * group.prior
    priors = np.float32(share) * group.motion[:, 0]
    group.w_covariance[:, d, d, :] += priors[:, None, None]


@grow.register
def _grow(old: Networks, new):
    growing.extend(old, new)
    new.w[:, old.w.shape[1] :] = 0


@longer.register
def _longer(group: Networks, more: int):
    U, D, width = group.w.shape
    _, h, X = group.readout.shape
    sizes = {"U": U, "H": width // 4, "D": D + more, "X": X + more, "h": h}
    sizes |= {"N": len(group.columns) + more, "S": (D + more) * width}
    return trees.fields(Networks, sizes | {"rows": len(group.scratch)})


@begin.register
def _begin(group: Networks, more: int, width: int):
    group.columns[-more:] = np.arange(width - more, width)
    group.prior[-more:] = EXOGENOUS_PRIOR
    d, n = np.arange(-more, 0) + group.w.shape[1], np.arange(-more, 0) + len(group.prior)
    group.w_covariance[:, d, d] = group.motion[:, 0, None, None]
    group.v_covariance[:, n, n] = EXOGENOUS_PRIOR


def start_weights(units: int, inputs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """w ~ N(0, 1/D) with bias 0, forget bias 1 and v ~ N(0, .01/H): a small correction."""
    rng = np.random.default_rng(seed)
    d = inputs + 3 + units
    draw = rng.standard_normal((4 * units, d)) / sqrt(d)
    x, exogenous, h = draw[:, :2], draw[:, 2 : 2 + inputs], draw[:, 2 + inputs : -1]
    bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
    v = rng.standard_normal(units) / sqrt(units) * 0.1
    return np.hstack([x, bias[:, None], h, exogenous]).T, v


@loose_kernel
def step(w, z, state, act):
    """One LSTM step (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    i, f, o = σ(·), g = tanh(·) of zᵀw;  c = f·c₋ + i·g;  h = o·tanh(c).  Leaves in *act*
    (7, ≥ 4H) the gates (row 0) and ∂c/∂a for i, f, g (rows 1–3), ∂h/∂a_o (4),
    f = ∂c/∂c₋ (5) and ∂h/∂c (6).
    """
    n, a = state.shape[1], act[0]
    one = w.dtype.type(1)
    for r in range(4 * n):
        a[r] = z[0] * w[0, r]
    for k in range(1, len(z)):
        zk = z[k]
        for r in range(4 * n):
            a[r] += zk * w[k, r]
    half = one / 2
    for r in range(2 * n):  # σ(a) = (1 + tanh(a/2))/2
        a[r] = half + half * tanh(half * a[r])
    for r in range(2 * n, 3 * n):
        a[r] = tanh(a[r])
    for r in range(3 * n, 4 * n):
        a[r] = half + half * tanh(half * a[r])
    for i in range(n):
        gi, gf, gg, go = a[i], a[n + i], a[2 * n + i], a[3 * n + i]
        before = state[1, i]
        c = gf * before + gi * gg
        th = tanh(c)
        state[0, i], state[1, i] = go * th, c
        act[1, i] = gg * gi * (one - gi)
        act[2, i] = before * gf * (one - gf)
        act[3, i] = gi * (one - gg * gg)
        act[4, i] = th * go * (one - go)
        act[5, i] = gf
        act[6, i] = go * (one - th * th)


@loose_kernel
def propagate(w, z, act, h_sensitivity, c_sensitivity, fold, flow):
    """Exact RTRL for one LSTM; *act* from `step`.

    ∂c_i = f_i ∂c_i₋ + Σ_j M_ij ∂h_j₋ + direct,  M_ij = Σ_{g∈i,f,g} act_g w[h_j, g·H + i]
    ∂h_i = (∂h/∂c)_i ∂c_i + Σ_j act_o w[h_j, 3H + i] ∂h_j₋ + direct
    The direct term of gate g is act_g·z on the weights into that gate of unit i.  *fold*
    (2H, H) holds both sums' factors, so that one matrix product makes *flow* (2H, D · 4H).
    """
    n, width = h_sensitivity.shape[0], w.shape[1]
    for j in range(n):
        wj = w[RECURRENT + j]
        for i in range(n):
            fold[i, j] = act[1, i] * wj[i] + act[2, i] * wj[n + i] + act[3, i] * wj[2 * n + i]
            fold[n + i, j] = act[4, i] * wj[3 * n + i]
    matmul(fold, h_sensitivity, flow, 0.0)
    for i in range(n):
        through, across = flow[i], flow[n + i]
        for k in range(len(z)):
            at = k * width + i
            through[at] += act[1, i] * z[k]
            through[at + n] += act[2, i] * z[k]
            through[at + 2 * n] += act[3, i] * z[k]
            across[at + 3 * n] += act[4, i] * z[k]
        dc, dh, keep, pass_on = c_sensitivity[i], h_sensitivity[i], act[5, i], act[6, i]
        for p in range(len(dh)):
            dc[p] = keep * dc[p] + through[p]
            dh[p] = pass_on * dc[p] + across[p]


@loose_kernel
def advance(group, u, row, slot):
    """One step of network *u*, keeping what `learn_network` will need in ring slot *slot*."""
    n, w = group.state.shape[2], group.w[u]
    act, z = group.scratch[:7], group.scratch[7, : len(w)]
    fold = group.scratch[8, : 2 * n * n].reshape((2 * n, n))
    z[0], z[1], z[2] = row[features.LEVEL], row[0], 1.0
    for i in range(n):
        z[RECURRENT + i] = group.state[u, 0, i]
    for k in range(RECURRENT + n, len(z)):
        z[k] = row[len(row) - len(z) + k]
    step(w, z, group.state[u], act)
    propagate(
        w,
        z,
        act,
        group.h_sensitivity[u],
        group.c_sensitivity[u],
        fold,
        group.scratch[9 : 9 + 2 * n],
    )
    v, x = group.v[u], group.readout[u, slot]
    vecmat(v[:n], group.h_sensitivity[u], group.slope[u, slot].reshape(w.size), 0.0)
    for i in range(n):
        x[i] = group.state[u, 0, i]
    for k in range(len(group.columns)):
        x[n + k] = row[group.columns[k]]
    return kalman.dot(v, x)


@size.register
def _size(group: Networks):
    return len(group.w)


@learn.register
def _learn(group: Networks, rows, slot, target, rate):
    for u in range(len(group.w)):
        learn_network(group, u, slot, target, rate)


@observe.register
def _observe(group: Networks, past, t, h, period):
    pass


@predict.register
def _predict(group: Networks, row, units, past, t, h, slot, out):
    for u in range(len(group.w)):
        change = float(advance(group, u, row, slot))
        out[u] = past[0] + units.leap * clip(change, BOUND)


@level_shift.register
def _level_shift(group: Networks, jump, age):
    pass
