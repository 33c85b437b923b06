"""Gated recurrent unit, reset-after form (Cho et al. 2014; the form of PyTorch, Keras, cuDNN)."""

from typing import NamedTuple

from ..numerics.activations import sigmoid, tanh
from . import base


class GRU(NamedTuple):
    """GRU with *units* units.

    s = [h], a = [r, z, n, k]: n reads [1, x], k reads [h₋, 1]:

        h = (1 − σ(z)) ñ + σ(z) h₋,   ñ = tanh(n + σ(r) k)                      (1)

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(cell=GRU(units=4), seed=1)
    >>> for t in range(300):  # the target is the input two records ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 2) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.2
    True
    """

    units: int = 16
    orthogonal: bool = False


@base.sizes.register
def _(cell: GRU):
    return 1, 4


@base.initialise.register
def _(cell: GRU, rng, W):
    base.draw(rng, W, gain=1.0, orthogonal=cell.orthogonal)
    mask(cell, W)


@base.activate.register
def activate(cell: GRU, a, s_, s, A, B):
    for i in range(a.shape[1]):
        r, z = sigmoid(a[0, i]), sigmoid(a[1, i])
        k, h_ = a[3, i], s_[0, i]
        n = tanh(a[2, i] + r * k)
        s[0, i] = (1 - z) * n + z * h_
        d = (1 - z) * (1 - n * n)  # ∂h/∂(argument of ñ)
        A[0, 0, i] = d * k * r * (1 - r)
        A[0, 1, i] = (h_ - n) * z * (1 - z)
        A[0, 2, i] = d
        A[0, 3, i] = d * r
        B[0, 0, i] = z


@base.mask.register
def mask(cell: GRU, g):
    Z, _, H = g.shape
    for c in range(Z):
        for i in range(H):
            if c < H:
                g[c, 2, i] = 0
            if c > H:
                g[c, 3, i] = 0
