"""AdaGrad on the rows of a table (Duchi, Hazan, Singer 2011).

    g ← e v + λ w,  G ← G + g²,  w ← w − η g / √(G + ε)

e is the error of a class, v the feature's value; λ pulls a weight towards 0 whenever its feature
occurs.  η is how far the first gradient moves a weight, ε keeps small first gradients from moving
it that far.  Every feature has a rate of its own: rare ones learn quickly, frequent ones settle.
"""

from math import sqrt
from typing import NamedTuple

from ...codegen.dispatch import kernel
from ...errors import ConfigError, check
from .table import CLOCK


class AdaGrad(NamedTuple):
    """Rate η, damping ε, decay λ."""

    rate: float = 0.2
    damping: float = 0.01
    decay: float = 0.0


@check.register
def check_adagrad(spec: AdaGrad) -> None:
    for name, value in spec._asdict().items():
        if not (0 < value < float("inf") or (name == "decay" and value == 0)):
            least = "0 or more" if name == "decay" else "above 0"
            raise ConfigError(f"{name}: {value}; must be {least}")


@kernel
def add_scores(weights, value, count, scores):
    """scores[:count] += value · weights"""
    for l in range(count):
        scores[l] += weights[l] * value


@kernel
def descend(rule, weights, squares, error, value, count):
    """One step against the gradient error · value of *count* weights."""
    for l in range(count):
        g = error[l] * value + rule.decay * weights[l]
        squares[l] += g * g
        weights[l] -= rule.rate * g / sqrt(squares[l] + rule.damping)


@kernel
def step_row(table, row, rule, error, value, count):
    """Move a row of the table; it is used once more if it is met first in this example."""
    if table.stamp[row] != table.size[CLOCK]:
        table.stamp[row] = table.size[CLOCK]
        table.uses[row] += 1
    descend(rule, table.weights[row], table.squares[row], error, value, count)
