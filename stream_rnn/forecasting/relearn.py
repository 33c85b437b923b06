"""What a bank has seen is learned again, once it is known how it should have been taken.

A season can be told only after two of them have passed.  What the experts made of these they
learned without it; they learn it again as if it had been known from the start.

Values that were wrong are known to be so once the series is back where it was before them, see
`inputs.doubt`.  The bank goes on from there as if they had been missing.
"""

import numpy as np

from . import bank, columns, interval
from .bank import Bank
from .experts.base import lost
from .inputs import doubt, history
from .inputs.period import FOUND, HELD


def relearn(old: Bank, new: Bank) -> Bank:
    """*new*, untaught, after it took in what *old* has, with old's season from the start.

    Forecasts that were given out stay as they were, and so do the counters.
    """
    count = int(old.history.clock[history.COUNT])
    new.period.found[FOUND], new.period.found[HELD] = old.period.found[FOUND], count
    targets, inputs = old.youth
    _take_in(new, targets[0, :count], targets[1, :count], inputs[:count])
    new.doubt.state[doubt.ENDED] = old.doubt.state[doubt.ENDED]
    _keep_what_was_given(old, new)
    return new


def renewed(old: Bank, before: Bank) -> Bank:
    """*before*, as *old* was when its doubt began, after what it has seen since.

    Forecasts that were given out stay as they were, and so do the counters.
    """
    _take_in(before, *doubt.seen(old.doubt))
    _keep_what_was_given(old, before)
    return before


def _take_in(new: Bank, values: np.ndarray, fills: np.ndarray, inputs: np.ndarray) -> None:
    """Let *new* learn records; the last doubt ends with them, and none of them begins one."""
    end = new.history.clock[history.COUNT] + len(values)
    new.doubt.state[:] = 0
    new.doubt.state[doubt.ENDED] = end
    out, at, bound = np.empty((len(values), 2 * columns.WIDTH)), 0, bank.bound(new)
    while at < len(values):
        at += bank.run(bound, values[at:], fills[at:], inputs[at:], out[at:])


def _keep_what_was_given(old: Bank, new: Bank) -> None:
    """Forecasts and counters."""
    count = int(old.history.clock[history.COUNT])
    slots = len(new.pending.forecast)
    given = np.arange(slots) != (count - 1) % slots  # all but the newest
    new.pending.forecast[given] = old.pending.forecast[given]
    for mark in (interval.TOTAL, interval.OUTLIERS):
        new.interval.scale[mark] = old.interval.scale[mark]
    for mine, before in zip(new.groups, old.groups, strict=True):
        lost(mine)[...] = np.maximum(lost(mine), lost(before))
    new.counts[...] = old.counts
    if new.outside:
        new.outside.tally[...] = old.outside.tally
