"""AdaGrad (Duchi, Hazan & Singer 2011), an optimizer with a memory of its own."""

from typing import NamedTuple

import numpy as np

from stream_rnn.optimizers import base


class AdaGrad(NamedTuple):
    """v ← v + g², Δθ = −lr g / (√v + eps)."""

    lr: float = 0.05
    eps: float = 1e-8


@base.slots.register
def _(optimizer: AdaGrad):
    return 1


@base.update.register
def update(optimizer: AdaGrad, theta, g, memory, at):
    lr, eps = g.dtype.type(optimizer.lr), g.dtype.type(optimizer.eps)
    v = memory.rows[at]
    for i in range(g.size):
        v[i] += g[i] * g[i]
        g[i] = -lr * g[i] / (np.sqrt(v[i]) + eps)
    return at + 1
