"""What several tests of the core need: networks, gradients with frozen weights, streams."""

from itertools import product

import numpy as np
from numba import config, njit

from stream_rnn.engine.model import compose
from stream_rnn.engine.network import forward
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.forecasting.experts.holt_winters import HoltWinters
from stream_rnn.forecasting.experts.levels import Ewma
from stream_rnn.forecasting.experts.linear import Linear
from stream_rnn.forecasting.experts.lstm import Lstm
from stream_rnn.learners import LEARNERS
from stream_rnn.losses import Squared, value
from stream_rnn.numerics.linalg import copy
from stream_rnn.optimizers import SGD
from stream_rnn.tools.frozen_stream import stream_gradients

# Learners whose gradient is exact as long as the weights are frozen and the stream short.
EXACT = [
    LEARNERS[name](**settings)
    for name, settings in (
        ("RTRL", {}),
        ("TBPTT", {"window": 64}),
        ("BlockRTRL", {}),
        ("StackRTRL", {}),
    )
    if name in LEARNERS
]


SQUARED, PLAIN = Squared(), SGD(0.01)

# A small bank with the default one's kinds of experts, so that all share a compiled loop.
EXPERTS = (Ewma(1.0), Ewma(0.3), HoltWinters(), Linear(4, average=0.1), Lstm(3))


def network(cell, learner, inputs=2, outputs=1, *, loss=SQUARED, optimizer=PLAIN, **settings):
    """An unscaled float64 network unless *settings* say otherwise."""
    scale = settings.pop("scale", False)
    settings.setdefault("dtype", "float64")
    model = compose(cell, learner, optimizer, loss, scale=scale)
    return OnlineNetwork(model, inputs, outputs, **settings)


def plain(function):
    """The Python function behind a compiled one."""
    return getattr(function, "py_func", function)


class MachineCode:
    """The kernels of a module as machine code, each compiled when it is first called."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        value = getattr(self._module, name)
        if hasattr(value, "dispatcher"):
            value = _callable(value)
        setattr(self, name, value)
        return value


def _callable(kernel):
    @njit
    def call(*arguments):
        return kernel(*arguments)

    return call


def gradients(network, X, Y, *, compiled=False):
    """Losses L_t (T,) and ∂L_t/∂θ (T, P) along a stream, the weights staying as they are.

    X and Y are in the network's own units, without any scaling; the hidden state and the
    traces start at zero.  Interpreted unless *compiled*: that takes seconds for each type
    of network, and pays for large ones only.
    """
    rewind(network)
    losses, G = np.empty(len(X)), np.empty((len(X), network.state.theta.size), network.dtype)
    X, Y = (np.ascontiguousarray(a, np.float64) for a in (X, Y))
    run = stream_gradients if compiled else plain(stream_gradients)
    run(network.model, network.state, network.work, X, Y, losses, G)
    return losses, G


def _losses(model, state, work, X, Y, losses):
    for t in range(X.shape[0]):
        copy(X[t], work.x)
        forward(model, state, work)
        losses[t] = value(model.loss, Y[t], work.o, work.p)
        for layer in range(len(state.layers)):
            for k in range(work.layers[layer].s.shape[0]):
                copy(work.layers[layer].s[k], state.layers[layer].s[k])


def losses(network, X, Y):
    """Losses L_t (T,) alone: states are carried over, nothing is differentiated."""
    for layer in network.state.layers:
        layer.s[...] = 0
    out = np.empty(len(X))
    _losses(network.model, network.state, network.work, X, Y, out)
    return out


def rewind(network):
    """Zero hidden states and traces."""
    for name, array in network.arrays().items():
        if name.startswith("layers"):
            array[...] = 0


def difference_quotients(network, X, Y, scale=1e-7):
    """(L_t(θ+ε) − L_t(θ−ε)) / 2ε for every parameter, ε = scale · max(1, |θ|); (T, P)."""
    theta = network.state.theta
    Q = np.empty((len(X), theta.size))
    for n in range(theta.size):
        kept, step = theta[n], scale * max(1.0, abs(theta[n]))
        theta[n] = kept + step
        above, up = theta[n], losses(network, X, Y)
        theta[n] = kept - step
        below, down = theta[n], losses(network, X, Y)
        theta[n] = kept
        Q[:, n] = (up - down) / (above - below)
    return Q


def relative_error(a, b):
    """Largest difference, in units of the largest of b, step by step (axis 0)."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    return float((abs(a - b).max(axis=1) / abs(b).max(axis=1)).max())


def wave(T, inputs=2, outputs=1, seed=0):
    """A stream with memory: targets are past inputs, smooth and bounded."""
    rng = np.random.default_rng(seed)
    t = np.arange(T + 2)[:, None]
    X = np.sin(t * rng.uniform(0.3, 0.9, inputs) + rng.uniform(0, 6, inputs))
    mix = rng.uniform(-1, 1, (inputs, outputs))
    return np.ascontiguousarray(X[2:]), np.ascontiguousarray(X[:-2] @ mix)


def cover(*axes, compiled=None):
    """What a parametrised test runs over: every combination, when the JIT is off.

    With it, where a combination costs seconds of compilation, only as many as it takes for
    each value of each axis to appear; or the first *compiled* of those.
    """
    if config.DISABLE_JIT:
        return list(product(*axes))
    longest = max(len(axis) for axis in axes)
    return [tuple(axis[n % len(axis)] for axis in axes) for n in range(longest)][:compiled]
