"""A time-delay layer: a window of the past of what it reads (Waibel et al. 1989)."""

from typing import NamedTuple

from ..errors import ConfigError, check
from ..numerics.activations import ReLU, Tanh, squash, steepness
from . import base


class TimeDelay(NamedTuple):
    """Fully connected to the last *delays* + 1 inputs, without recurrence between units.

        h_t = f(b + Σ_d V_d x_{t−d}),  d = 0 … D

    Nothing of the past is stored but what it adds to what comes (a filter in transposed form): with
    s = [h, p₁ … p_D] and a = [a₀ … a_D], a₀ reading [1, x], the others x,

        h = f(a₀ + p₁₋),  p_d = a_d + p_{d+1}₋,  p_D = a_D                          (1)

    which is diagonal, so that RTRL and SnAp-1 are exact at O(P).  One upon another they have
    delays in the hidden layers too: ``(TimeDelay(8, 2), TimeDelay(8, 4))`` sees 7 records.

    >>> from stream_rnn import RecurrentRegressor, TimeDelay
    >>> model = RecurrentRegressor(cell=TimeDelay(units=8, delays=2), seed=1)
    >>> for t in range(402):  # the target is the input two records ago
    ...     model.learn_one({"x": (t // 3) % 2}, ((t - 2) // 3) % 2)
    >>> abs(model.predict_one({"x": 0}) - 1) < 0.2
    True
    """

    units: int = 16
    delays: int = 3
    activation: Tanh | ReLU = Tanh()


@check.register
def _(cell: TimeDelay):
    if cell.delays < 0:
        raise ConfigError(f"delays: {cell.delays} in {cell}; give 0 or more records")


@base.sizes.register
def _(cell: TimeDelay):
    return 1 + cell.delays, 1 + cell.delays


@base.recurrent_rows.register
def _(cell: TimeDelay):
    return 0


@base.initialise.register
def _(cell: TimeDelay, rng, W):
    base.draw_inputs(rng, W[1:], gain=cell.activation.gain / (1 + cell.delays))
    W[0] = 0


@base.activate.register
def activate(cell: TimeDelay, a, s_, s, A, B):
    last = a.shape[0] - 1
    for k in range(last + 1):
        for l in range(last + 1):
            for i in range(a.shape[1]):
                A[k, l, i] = 1 if l == k else 0
                B[k, l, i] = 1 if l == k + 1 else 0
        for i in range(a.shape[1]):
            s[k, i] = a[k, i] + s_[k + 1, i] if k < last else a[k, i]
    for i in range(a.shape[1]):
        h = squash(cell.activation, s[0, i])
        slope = steepness(cell.activation, h)
        s[0, i], A[0, 0, i] = h, slope
        if last > 0:
            B[0, 1, i] = slope


@base.mask.register
def mask(cell: TimeDelay, g):
    for d in range(1, g.shape[1]):
        for i in range(g.shape[2]):
            g[0, d, i] = 0
