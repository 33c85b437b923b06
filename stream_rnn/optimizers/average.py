"""A step along the mean gradient of several records, for any learner.

For records t = 1 … n, learned with the same parameters,

    g = (1/n) Σ_t ∂L_t/∂θ                                                         (1)

goes to the links that follow.  The parameters rest in between, so that RTRL is exact.
"""

from typing import Annotated, Any, NamedTuple

from ..errors import ConfigError, check
from ..numerics.linalg import zero
from ..numerics.trees import Int, Real, fields
from . import base


class Average(NamedTuple):
    """Step once in *records* records, along the mean of their gradients.

    It comes first in a chain.  `learn_many` of so many rows is then one step of a mini-batch,
    whose records follow each other in time.

    >>> from itertools import cycle
    >>> from stream_rnn import SGD
    >>> from stream_rnn.optimizers.trial import trial
    >>> targets = cycle([1.0, 3.0])  # L = (θ − y)²/2: the mean is learned, not the last one
    >>> trial((Average(2), SGD(0.5)), [0.0], lambda theta: theta - next(targets), 20).round(2)
    array([2.])
    """

    records: int = 32


class Averaged(NamedTuple):
    """A chain of *links* behind an `Average`: what `Average` becomes when a model is composed."""

    records: int
    links: tuple


class Sum(NamedTuple):
    """The memory: what has been summed up, and that of the links."""

    total: Annotated[Real, "P"]
    seen: Annotated[Int, "1"]
    inner: Any


@base.makes_step.register
def _(optimizer: Average):
    return False


@check.register
def _(optimizer: Average):
    if optimizer.records < 1:
        raise ConfigError(f"records: {optimizer.records}; Average takes the mean of 1 or more")


@base.check_fit.register
def _(optimizer: Average, links, loss, gatherer):
    if links[0] is not optimizer:
        raise ConfigError(f"optimizer: {links}; Average comes first, and once")


@base.chain_of.register
def _(optimizer: Average, links):
    return Averaged(optimizer.records, links[1:])


@base.memory_of.register
def _(optimizer: Averaged, sizes, shapes, dtype):
    inner = base.memory_of(optimizer.links, sizes, shapes, dtype)
    return fields(Sum, sizes, dtype, inner=inner)


@base.report.register
def _(optimizer: Averaged, memory):
    return base.report(optimizer.links, memory.inner)


@base.update.register
def gather(optimizer: Averaged, theta, g, memory, at):
    """Equation (1) on every *records*-th update; the step is 0 in between."""
    memory.seen[0] += 1
    due = memory.seen[0] >= optimizer.records
    for i in range(g.size):
        memory.total[i] += g[i]
        g[i] = memory.total[i] / memory.seen[0] if due else 0
    if not due:
        return at
    zero(memory.total)
    memory.seen[0] = 0
    return base.update(optimizer.links, theta, g, memory.inner, at)


base.adapt.register(base.descend, Averaged)
