"""What was seen before the season was known is learned again, once it is known.

A season can be told only after two of them have passed.  What the experts made of these they
learned without it; they learn it again as if it had been known from the start.
"""

import numpy as np

from . import bank, interval
from .bank import Bank
from .experts.base import lost
from .inputs import history
from .inputs.period import FOUND, HELD


def relearn(old: Bank, new: Bank) -> Bank:
    """*new*, untaught, after it took in what *old* has, with old's season from the start.

    Forecasts that were given out stay as they were, and so do the counters.
    """
    count = int(old.history.clock[history.COUNT])
    new.period.found[FOUND], new.period.found[HELD] = old.period.found[FOUND], count
    targets, inputs = old.youth
    out = np.empty((count, bank.WIDTH))
    bank.run(bank.bound(new), targets[0, :count], targets[1, :count], inputs[:count], out)
    slots = len(new.pending.forecast)
    given = np.arange(slots) != (count - 1) % slots  # all but the newest
    new.pending.forecast[given] = old.pending.forecast[given]
    for mark in (interval.TOTAL, interval.OUTLIERS):
        new.interval.scale[mark] = old.interval.scale[mark]
    for mine, before in zip(new.groups, old.groups, strict=True):
        lost(mine)[...] = np.maximum(lost(mine), lost(before))
    new.counts[...] = old.counts
    return new
