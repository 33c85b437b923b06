"""LSTM with element-wise recurrence (eLSTM of Irie, Gopalakrishnan & Schmidhuber 2023)."""

from typing import NamedTuple

import numpy as np

from ..numerics.activations import sigmoid, tanh
from . import base


class ELSTM(NamedTuple):
    """A diagonal cell: each unit reads the inputs and its own memory, no other unit.

    s = [h, c], a = [f, z, o, u, v, w], the first three reading [1, x], the others, which
    are the element-wise recurrent weights themselves, reading [1]:

        f̂ = σ(f + u c₋),  ẑ = tanh(z + v c₋),  c = f̂ c₋ + (1 − f̂) ẑ
        ô = σ(o + w c),   h = ô c                                               (1)

    "Exploring the promise and limits of real-time recurrent learning", whose output gate
    has a full matrix where this one has the diagonal w.  RTRL and SnAp-1 are exact at O(P).

    >>> from stream_rnn import ELSTM, RecurrentRegressor
    >>> model = RecurrentRegressor(cell=ELSTM(units=8), seed=1)
    >>> for t in range(402):  # the target is the input one record ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 1) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.3
    True
    """

    units: int = 16
    forget_bias: float = 1.0


@base.sizes.register
def _(cell: ELSTM):
    return 2, 6


@base.recurrent_rows.register
def _(cell: ELSTM):
    return 0


@base.initialise.register
def _(cell: ELSTM, rng, W):
    base.draw_inputs(rng, W[1:], gain=1.0)
    W[0] = 0
    W[0, 0] = cell.forget_bias
    W[0, 3:] = rng.uniform(-1, 1, (3, cell.units)) * np.sqrt(0.75)  # variance 1/4
    mask(cell, W)


@base.activate.register
def activate(cell: ELSTM, a, s_, s, A, B):
    for n in range(a.shape[1]):
        c_, u, v, w = s_[1, n], a[3, n], a[4, n], a[5, n]
        f, z = sigmoid(a[0, n] + u * c_), tanh(a[1, n] + v * c_)
        c = f * c_ + (1 - f) * z
        o = sigmoid(a[2, n] + w * c)
        s[0, n], s[1, n] = o * c, c
        by_f = (c_ - z) * f * (1 - f)  # ∂c/∂f
        by_z = (1 - f) * (1 - z * z)  # ∂c/∂z
        by_o = c * o * (1 - o)  # ∂h/∂o
        q = o + by_o * w  # dh/dc
        carried = f + by_f * u + by_z * v  # dc/dc₋
        A[1, 0, n], A[0, 0, n] = by_f, q * by_f
        A[1, 1, n], A[0, 1, n] = by_z, q * by_z
        A[1, 2, n], A[0, 2, n] = 0, by_o
        A[1, 3, n], A[0, 3, n] = by_f * c_, q * by_f * c_
        A[1, 4, n], A[0, 4, n] = by_z * c_, q * by_z * c_
        A[1, 5, n], A[0, 5, n] = 0, by_o * c
        B[0, 0, n], B[0, 1, n] = 0, q * carried
        B[1, 0, n], B[1, 1, n] = 0, carried


@base.mask.register
def mask(cell: ELSTM, g):
    Z, G, H = g.shape
    for c in range(1, Z):
        for gate in range(3, G):
            for i in range(H):
                g[c, gate, i] = 0
