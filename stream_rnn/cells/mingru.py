"""Minimal gated unit without recurrent matrices (minGRU of Feng et al. 2024)."""

from typing import NamedTuple

from ..numerics.activations import sigmoid
from . import base


class MinGRU(NamedTuple):
    """A diagonal cell: its gate and candidate see the input only.

    s = [h], a = [z, n], both reading [1, x]:

        h = (1 − σ(z)) h₋ + σ(z) n                                              (1)

    "Were RNNs all we needed?", equations of minGRU.  RTRL and SnAp-1 are exact at O(P).

    >>> from stream_rnn import MinGRU, RecurrentRegressor
    >>> model = RecurrentRegressor(cell=MinGRU(units=8), seed=1)
    >>> for t in range(402):  # the target is the input one record ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 1) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.3
    True
    """

    units: int = 16


@base.sizes.register
def _(cell: MinGRU):
    return 1, 2


@base.recurrent_rows.register
def _(cell: MinGRU):
    return 0


@base.initialise.register
def _(cell: MinGRU, rng, W):
    base.draw_inputs(rng, W[1:], gain=1.0)


@base.activate.register
def activate(cell: MinGRU, a, s_, s, A, B):
    for i in range(a.shape[1]):
        z, n, h_ = sigmoid(a[0, i]), a[1, i], s_[0, i]
        s[0, i] = (1 - z) * h_ + z * n
        A[0, 0, i] = (n - h_) * z * (1 - z)
        A[0, 1, i] = z
        B[0, 0, i] = 1 - z


@base.mask.register
def mask(cell: MinGRU, g):
    pass
