"""The simple recurrent network (Elman 1990)."""

from typing import NamedTuple

from ..numerics.activations import ReLU, Tanh, squash, steepness
from . import base


class Elman(NamedTuple):
    """Fully recurrent layer: s = [h], h = f(a), f being tanh or ReLU.           (1)

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(cell=Elman(units=4), seed=1)
    >>> for t in range(300):  # the target is the input two records ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 2) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.2
    True
    """

    units: int = 16
    activation: Tanh | ReLU = Tanh()
    orthogonal: bool = False


@base.sizes.register
def _(cell: Elman):
    return 1, 1


@base.initialise.register
def _(cell: Elman, rng, W):
    base.draw(rng, W, gain=cell.activation.gain, orthogonal=cell.orthogonal)


@base.activate.register
def activate(cell: Elman, a, s_, s, A, B):
    for i in range(a.shape[1]):
        h = squash(cell.activation, a[0, i])
        s[0, i] = h
        A[0, 0, i] = steepness(cell.activation, h)
        B[0, 0, i] = 0


@base.mask.register
def mask(cell: Elman, g):
    pass
