"""A step along the mean gradient of several records, for any learner.

For records t = 1 … n, learned with the same parameters,

    g = (1/n) Σ_t ∂L_t/∂θ                                                         (1)

goes to the links that follow.  The parameters rest in between, so that RTRL is exact.
"""

from math import isfinite
from typing import Annotated, Any, NamedTuple

from ..codegen.blas import dot
from ..errors import ConfigError, check
from ..losses import slope
from ..numerics.linalg import zero
from ..numerics.trees import Int, Real, fields
from . import base


class Average(NamedTuple):
    """Step once in *records* records, along the mean of their gradients.

    It comes first in a chain.  `learn_many` of so many rows is then one step of a mini-batch,
    whose records follow each other in time.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor
    >>> model = RecurrentRegressor(Elman(4), optimizer=(Average(4), Adam(0.02)), seed=1)
    >>> for t in range(2001):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """

    records: int = 32


class Averaged(NamedTuple):
    """A chain of *links* behind an `Average`: what `Average` becomes when a model is composed."""

    records: int
    links: tuple


class Sum(NamedTuple):
    """The memory: what has been summed up, and that of the links."""

    total: Annotated[Real, "P"]
    count: Annotated[Int, "1"]
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


@base.adapt.register
def adapt(optimizer: Averaged, model, state, work):
    """Equation (1), then θ ← θ + chain(g) on every *records*-th update that is due."""
    slope(model.loss, work.y, work.o, work.p, work.e)
    g, memory = state.gradient, state.memory
    if not base.differentiate(model, state, work, work.e, g):
        return True
    if not isfinite(dot(g, g)):
        zero(g)
        return False
    for i in range(g.size):
        memory.total[i] += g[i]
        g[i] = 0
    memory.count[0] += 1
    if memory.count[0] < optimizer.records:
        return True
    for i in range(g.size):
        g[i] = memory.total[i] / memory.count[0]
        memory.total[i] = 0
    memory.count[0] = 0
    base.update(optimizer.links, state.theta, g, memory.inner, 0)
    if not isfinite(dot(g, g)):
        zero(g)
        return False
    for i in range(g.size):
        state.theta[i] += g[i]
        g[i] = 0
    return True
