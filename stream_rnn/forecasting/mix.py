"""From the experts' predictions to one forecast: three aggregations, their mean, one on top."""

from typing import NamedTuple

import numpy as np

from . import boa, dma, stack
from .boa import Boa
from .dma import Dma
from .kernels import kernel
from .linear import BOUND
from .stack import Stack

TOP_PRIOR = (0.3, 0.3, 0.1, 0.1, 0.2)  # last value, BOA, stack, DMA, mean of these three
LAST, BERNSTEIN, STACKED, DYNAMIC, MEAN, FINAL = range(6)
HEADS = 2


class Mix(NamedTuple):
    """BOA, DMA and a stack over the experts; BOA over {last value, those three, their mean}.

    Two heads share the experts: the median (absolute loss) and the mean (squared loss).
    """

    first: Boa
    dynamic: Dma
    stacked: Stack
    top: Boa


def allocate(prior: np.ndarray) -> Mix:
    """Every aggregation starts at the experts' *prior* (K,)."""
    return Mix(
        boa.allocate(prior, HEADS),
        dma.allocate(prior),
        stack.allocate(len(prior), HEADS),
        boa.allocate(np.array(TOP_PRIOR), HEADS),
    )


@kernel
def combine(mix, experts, last, leap, out):
    """Fill *out* (heads, 6): last value, BOA, stack, DMA, mean, the forecast made of them.

    While the series is young, BOA is nearly all of the mean: the share s of the stack and of
    DMA grows to a third each, as s = (1 − .98ⁿ)/3.
    """
    dynamic = dma.combine(mix.dynamic, experts)
    share = mix.dynamic.count[0] * ((1 - dma.FORGET) / 3)
    for head in range(HEADS):
        row = out[head]
        combined = boa.combine(mix.first, head, experts)
        correction = stack.correction(mix.stacked, head, experts, combined, leap)
        row[LAST] = last
        row[BERNSTEIN] = combined
        row[STACKED] = min(
            last + BOUND * leap, max(last - BOUND * leap, combined + leap * correction)
        )
        row[DYNAMIC] = dynamic
        row[MEAN] = combined + share * ((row[STACKED] - combined) + (dynamic - combined))
        row[FINAL] = boa.combine(mix.top, head, row[:FINAL])


@kernel
def learn(mix, experts, made, leap, known, truth, rate):
    """Learn from the forecasts *made* (heads, 6) of the *experts* (K,) and the *truth*.

    The stack waits until the *leap* is *known*, that is, until something has changed.
    """
    dma.learn(mix.dynamic, experts, truth)
    for head in range(HEADS):
        row = made[head]
        boa.learn(mix.first, head, experts, row[BERNSTEIN], truth, leap)
        if known:
            stack.learn(mix.stacked, head, experts, row[BERNSTEIN], leap, truth, rate)
        boa.learn(mix.top, head, row[:FINAL], row[FINAL], truth, leap)
