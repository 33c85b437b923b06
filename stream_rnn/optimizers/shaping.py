"""Links that shape a gradient before another link steps along it: Clip, ClipValue, Decay."""

from typing import NamedTuple

import numpy as np

from ..codegen.blas import dot
from . import base

BLOCK = 1024  # elements whose squares are summed in the gradient's dtype; beyond it in float64


class Clip(NamedTuple):
    """Shorten the gradient to the global norm *limit* (Pascanu et al. 2013).

    >>> from stream_rnn.optimizers import SGD
    >>> from stream_rnn.optimizers.trial import trial
    >>> trial((Clip(1.0), SGD(1.0)), [0.0, 0.0], lambda theta: [30.0, 40.0], 1)
    array([-0.6, -0.8])
    """

    limit: float = 1.0


class ClipValue(NamedTuple):
    """Bound every element of the gradient by ±*limit* (Mikolov 2012); its direction may change.

    >>> from stream_rnn.optimizers import SGD
    >>> from stream_rnn.optimizers.trial import trial
    >>> trial((ClipValue(1.0), SGD(1.0)), [0.0, 0.0], lambda theta: [30.0, 0.5], 1)
    array([-1. , -0.5])
    """

    limit: float = 1.0


class Decay(NamedTuple):
    """Add rate · θ to the gradient: weight decay towards 0.

    >>> from stream_rnn.optimizers import SGD
    >>> from stream_rnn.optimizers.trial import trial
    >>> trial((Decay(0.5), SGD(1.0)), [8.0, -4.0], lambda theta: 0 * theta, 2)
    array([ 2., -1.])
    """

    rate: float = 1e-4


@base.makes_step.register(Clip)
@base.makes_step.register(ClipValue)
@base.makes_step.register(Decay)
def _(optimizer):
    return False


@base.update.register
def clip(optimizer: Clip, theta, g, memory, at):
    total = 0.0
    for start in range(0, g.size, BLOCK):
        part = g[start : start + BLOCK]
        total += dot(part, part)
    norm = np.sqrt(total)
    if norm > optimizer.limit:
        memory.clips[0] += 1
        scale = g.dtype.type(optimizer.limit / norm)
        for i in range(g.size):
            g[i] *= scale
    return at


@base.update.register
def clip_value(optimizer: ClipValue, theta, g, memory, at):
    limit = g.dtype.type(optimizer.limit)
    has_clipped = False
    for i in range(g.size):
        if abs(g[i]) > limit:
            g[i] = limit if g[i] > 0 else -limit
            has_clipped = True
    memory.clips[0] += has_clipped
    return at


@base.update.register
def decay(optimizer: Decay, theta, g, memory, at):
    rate = g.dtype.type(optimizer.rate)
    for i in range(g.size):
        g[i] += rate * theta[i]
    return at
