"""From the experts' predictions to one forecast: three aggregations, their mean, one on top."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics.trees import NEWER, Float
from ..experts.linear import BOUND
from . import boa, dma, stack
from .boa import Boa
from .dma import Dma
from .stack import Stack

LAST, BERNSTEIN, STACKED, DYNAMIC, MEAN, FINAL = range(6)
HEADS = 2
AWAKE = 0.05  # share of the last value, at most, once a season that was expected has passed


class Mixture(NamedTuple):
    """What the forecast is made of, each with its share at the start; 0 leaves it out.

    The last value, the three aggregations of the experts, and their mean.
    """

    last: float = 0.3
    boa: float = 0.3
    stack: float = 0.1
    dma: float = 0.1
    mean: float = 0.2


MIXTURES = {"Mixture": Mixture}  # in a configuration


class Mix(NamedTuple):
    """BOA, DMA and a stack over the experts; BOA over {last value, those three, their mean}.

    Two heads share the experts: the median (absolute loss) and the mean (squared loss).
    """

    first: Boa
    dynamic: Dma
    stacked: Stack
    top: Boa
    expected: Annotated[Float, "K", NEWER]  # prior from when an expected season has passed; or 0


def allocate(prior: np.ndarray, mixture: Mixture | None = None) -> Mix:
    """Every aggregation starts at the experts' *prior* (K,)."""
    share = np.array(Mixture() if mixture is None else mixture, float)
    if not (share >= 0).all() or not 0 < share.sum() < np.inf:
        raise ValueError(f"mixture: {mixture!r}; give shares ≥ 0, one of them above 0")
    return Mix(
        boa.allocate(prior, HEADS),
        dma.allocate(prior),
        stack.allocate(len(prior), HEADS),
        boa.allocate(share / share.sum(), HEADS),
        np.zeros(len(prior)),
    )


@loose_kernel
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


@loose_kernel
def rescale(mix, factor):
    """The scale of the truth is *factor* times what it was, see `boa.rescale`."""
    boa.rescale(mix.first, factor)
    boa.rescale(mix.top, factor)


@loose_kernel
def awaken(mix):
    """A season that was expected has passed once: what was learned without it weighs no more.

    Experts of the season have made the last value's forecast until now, so that nothing is
    known of them; BOA begins again at the *expected* prior, and the top with `AWAKE` at most
    for the last value.
    """
    if mix.expected[0] == 0.0:
        return
    for head in range(HEADS):
        boa.restart(mix.first.table[head], mix.expected)
        table = mix.top.table[head]
        prior, last = table[boa.PRIOR], table[boa.PRIOR, LAST]
        if AWAKE < last < 1.0:
            for k in range(len(prior)):
                prior[k] *= (1.0 - AWAKE) / (1.0 - last)
            prior[LAST] = AWAKE
        boa.restart(table, prior)
    for k in range(len(mix.expected)):
        mix.expected[k] = 0.0


@loose_kernel
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
