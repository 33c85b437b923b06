"""The season's length, read off the cumulative autocorrelation of the changes."""

from math import sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float, Int
from ..kernels import clip
from . import history
from .history import History

SHORTEST, LONGEST = 3, 400
EVERY, EAGER = 16, 200  # searched at each record up to EAGER, then at every EVERY-th
CLIP = 3.0
VALLEY = 0.5  # of the peak; a lag before it must be as low, or it is a trend's plateau
SURE, PROOF = 0.75, 4.0  # r and r·√t from which the season is beyond doubt

FOUND, HELD, NEWS = range(3)


class Period(NamedTuple):
    """``products[k]`` = Σ z_t z_{t−k}, z the change in units of its deviation, clipped ±3."""

    changes: History
    products: Annotated[Float, "LONGEST+1"]
    found: Annotated[Int, "3"]  # the period, 0 for none; the record before which it is
    # held, as it is known from elsewhere; 1 if a sure one was found by the last record


def allocate() -> Period:
    """No change seen, no period."""
    changes = history.allocate(LONGEST + 1)
    return trees.allocate(Period, {"LONGEST": LONGEST}, changes=None)._replace(changes=changes)


def hold(period: Period, season: int) -> None:
    """It is *season*, as long as too little is known of it to tell otherwise."""
    period.found[FOUND], period.found[HELD] = season, 2 * season + 2


@loose_kernel
def observe(period, change, t):
    """Take in one standardised *change*, of record number *t* ≥ 1, and search again."""
    z = clip(change, CLIP)
    if t == 1:
        history.push(period.changes, 0.0)  # before the first change there were none
    history.push(period.changes, z)
    past = period.changes.values[history.newest(period.changes) :]
    for k in range(min(LONGEST, t - 1) + 1):
        period.products[k] += z * past[k]
    if t >= 6 and t >= period.found[HELD] and (t < EAGER or t % EVERY == 0):
        before = period.found[FOUND]
        now = search(period.products, before, t)
        period.found[FOUND] = now
        if now != before and now > 0 and t < EAGER:
            r = period.products[now] / (period.products[0] + 1e-12) * t / (t - now)
            period.found[NEWS] = 1 if r > max(SURE, PROOF / sqrt(1.0 * t)) else 0


@loose_kernel
def search(products, current, t):
    """The period after *t* changes: a local maximum, 5 % above every shorter one.

    r_k = (c_k / c_0) · t/(t−k).  Some shorter lag must have less than half of it: where
    changes are alike at all lags there is a trend, not a season.  Accepted above
    max(.3, 2.5/√t); replaces *current* if 10 % better; *current* is dropped when it falls
    below half the threshold.
    """
    scale = t / (products[0] + 1e-12)
    best, where = 0.0, 0
    low = min(products[1] * scale / (t - 1), products[2] * scale / (t - 2))
    for k in range(SHORTEST, min(LONGEST, t // 2)):
        r = products[k] * scale / (t - k)
        low = min(low, r)
        if (
            r > 1.05 * best
            and low < VALLEY * r
            and r > products[k - 1] * scale / (t - k + 1)
            and r >= products[k + 1] * scale / (t - k - 1)
        ):
            best, where = r, k
    threshold = max(0.3, 2.5 / sqrt(1.0 * t))
    now = products[current] * scale / (t - current)
    if where > 0 and best > threshold:
        return where if current == 0 or best > 1.1 * now else current
    return 0 if current > 0 and now < 0.5 * threshold else current
