"""Is a gradient right?  Each is compared with two-sided difference quotients."""

from typing import Any, NamedTuple

import numpy as np

from ..cells.base import mask, recurrent_rows
from ..engine.online import OnlineNetwork
from ..estimators.base import RecurrentEstimator
from ..learners import TBPTT
from .frozen_stream import frozen, refuse_gathering, rewind, run, stream_losses

STEP = 1e-6  # of a difference quotient: balances truncation and rounding in float64


class GradientReport(NamedTuple):
    """What `gradient_check` found.

    >>> report = GradientReport(3e-9, "W[0, 1, 2]", 7, 0.5, 0.5, parameters=72)
    >>> str(report).partition(":")[0]
    'largest relative error 3.00e-09 among 72 parameters'
    """

    error: float  # the largest, relative to the largest derivative of its record
    worst: str  # the parameter it is in
    record: int  # the record it is in
    gradient: float  # what the learner says there
    quotient: float  # what the two-sided difference says there
    parameters: int

    def __str__(self) -> str:
        return (
            f"largest relative error {self.error:.2e} among {self.parameters} parameters: "
            f"{self.worst} at record {self.record}, gradient {self.gradient:.6g}, "
            f"difference quotient {self.quotient:.6g}"
        )


def gradient_check(model: RecurrentEstimator | OnlineNetwork, X: Any, y: Any) -> GradientReport:
    """Compare the learner's gradient of every record's loss with difference quotients.

    For each parameter θ and record t, (L_t(θ + ε) − L_t(θ − ε)) / 2ε through the whole
    stream from a zero state, in float64, with frozen weights: those of *model*, or its
    initial ones if it has not learned.  X (T, m) and y (T,), targets or classes, are a
    short stream, the cost being 2 T records for each parameter; columns of numbers are
    standardised where the model standardises.  *model* is left as it is.

    Exact learners (RTRL, BlockRTRL, TBPTT with a window ≥ T) have errors about 1e-8; that
    of an approximation is how far it is off.

    >>> import numpy as np
    >>> from stream_rnn import LSTM, RecurrentRegressor, gradient_check
    >>> X = np.sin(np.arange(10.0))[:, None]
    >>> gradient_check(RecurrentRegressor(LSTM(2)), X, X[:, 0]).error < 1e-6
    True
    """
    network, X, Y = frozen(model, X, y)
    refuse_gathering(network.model.learner)
    _, G = run(network, X, Y)
    Q = _quotients(network, X, Y)
    scale = np.maximum(abs(Q).max(axis=1, keepdims=True), 1e-30)
    errors = abs(G - Q) / scale
    t, p = np.unravel_index(np.argmax(errors), errors.shape)
    return GradientReport(
        float(errors[t, p]),
        parameter_name(network, int(p)),
        int(t),
        float(G[t, p]),
        float(Q[t, p]),
        network.state.theta.size,
    )


def parameter_name(network: OnlineNetwork, place: int) -> str:
    """The parameter at θ[place] in words."""
    V = network.parameters()[-1]
    layers = zip(network.model.cells, network.layer_parameters(), strict=True)
    for k, (cell, arrays) in enumerate(layers):
        J = recurrent_rows(cell) if len(arrays) == 1 else 0
        for n, array in enumerate(arrays):
            if place < array.size:
                c, g, i = np.unravel_index(place, array.shape)
                source = f"h[{c}]" if c < J else "1" if c == J else f"x[{c - J - 1}]"
                source = source if n == 0 else f"output {c}"
                name = type(cell).__name__
                return f"layer {k}, {name}: {source} → pre-activation {g} of unit {i}"
            place -= array.size
    r, o = np.unravel_index(place, V.shape)
    H = network.model.cells[-1].units
    source = f"h[{r}]" if r < H else "1" if r == H else f"x[{r - H - 1}]"
    return f"readout: {source} → output {o}"


def _quotients(network: OnlineNetwork, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    theta, T = network.state.theta, len(X)
    cheap = OnlineNetwork(  # its losses are the same, and its trace costs nothing
        network.model._replace(learner=TBPTT(1)),
        network.inputs,
        network.outputs,
        skip=network.skip,
        dtype="float64",
    )
    Q, up, down = np.zeros((T, theta.size)), np.empty(T), np.empty(T)
    unread = _unread(network)
    for p in np.flatnonzero(~unread):
        step = STEP * max(1.0, abs(theta[p]))
        for out, sign in ((up, 1), (down, -1)):
            rewind(cheap)
            cheap.state.theta[...] = theta
            cheap.state.theta[p] += sign * step
            stream_losses(cheap.model, cheap.state, cheap.work, X, Y, out)
        Q[:, p] = (up - down) / (2 * step)
    return Q


def _unread(network: OnlineNetwork) -> np.ndarray:
    """True for parameters that no pre-activation reads, which stay 0: see `cells.base.mask`."""
    ones = np.ones_like(network.state.theta)
    parts = iter(network._split(ones))
    for cell, arrays in zip(network.model.cells, network.layer_parameters(), strict=True):
        for _ in arrays:
            mask(cell, next(parts))
    return ones == 0
