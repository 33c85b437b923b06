"""A leaky integrator."""

from typing import NamedTuple

from stream_rnn.cells import base
from stream_rnn.numerics.activations import tanh


class Leaky(NamedTuple):
    """h = (1 − leak) h₋ + leak tanh(a)."""

    units: int = 8
    leak: float = 0.5


@base.sizes.register
def _(cell: Leaky):
    return 1, 1


@base.initialise.register
def _(cell: Leaky, rng, W):
    base.draw(rng, W, gain=1.0, orthogonal=False)


@base.activate.register
def activate(cell: Leaky, a, s_, s, A, B):
    leak = a.dtype.type(cell.leak)
    for i in range(a.shape[1]):
        h = tanh(a[0, i])
        s[0, i] = (1 - leak) * s_[0, i] + leak * h
        A[0, 0, i] = leak * (1 - h * h)
        B[0, 0, i] = 1 - leak


@base.mask.register
def mask(cell: Leaky, g):
    pass
