"""First-order optimizers: SGD, Momentum, RMSProp, Adam."""

from typing import NamedTuple

import numpy as np

from . import base


class SGD(NamedTuple):
    """Δθ = −lr g."""

    lr: float = 0.01


class Momentum(NamedTuple):
    """m ← beta m + g, Δθ = −lr m (Polyak 1964)."""

    lr: float = 0.01
    beta: float = 0.9


class RMSProp(NamedTuple):
    """v ← beta v + (1 − beta) g², Δθ = −lr g / (√v + eps) (Tieleman & Hinton 2012)."""

    lr: float = 1e-3
    beta: float = 0.99
    eps: float = 1e-8


class Adam(NamedTuple):
    """Adam with bias correction (Kingma & Ba 2015)."""

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
