"""Long short-term memory with forget gate (Hochreiter & Schmidhuber 1997; Gers et al. 2000)."""

from typing import NamedTuple

from ..numerics.activations import sigmoid, tanh
from . import base


class LSTM(NamedTuple):
    """LSTM with *units* memory cells; forget gates start open.

    s = [h, c], a = [i, f, g, o] in PyTorch's gate order:

        c = σ(f) c₋ + σ(i) tanh(g),   h = σ(o) tanh(c)                          (1)

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(cell=LSTM(units=4), seed=1)
    >>> for t in range(300):  # the target is the input two records ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 2) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.2
    True
    """

    units: int = 16
    forget_bias: float = 1.0
    orthogonal: bool = False


@base.sizes.register
def _(cell: LSTM):
    return 2, 4


@base.initialise.register
def _(cell: LSTM, rng, W):
    base.draw(rng, W, gain=1.0, orthogonal=cell.orthogonal)
    W[cell.units, 1] = cell.forget_bias


@base.activate.register
def activate(cell: LSTM, a, s_, s, A, B):
    for n in range(a.shape[1]):
        i, f, g, o = sigmoid(a[0, n]), sigmoid(a[1, n]), tanh(a[2, n]), sigmoid(a[3, n])
        c_ = s_[1, n]
        c = f * c_ + i * g
        tc = tanh(c)
        q = o * (1 - tc * tc)  # ∂h/∂c
        s[0, n], s[1, n] = o * tc, c
        A[1, 0, n] = g * i * (1 - i)
        A[1, 1, n] = c_ * f * (1 - f)
        A[1, 2, n] = i * (1 - g * g)
        A[1, 3, n] = 0
        A[0, 0, n] = q * (g * i * (1 - i))
        A[0, 1, n] = q * (c_ * f * (1 - f))
        A[0, 2, n] = q * (i * (1 - g * g))
        A[0, 3, n] = tc * o * (1 - o)
        B[0, 0, n], B[0, 1, n] = 0, q * f
        B[1, 0, n], B[1, 1, n] = 0, f


@base.mask.register
def mask(cell: LSTM, g):
    pass
