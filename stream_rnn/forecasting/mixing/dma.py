"""Dynamic model averaging: posterior weights that forget."""

from math import exp, log
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float

WEIGHT, LOG_PRIOR, LOG_WEIGHT, ERROR = range(4)
FORGET = 0.98
PULL = 2.0  # records' worth of the best expert's error in every expert's scale
SPREAD = 3.12  # 4 degrees of freedom, in units of the mean absolute error


class Dma(NamedTuple):
    """Weights of K experts; rows are named by the constants above.

    Raftery, Kárný & Ettler (2010), with a Student-t likelihood (4 degrees of freedom) whose
    scale is each expert's own recent mean absolute error.
    """

    table: Annotated[Float, "4 K"]
    count: Annotated[Float, "1"]  # type: ignore[assignment]  # discounted number of records


def allocate(prior: np.ndarray) -> Dma:
    """Weights start at the *prior* (K,), which sums to 1."""
    dma = trees.allocate(Dma, {"K": len(prior)})
    table = dma.table
    table[WEIGHT] = prior
    table[LOG_PRIOR] = table[LOG_WEIGHT] = np.log(prior)
    return dma


@loose_kernel
def combine(dma, experts):
    """Σ_k w_k p_k."""
    total = 0.0
    for k in range(len(experts)):
        total += dma.table[WEIGHT, k] * experts[k]
    return total


@loose_kernel
def learn(dma, experts, truth):
    """Weigh the *experts* (K,) anew by their errors on *truth*.

    L ← .98 L + .02 ln π − ln(b/b*) − 2.5 ln(1 + (|e|/b)²/3.12);  w ∝ e^L
    b = (A + 2A*)/(n + 2), A and n discounted sums of |e| and 1, A* of the best expert per n.
    """
    table = dma.table
    count = len(experts)
    dma.count[0] = FORGET * dma.count[0] + 1.0
    best = 1e300
    for k in range(count):
        table[ERROR, k] = FORGET * table[ERROR, k] + abs(truth - experts[k])
        best = min(best, table[ERROR, k])
    best = best / dma.count[0] + 1e-300
    top = -1e300
    for k in range(count):
        scale = (table[ERROR, k] + PULL * best) / (dma.count[0] + PULL)
        z = abs(truth - experts[k]) / scale
        likelihood = -log(scale / best) - 2.5 * log(1.0 + z * z / SPREAD)
        faded = FORGET * table[LOG_WEIGHT, k] + (1 - FORGET) * table[LOG_PRIOR, k]
        table[LOG_WEIGHT, k] = faded + likelihood
        top = max(top, table[LOG_WEIGHT, k])
    total = 0.0
    for k in range(count):
        table[WEIGHT, k] = exp(table[LOG_WEIGHT, k] - top)
        total += table[WEIGHT, k]
    for k in range(count):
        table[WEIGHT, k] /= total
