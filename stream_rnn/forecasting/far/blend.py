"""Several ways to forecast many steps, each weighed by how it did at such a distance.

Every so many records an *origin* is kept: the forecasts made there by every way.  When its last
truth has come, the loss of each way, per band of horizons and head, is known:

    L ← .9 L + mean loss over the band;   n ← .9 n + 1
    w ∝ π · ((L/n) / min (L/n))^(−p n/(n + ½)),   p = 8 for |e|, 4 for e²

The first way, the path of one-step forecasts, is all there is before the first origin is known:
the others' π carries (N/(N + 8))² after N origins, that of `ridge`, which has many weights to
learn, (N/(N + 60))².  Losses of whole paths are few and alike;
weights that follow the ratio of losses need no more (compare the inverse-loss combination of
Bates & Granger 1969).
"""

from math import exp, log, sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float, Int
from ..interval import LEVELS, RARE, START

PATH, ALIGNED, LAGS, PROFILE, WEEKS, RIDGE = range(6)
WAYS, HEADS, BANDS = 6, 2, 4
EDGES = (3, 12, 24)  # steps after which a band ends
SHARE = (2.0, 1.0, 1.0, 0.5, 1.0, 2.0)  # π
ALONE = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # the path
FORGET, POWER, EARLY, LATE, LATEST = 0.9, 8.0, 0.5, 8.0, 60.0
TINY = 1e-12  # of the largest loss: a way that made no error is not infinitely good
GAIN, SCALE_RATE = 0.1, 0.05


class Blend(NamedTuple):
    """Losses, and the origins that wait for their truths: a ring."""

    loss: Annotated[Float, "HEADS WAYS BANDS"]
    evidence: Annotated[Float, "2"]  # n, origins ever learned
    at: Annotated[Int, "slots"]  # the record of each origin, −1 for none
    made: Annotated[Float, "slots HEADS WAYS H"]
    blended: Annotated[Float, "slots H"]  # the median made of them
    scale: Annotated[Float, "H"]  # running mean of |e| by horizon
    width: Annotated[Float, "BANDS 2 levels"]  # lower and upper bounds, in scales


def allocate(horizon: int, slots: int) -> Blend:
    """No origin."""
    sizes = {"H": horizon, "slots": slots, "HEADS": HEADS, "WAYS": WAYS, "BANDS": BANDS}
    new = trees.allocate(Blend, sizes | {"levels": len(LEVELS)})
    new.at[:] = -1
    new.width[:] = START
    return new


@loose_kernel
def band(j):
    """Of horizon j + 1."""
    found = 0
    for edge in EDGES:
        found += j >= edge
    return found


@loose_kernel
def combine(blend, head, known, made, out):
    """out (H,) = Σ_k w_k made[k]; only the path unless the others are *known*."""
    weights = ALONE
    before = -1
    for j in range(len(out)):
        if band(j) != before:
            before = band(j)
            weights = _weights(blend.loss[head, :, before], blend.evidence, head, known)
        total = 0.0
        for k in range(WAYS):
            if weights[k] > 0.0:
                total += weights[k] * (made[k, j] - made[0, j])
        out[j] = made[0, j] + total


@loose_kernel
def _weights(loss, evidence, head, known):
    """w (WAYS,) from the losses (WAYS,) of one band."""
    n, origins = evidence
    if n == 0.0 or not known:
        return ALONE
    largest, least = 0.0, loss[0]
    for k in range(WAYS):
        largest = max(largest, loss[k])
        least = min(least, loss[k])
    floor = TINY * largest
    if floor == 0.0:
        return ALONE
    power = (POWER if head == 0 else POWER / 2.0) * n / (n + EARLY)
    late = (origins / (origins + LATE)) ** 2
    a = SHARE[0] * _ratio(loss[0], least, floor, power)
    b = late * SHARE[1] * _ratio(loss[1], least, floor, power)
    c = late * SHARE[2] * _ratio(loss[2], least, floor, power)
    d = late * SHARE[3] * _ratio(loss[3], least, floor, power)
    e = late * SHARE[4] * _ratio(loss[4], least, floor, power)
    latest = (origins / (origins + LATEST)) ** 2
    f = latest * SHARE[5] * _ratio(loss[5], least, floor, power)
    total = a + b + c + d + e + f
    return (a / total, b / total, c / total, d / total, e / total, f / total)


@loose_kernel
def _ratio(loss, least, floor, power):
    return exp(-power * log((loss + floor) / (least + floor)))


@loose_kernel
def keep(blend, made, blended, t):
    """An origin after record *t*: what every way *made* (HEADS, WAYS, H), and their median."""
    oldest = 0
    for slot in range(len(blend.at)):
        if blend.at[slot] < blend.at[oldest]:
            oldest = slot
    blend.at[oldest] = t
    for j in range(len(blended)):
        blend.blended[oldest, j] = blended[j]
        for head in range(HEADS):
            for k in range(WAYS):
                blend.made[oldest, head, k, j] = made[head, k, j]


@loose_kernel
def learn(blend, past, unknown, t):
    """Learn the origins whose last truth is record *t*, ``past[0]``."""
    H = len(blend.scale)
    for slot in range(len(blend.at)):
        if blend.at[slot] >= 0 and blend.at[slot] + H == t:
            _learn(blend, slot, past, unknown)
            blend.at[slot] = -1


@loose_kernel
def _learn(blend, slot, past, unknown):
    H = len(blend.scale)
    blend.evidence[1] += 1
    n = FORGET * blend.evidence[0] + 1.0
    blend.evidence[0] = n
    for i in range(BANDS):
        for head in range(HEADS):
            for k in range(WAYS):
                total, seen = 0.0, 0
                for j in range(H):
                    if band(j) == i and not unknown[H - 1 - j]:
                        e = past[H - 1 - j] - blend.made[slot, head, k, j]
                        total += abs(e) if head == 0 else e * e
                        seen += 1
                if seen > 0:
                    blend.loss[head, k, i] = FORGET * blend.loss[head, k, i] + total / seen
    for j in range(H):
        if not unknown[H - 1 - j]:
            _calibrate(blend, j, past[H - 1 - j] - blend.blended[slot, j])


@loose_kernel
def _calibrate(blend, j, error):
    """Widths follow the share of misses, as in `interval`; the scale the mean error."""
    width, n = blend.width[band(j)], blend.evidence[1]
    scale = blend.scale[j]
    if n > 1:
        gain = GAIN / sqrt(n) if n < 100 else GAIN / 10.0
        for i in range(len(LEVELS)):
            tail = (1.0 - LEVELS[i]) / 2.0
            speed = gain * sqrt(max(1.0, RARE / tail))
            below = 1.0 if error < -scale * width[0, i] else 0.0
            above = 1.0 if error > scale * width[1, i] else 0.0
            width[0, i] *= exp(speed * (below - tail))
            width[1, i] *= exp(speed * (above - tail))
    blend.scale[j] += max(SCALE_RATE, 1.0 / n) * (abs(error) - scale)
