"""Outside forecasts of far steps, beside the blend: how much each counts at such a distance.

What was blended at an origin for step j, o, is compared with the outside forecast g that came with
that record, and with the truth y, per band of horizons, both in mean errors of the blend:

    d = (g − o)/s_j;   r = (y − o)/s_j;   w = clip(Σ r·d / Σ d², 0, 1) · N/(N + 1)

the sums discounted by .97 an origin, N origins.  The forecast is o + w(g − o), and one outside
forecast follows the other.  Bounds are as much narrower as its mean error is smaller.  Where
nothing is told of a step it stays as it is.
"""

from math import sqrt
from typing import Annotated, Any, NamedTuple

from ...codegen.dispatch import generic, loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from ..columns import LOWER, MEAN, MEDIAN, SCALE
from ..kernels import clip
from .blend import BANDS, band

FORGET = 0.97  # an origin; what says nothing costs about a half of 1 − FORGET
LIMIT = 12.0  # mean errors of the blend that anything counts as, at most
PRODUCT, SQUARE = range(2)
BLENDED, WITH, ORIGINS = range(3)


class Told(NamedTuple):
    """G outside forecasts of the last H records, and what they were worth."""

    given: Annotated[Float, "H G"]  # ring
    sums: Annotated[Float, "BANDS G 2"]
    near: Annotated[Float, "G"]  # v
    loss: Annotated[Float, "BANDS 3"]  # discounted mean |e| without and with them; origins


def allocate(horizon: int, given: int) -> Any:
    """Nothing told yet; () if nothing will be."""
    return trees.allocate(Told, {"H": horizon, "G": given, "BANDS": BANDS}) if given else ()


@generic
def observe(told, x, t):
    """Keep what came with record *t*: the first columns of *x*."""


@generic
def learn(told, blend, past, unknown, t):
    """Learn the origins whose last truth is record *t*, before `blend.learn` does."""


@generic
def add(told, blend, xs, out):
    """What *xs* (≤ H, M) tell of the next steps, to *out* (H, WIDTH), forecasts of the blend."""


@observe.register
def _observe_none(told: (), x, t):  # type: ignore[syntax]
    pass


@learn.register
def _learn_none(told: (), blend, past, unknown, t):  # type: ignore[syntax]
    pass


@add.register
def _add_none(told: (), blend, xs, out):  # type: ignore[syntax]
    pass


@observe.register
def _observe(told: Told, x, t):
    kept = told.given[t % len(told.given)]
    for g in range(len(kept)):
        kept[g] = x[g]


@learn.register
def _learn(told: Told, blend, past, unknown, t):
    for slot in range(len(blend.at)):
        if blend.at[slot] >= 0 and blend.at[slot] + len(told.given) == t:
            unit = _unit(blend)
            for i in range(BANDS):
                if unit > 0:
                    _learn_band(told, blend, i, slot, past, unknown, t, unit)


@loose_kernel
def _unit(blend):
    """The mean error of the blend over all horizons; 0 before any is known."""
    total = 0.0
    for j in range(len(blend.scale)):
        total += blend.scale[j]
    return total / len(blend.scale)


@loose_kernel
def _learn_band(told, blend, i, slot, past, unknown, t, unit):
    H, sums, loss = len(told.given), told.sums[i], told.loss[i]
    without, having, seen = 0.0, 0.0, 0
    for g in range(sums.shape[0]):
        sums[g, PRODUCT] *= FORGET
        sums[g, SQUARE] *= FORGET
    for j in range(H):
        if band(j) != i or unknown[H - 1 - j]:
            continue
        given = told.given[(t - H + 1 + j) % H]
        truth = clip((past[H - 1 - j] - blend.blended[slot, j]) / unit, LIMIT)
        made, any_told = 0.0, False
        for g in range(sums.shape[0]):
            if given[g] == given[g]:
                apart = clip((given[g] - blend.blended[slot, j]) / unit, LIMIT) - made
                step = _weight(sums[g], loss[ORIGINS], told.near[g]) * apart
                sums[g, PRODUCT] += (truth - made) * apart
                sums[g, SQUARE] += apart * apart
                made += step
                any_told = True
        if any_told:
            without += abs(truth)
            having += abs(truth - made)
            seen += 1
    if seen > 0:
        loss[BLENDED] = FORGET * loss[BLENDED] + without / seen
        loss[WITH] = FORGET * loss[WITH] + having / seen
        loss[ORIGINS] += 1


@loose_kernel
def _weight(sums, origins, near):
    """w of one outside forecast."""
    if not sums[SQUARE] > 0:
        return near
    best = min(1.0, max(0.0, sums[PRODUCT] / sums[SQUARE]))
    return (near + origins * best) / (origins + 1.0)


@add.register
def _add(told: Told, blend, xs, out):
    usual = _unit(blend)
    for j in range(min(len(xs), len(out))):
        i = band(j)
        unit = usual if usual > 0 else out[j, SCALE] * sqrt(1.0 + j)
        loss, row, made, any_told = told.loss[i], out[j], 0.0, False
        for g in range(told.given.shape[1]):
            x = xs[j, g]
            if x == x and unit > 0:
                apart = clip((x - row[MEDIAN]) / unit, LIMIT) - made
                made += _weight(told.sums[i, g], loss[ORIGINS], told.near[g]) * apart
                any_told = True
        if any_told:
            narrower = (loss[WITH] + 1e-12) / (loss[BLENDED] + 1e-12)
            share = 1.0 + (narrower - 1.0) * loss[ORIGINS] / (loss[ORIGINS] + 1.0)
            _move(row, made * unit, share)


@loose_kernel
def _move(row, by, share):
    """The forecast *row* moved, its bounds *share* times as far from the median."""
    before = row[MEDIAN]
    row[MEDIAN] += by
    row[MEAN] += by
    row[SCALE] *= share
    for k in range(LOWER, len(row)):
        row[k] = row[MEDIAN] + share * (row[k] - before)
