"""The first records of a series, kept until its season is known, and then learned again.

A season can be told only after two of them have passed.  What the experts made of these they
learned without it; they learn it again as if it had been known from the start.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import interval
from .kernels import kernel
from .period import EAGER, FOUND, HELD

if TYPE_CHECKING:
    from .bank import Bank


class Youth(NamedTuple):
    """The first `EAGER` records as they were given; NaN where there was nothing."""

    targets: np.ndarray  # (2, EAGER): values, what stands in for a missing one
    inputs: np.ndarray  # (EAGER, M)


def allocate(inputs: int) -> Youth:
    """Nothing seen, for *inputs* exogenous inputs."""
    return Youth(np.full((2, EAGER), np.nan), np.full((EAGER, inputs), np.nan))


@kernel
def record(youth, t, y, fill, x):
    """Keep record *t* if it is one of the first."""
    if t >= EAGER:
        return
    youth.targets[0, t], youth.targets[1, t] = y, fill
    for i in range(len(x)):
        youth.inputs[t, i] = x[i]


def relearn(old: "Bank", new: "Bank") -> "Bank":
    """*new*, untaught, after it took in what *old* has, with old's season from the start.

    Forecasts that were given out stay as they were, and so do the counters.
    """
    from . import bank, history

    count = int(old.history.clock[history.COUNT])
    new.period.found[FOUND], new.period.found[HELD] = old.period.found[FOUND], count
    targets, inputs = old.youth
    out = np.empty((count, bank.WIDTH))
    bank.run(new, targets[0, :count], targets[1, :count], inputs[:count], out)
    slots = len(new.pending.forecast)
    given = np.arange(slots) != (count - 1) % slots  # all but the newest
    new.pending.forecast[given] = old.pending.forecast[given]
    for mark in (interval.TOTAL, interval.OUTLIERS):
        new.interval.scale[mark] = old.interval.scale[mark]
    for mine, before in zip(new.groups, old.groups, strict=True):
        if hasattr(mine, "resets"):
            mine.resets[...] = np.maximum(mine.resets, before.resets)
    new.counts[...] = old.counts
    return new
