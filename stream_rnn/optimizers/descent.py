"""First-order optimizers: SGD, Momentum, RMSProp, Adam."""

from typing import NamedTuple

import numpy as np

from . import base


class SGD(NamedTuple):
    """Δθ = −lr g.

    >>> from stream_rnn.optimizers.trial import trial
    >>> trial(SGD(0.5), [4.0, -8.0], lambda theta: theta, 3)  # L = |θ|²/2
    array([ 0.5, -1. ])
    """

    lr: float = 0.01


class Momentum(NamedTuple):
    """m ← beta m + g, Δθ = −lr m (Polyak 1964).

    A valley whose sides are steep and whose floor is not takes fewer steps than by SGD:

    >>> from stream_rnn.optimizers.trial import trial
    >>> steep = np.array([10.0, 0.1])
    >>> by_sgd, by_momentum = (
    ...     trial(link, [1.0, 1.0], lambda theta: steep * theta, 60)
    ...     for link in (SGD(0.1), Momentum(0.1))
    ... )
    >>> bool(abs(by_momentum[1]) < 0.4 * abs(by_sgd[1]))
    True
    """

    lr: float = 0.01
    beta: float = 0.9


class RMSProp(NamedTuple):
    """v ← beta v + (1 − beta) g², Δθ = −lr g / (√v + eps) (Tieleman & Hinton 2012).

    Steps do not depend on how a parameter is scaled:

    >>> from stream_rnn.optimizers.trial import trial
    >>> steep = np.array([100.0, 0.01])
    >>> trial(RMSProp(0.01), [1.0, 1.0], lambda theta: steep * theta, 40).round(4)
    array([0.1703, 0.1703])
    """

    lr: float = 1e-3
    beta: float = 0.99
    eps: float = 1e-8


class Adam(NamedTuple):
    """Adam with bias correction (Kingma & Ba 2015).

    The first step has the length *lr*, whatever the gradient's:

    >>> from stream_rnn.optimizers.trial import trial
    >>> steep = np.array([100.0, 0.01])
    >>> trial(Adam(0.01), [1.0, 1.0], lambda theta: steep * theta, 1).round(4)
    array([0.99, 0.99])
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@base.slots.register(Momentum)
@base.slots.register(RMSProp)
def _(optimizer):
    return 1


@base.slots.register(Adam)
def _(optimizer):
    return 2


@base.update.register
def sgd(optimizer: SGD, theta, g, memory, at):
    lr = g.dtype.type(optimizer.lr)
    for i in range(g.size):
        g[i] *= -lr
    return at


@base.update.register
def momentum(optimizer: Momentum, theta, g, memory, at):
    lr, beta = g.dtype.type(optimizer.lr), g.dtype.type(optimizer.beta)
    m = memory.rows[at]
    for i in range(g.size):
        m[i] = beta * m[i] + g[i]
        g[i] = -lr * m[i]
    return at + 1


@base.update.register
def rmsprop(optimizer: RMSProp, theta, g, memory, at):
    lr, eps = g.dtype.type(optimizer.lr), g.dtype.type(optimizer.eps)
    beta, rest = g.dtype.type(optimizer.beta), g.dtype.type(1 - optimizer.beta)
    v = memory.rows[at]
    for i in range(g.size):
        v[i] = beta * v[i] + rest * g[i] * g[i]
        g[i] = -lr * g[i] / (np.sqrt(v[i]) + eps)
    return at + 1


@base.update.register
def adam(optimizer: Adam, theta, g, memory, at):
    memory.steps[at] += 1
    t = float(memory.steps[at])
    beta1, rest1 = g.dtype.type(optimizer.beta1), g.dtype.type(1 - optimizer.beta1)
    beta2, rest2 = g.dtype.type(optimizer.beta2), g.dtype.type(1 - optimizer.beta2)
    rate = g.dtype.type(-optimizer.lr / (1 - optimizer.beta1**t))
    scale = g.dtype.type(1 / (1 - optimizer.beta2**t))
    eps = g.dtype.type(optimizer.eps)
    m, v = memory.rows[at], memory.rows[at + 1]
    for i in range(g.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i]
        g[i] = rate * m[i] / (np.sqrt(scale * v[i]) + eps)
    return at + 2
