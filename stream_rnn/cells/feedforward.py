"""A layer without recurrence."""

from typing import NamedTuple

from ..numerics.activations import ReLU, Tanh
from . import base, elman


class FeedForward(NamedTuple):
    """Fully connected layer: s = [h], h = f(a), z = [1, x].                     (1)

    Its memory is what the inputs contain.  Fed with lagged inputs it is the time-delay
    network (Waibel et al. 1989); with lagged targets (``target_lags``) beside exogenous
    inputs it is NARX (Lin et al. 1996), trained in open loop.

    >>> from stream_rnn import FeedForward, RecurrentRegressor
    >>> model = RecurrentRegressor(cell=FeedForward(units=8), target_lags=3, seed=1)
    >>> for t in range(300):  # a target of period 3 is a function of its past
    ...     model.learn_one({"x": 0.0}, t % 3)
    >>> abs(model.predict_one({"x": 0.0}) - 0) < 0.2
    True
    """

    units: int = 16
    activation: Tanh | ReLU = Tanh()


@base.sizes.register
def _(cell: FeedForward):
    return 1, 1


@base.recurrent_rows.register
def _(cell: FeedForward):
    return 0


@base.initialise.register
def _(cell: FeedForward, rng, W):
    base.draw_inputs(rng, W[1:], gain=cell.activation.gain)


base.activate.register(elman.activate, FeedForward)
base.mask.register(elman.mask, FeedForward)
