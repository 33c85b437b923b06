"""One step of Adam along a record's gradient, and the mean of the parameters.

The step is that of the core's optimizers, with a rate that falls:

    rate_t = max(least, lr / √(1 + t / delay))                                           (1)

Predictions are made with θ̄, an average that forgets (Shamir & Zhang 2013):

    θ̄ ← θ̄ + max(μ, (γ + 1) / (t + γ)) (θ − θ̄)                                          (2)

At one record a step θ itself wanders around; θ̄ does not.
"""

import math

import numpy as np

from ....codegen.blas import dot
from ....codegen.dispatch import entry, kernel
from ....numerics.linalg import zero
from ....optimizers.base import update
from ....optimizers.descent import Adam
from ....optimizers.shaping import Clip
from .record import differentiate, read, write

RATE, DELAY, LEAST, CLIP, FLOOR, GAMMA = range(6)  # places in `rates`


@entry
def learn(cell, attention, network, rates, source, target):
    """Learn a record, both sides ending with END; returns −ln p(target | source) before it.

    A gradient that is not finite is passed over.
    """
    theta, mean, g = network.theta, network.theta_mean, network.g
    loss = lose(cell, attention, network, source, target)
    network.steps[0] += 1
    if not math.isfinite(dot(g, g)):
        return loss
    t = float(network.steps[0])
    rate = max(rates[LEAST], rates[RATE] / math.sqrt(1 + t / rates[DELAY]))
    update((Clip(rates[CLIP]), Adam(rate, 0.9, 0.999, 1e-8)), theta, g, network.memory, 0)
    share = np.float32(max(rates[FLOOR], (rates[GAMMA] + 1) / (t + rates[GAMMA])))
    for i in range(g.size):
        theta[i] += g[i]
        mean[i] += share * (theta[i] - mean[i])
    return loss


@kernel
def lose(cell, attention, network, source, target):
    """L of a record by θ; its gradient is in `network.gradient` afterwards."""
    read(cell, network.weights, network.record, source)
    loss = write(cell, attention, network.weights, network.record, source.size, target)
    zero(network.g)
    differentiate(
        cell, attention, network.weights, network.record, source, target, network.gradient
    )
    return loss


@entry
def gradient(cell, attention, network, source, target):
    """`lose`, from Python; nothing is learned."""
    return lose(cell, attention, network, source, target)


@entry
def score(cell, attention, network, target, n):
    """ln p(target | source) by θ̄ of the source that was read last, of n symbols, END included."""
    return -write(cell, attention, network.mean, network.record, n, target)


@entry
def read_source(cell, network, source):
    """Read a source with θ̄."""
    read(cell, network.mean, network.record, source)
