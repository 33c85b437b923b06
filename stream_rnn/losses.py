"""Losses: what a prediction costs.

With outputs o (O,), targets y (O,) and prediction p = link(o), every loss gives its value
L (summed over outputs), its slope e = ∂L/∂o (O,), and, where it has one, the likelihood
that a Kalman filter needs.  A target that is NaN is missing: it costs nothing and its
slope is 0.
"""

from math import exp, isnan, log
from typing import NamedTuple

import numpy as np

from .codegen.dispatch import generic
from .numerics.activations import sigmoid


class Squared(NamedTuple):
    """L = Σ (y − o)² / 2; predicts the mean.

    >>> ys = [1.0, 2.0, 3.0, 4.0, 100.0]
    >>> min(range(101), key=lambda o: sum(cost(Squared(), y, o) for y in ys))
    22
    """


class Absolute(NamedTuple):
    """L = Σ |y − o|; predicts the median.

    >>> ys = [1.0, 2.0, 3.0, 4.0, 100.0]
    >>> min(range(101), key=lambda o: sum(cost(Absolute(), y, o) for y in ys))
    3
    """


class Huber(NamedTuple):
    """Squared up to |y − o| = delta, then absolute (Huber 1964); predicts a robust mean.

    >>> ys = [1.0, 1.0, 3.0, 4.0, 100.0]
    >>> min(range(101), key=lambda o: sum(cost(Huber(8.0), y, o) for y in ys))
    4
    """

    delta: float = 1.0


class Quantile(NamedTuple):
    """Pinball loss (Koenker & Bassett 1978); predicts the quantile q, 0 < q < 1.

    >>> ys = range(1, 100)
    >>> min(ys, key=lambda o: sum(cost(Quantile(0.9), y, o) for y in ys))
    90
    """

    q: float = 0.5


class Logistic(NamedTuple):
    """Cross-entropy of independent Bernoulli outputs, p = σ(o), y in [0, 1].

    >>> round(cost(Logistic(), 1.0, 0.0), 3), round(cost(Logistic(), 1.0, 3.0), 3)  # ln 2; σ ≈ .95
    (0.693, 0.049)
    """


class Softmax(NamedTuple):
    """Cross-entropy of one of O classes, p = softmax(o), y a distribution (one-hot).

    >>> y = [0, 1, 0]
    >>> round(cost(Softmax(), y, [0, 0, 0]), 3), round(cost(Softmax(), y, [0, 5, 0]), 3)
    (1.099, 0.013)
    """


Loss = Squared | Absolute | Huber | Quantile | Logistic | Softmax


@generic
def link(loss, o, p):
    """Write the prediction p (O,) for outputs o (O,)."""


@generic
def value(loss, y, o, p):
    """L(y, p) in the loss's own units; NaN targets cost 0."""


@generic
def slope(loss, y, o, p, e):
    """Write e (O,) = ∂L/∂o."""


@generic
def is_regression(loss):
    """Whether targets are numbers to be standardised (True) or probabilities (False)."""


def _identity(loss, o, p):
    for j in range(o.size):
        p[j] = o[j]


def _numbers(loss):
    return True


def _probabilities(loss):
    return False


link.register(_identity, Squared, Absolute, Huber, Quantile)
is_regression.register(_numbers, Squared, Absolute, Huber, Quantile)
is_regression.register(_probabilities, Logistic, Softmax)


@value.register
def squared(loss: Squared, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            total += 0.5 * (y[j] - p[j]) ** 2
    return total


@slope.register
def squared_slope(loss: Squared, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else p[j] - y[j]


@value.register
def absolute(loss: Absolute, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            total += abs(y[j] - p[j])
    return total


@slope.register
def absolute_slope(loss: Absolute, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) or p[j] == y[j] else (1 if p[j] > y[j] else -1)


@value.register
def huber(loss: Huber, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            d = abs(y[j] - p[j])
            total += 0.5 * d * d if d <= loss.delta else loss.delta * (d - 0.5 * loss.delta)
    return total


@slope.register
def huber_slope(loss: Huber, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else max(-loss.delta, min(loss.delta, p[j] - y[j]))


@value.register
def quantile(loss: Quantile, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            d = y[j] - p[j]
            total += max(loss.q * d, (loss.q - 1) * d)
    return total


@slope.register
def quantile_slope(loss: Quantile, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else (-loss.q if y[j] > p[j] else 1 - loss.q)


@link.register
def logistic_link(loss: Logistic, o, p):
    for j in range(o.size):
        p[j] = sigmoid(o[j])


@value.register
def logistic(loss: Logistic, y, o, p):
    total = 0.0
    for j in range(o.size):
        if not isnan(y[j]):  # log(1 + exp(o)) − y o, without overflow
            total += max(o[j], 0.0) + log(1 + exp(-abs(o[j]))) - y[j] * o[j]
    return total


@slope.register
def logistic_slope(loss: Logistic, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else p[j] - y[j]


@link.register
def softmax_link(loss: Softmax, o, p):
    largest = o[0]
    for j in range(o.size):
        largest = max(largest, o[j])
    total = 0.0
    for j in range(o.size):
        p[j] = exp(o[j] - largest)
        total += p[j]
    for j in range(o.size):
        p[j] /= total


@value.register
def softmax(loss: Softmax, y, o, p):
    largest = o[0]
    for j in range(o.size):
        largest = max(largest, o[j])
    total = 0.0
    for j in range(o.size):
        total += exp(o[j] - largest)
    norm = largest + log(total)
    result = 0.0
    for j in range(o.size):
        if not isnan(y[j]):
            result += y[j] * (norm - o[j])
    return result


@slope.register
def softmax_slope(loss: Softmax, y, o, p, e):
    for j in range(o.size):
        e[j] = 0 if isnan(y[j]) else p[j] - y[j]


def cost(loss, y, o) -> float:
    """L of outputs *o* where *y* came, numbers or arrays (O,), in plain Python.

    >>> cost(Squared(), [1.0, 2.0], [1.0, 4.0])
    2.0
    """
    y, o = (np.atleast_1d(np.asarray(each, float)) for each in (y, o))
    p = np.empty(o.size)
    link(loss, o, p)
    return float(value(loss, y, o, p))


LOSSES = {spec.__name__: spec for spec in (Squared, Absolute, Huber, Quantile, Logistic, Softmax)}
