"""Bernstein online aggregation: weights that follow the best expert, with fast regret."""

from math import exp, log, sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from ..kernels import clip

WEIGHT, PRIOR, SURPRISE, REGRET, VARIANCE, RANGE, RATE = range(7)  # SURPRISE: −ln π

OUTLIER = 12.0

MEDIAN, MEAN = range(2)  # the heads: absolute and squared loss


class Boa(NamedTuple):
    """One aggregation of K experts for each head; rows are named by the constants above.

    Wintenberger (2017), "Optimal learning with Bernstein online aggregation", with the
    gradient trick and a learning rate of its own for every expert.
    """

    table: Annotated[Float, "heads 7 K"]


def allocate(prior: np.ndarray, heads: int = 2) -> Boa:
    """Weights start at the *prior* (K,), which sums to 1; where it is 0 they stay 0."""
    boa = trees.allocate(Boa, {"heads": heads, "K": len(prior)})
    table = boa.table
    table[:, WEIGHT] = table[:, PRIOR] = prior
    table[:, SURPRISE] = -np.log(np.maximum(prior, 1e-300))
    return boa


@loose_kernel
def combine(boa, head, experts):
    """Σ_k w_k p_k."""
    weights = boa.table[head, WEIGHT]
    total = 0.0
    for k in range(len(experts)):
        total += weights[k] * experts[k]
    return total


@loose_kernel
def restart(table, prior):
    """Nothing was seen by this head (7, K); the weights begin at another *prior* (K,)."""
    for k in range(len(prior)):
        table[WEIGHT, k] = table[PRIOR, k] = prior[k]
        table[SURPRISE, k] = -log(max(prior[k], 1e-300))
        table[REGRET, k] = table[VARIANCE, k] = table[RANGE, k] = table[RATE, k] = 0.0


@loose_kernel
def rescale(boa, factor):
    """The scale of what is forecast is another one, *factor* times as large; weights stay.

    r, E, V and 1/η are of its dimension, for the mean of its square.  Kept as they are, the
    regrets of a scale that has passed would outweigh all that is to come.
    """
    for head in range(boa.table.shape[0]):
        table = boa.table[head]
        unit = factor if head == MEDIAN else factor * factor
        for k in range(table.shape[1]):
            table[REGRET, k] *= unit
            table[RANGE, k] *= unit
            table[VARIANCE, k] *= unit * unit
            table[RATE, k] /= unit
            if not table[VARIANCE, k] * unit < 1e300 or table[REGRET, k] != table[REGRET, k]:
                table[REGRET, k] = table[RANGE, k] = table[VARIANCE, k] = table[RATE, k] = 0.0


@loose_kernel
def learn(boa, head, experts, combined, truth, unit):
    """Weigh the *experts* (K,) anew, whose *combined* forecast of *truth* is known.

    r_k = ℓ'(p)(p − p_k), with ℓ' = sign(p − y) for the median and 2(p − y) for the mean,
    an error beyond 12 *unit* counting as so many, or the largest would slow learning forever;
    V_k += r²;  E_k = max|r|;  η_k = min(1/(2E_k), √(−ln π_k / V_k));  G_k += r − ηr²;
    w_k ∝ π_k η_k exp(η_k G_k).
    """
    table = boa.table[head]
    slope = 2.0 * clip(combined - truth, OUTLIER * unit)
    if head == MEDIAN:
        slope = 1.0 if combined > truth else (-1.0 if combined < truth else 0.0)
    fastest = 0.0
    for k in range(len(experts)):
        r = slope * (combined - experts[k])
        table[RANGE, k] = max(table[RANGE, k], abs(r))
        table[VARIANCE, k] += r * r
        if table[VARIANCE, k] > 0:
            eta = sqrt(table[SURPRISE, k] / table[VARIANCE, k])
            eta = min(0.5 / table[RANGE, k], eta)
            table[REGRET, k] += r - eta * r * r
            table[RATE, k] = eta
        fastest = max(fastest, table[RATE, k])
    if fastest > 0:
        _normalise(table, fastest)


@loose_kernel
def _normalise(table, fastest):
    """w ∝ π η exp(ηG); an expert that never differed has the fastest rate."""
    top = -1e300
    count = table.shape[1]
    for k in range(count):
        if table[PRIOR, k] > 0:
            top = max(top, table[RATE, k] * table[REGRET, k])
    total = 0.0
    for k in range(count):
        eta = table[RATE, k] if table[RATE, k] > 0 else fastest
        weight = 0.0
        if table[PRIOR, k] > 0:
            weight = table[PRIOR, k] * eta * exp(table[RATE, k] * table[REGRET, k] - top)
        table[WEIGHT, k] = weight
        total += weight
    for k in range(count):
        table[WEIGHT, k] /= total
