"""AdaGrad on the rows of a table (Duchi, Hazan, Singer 2011).

    G ← G + g²,  w ← w − η g / √(G + ε)

η is how far the first gradient moves a weight, ε keeps small first gradients from moving it that
far.  Every feature has a rate of its own, so rare ones learn quickly and frequent ones settle.
"""

from math import sqrt
from typing import NamedTuple

from ...codegen.dispatch import kernel
from ...errors import ConfigError, check


class AdaGrad(NamedTuple):
    """Rate η and ε, the damping."""

    rate: float = 0.2
    damping: float = 0.01


@check.register
def check_adagrad(spec: AdaGrad) -> None:
    for name, value in spec._asdict().items():
        if not 0 < value < float("inf"):
            raise ConfigError(f"{name}: {value}; must be above 0")


@kernel
def add_scores(weights, value, count, scores):
    """scores[:count] += value · weights"""
    for l in range(count):
        scores[l] += weights[l] * value


@kernel
def descend(rule, weights, squares, error, value, count):
    """One step against the gradient error · value of *count* weights."""
    for l in range(count):
        g = error[l] * value
        squares[l] += g * g
        weights[l] -= rule.rate * g / sqrt(squares[l] + rule.damping)
