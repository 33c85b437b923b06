"""A smooth absolute error."""

from math import cosh, isnan, log, tanh
from typing import NamedTuple

from stream_rnn.losses import Squared, is_regression, link, slope, value


class LogCosh(NamedTuple):
    """L = Σ ln cosh(y − o)."""


link.register(link.registry[Squared], LogCosh)
is_regression.register(is_regression.registry[Squared], LogCosh)


@value.register
def _value(loss: LogCosh, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            total += log(cosh(min(abs(y[j] - p[j]), 300.0)))
    return total


@slope.register
def _slope(loss: LogCosh, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else tanh(p[j] - y[j])
