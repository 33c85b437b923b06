"""The compiled loop of forecasts many steps ahead: one series, all horizons up to H."""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ...codegen.bound import bind
from ...codegen.denormals import flush_denormals, restore_denormals
from ...codegen.dispatch import entry, loose_kernel
from ...numerics import trees
from ...numerics.trees import SCRATCH, Float, Int
from ..columns import LOWER, MEAN, MEDIAN, SCALE, UPPER
from ..inputs import features, history, scale
from ..inputs.features import Features
from ..inputs.history import History
from ..inputs.scale import Scale
from ..interval import LEVELS
from . import aligned, blend, lags, ridge, sizes, weeks
from . import told as given
from .aligned import Aligned
from .blend import ALIGNED, HEADS, PATH, PROFILE, WAYS, WEEKS, Blend
from .lags import Lags
from .ridge import Ridge

SOONEST = 12  # records between two origins, at least
SETTLED = 1.0  # origins after which the bounds are as much the blend's as the path's


class Far(NamedTuple):
    """All state, for a season that is known from the first record on."""

    season: Annotated[Int, "1"]  # records; 0 for none
    history: History
    scale: Scale
    features: Features
    unknown: Annotated[Float, "H"]  # ring: 1 where the value was missing
    recent: Annotated[Float, "H", SCRATCH]  # the same, newest first
    aligned: Aligned
    size: Annotated[Float, "H"]  # unit², see `sizes`
    lags: Lags
    ridge: Ridge
    blend: Blend
    weeks: Annotated[Float, "H", SCRATCH]
    made: Annotated[Float, "HEADS WAYS H", SCRATCH]
    blended: Annotated[Float, "HEADS H", SCRATCH]
    told: Any  # () where nothing is told from outside


def allocate(horizon: int, season: int, inputs: int, outside: int = 0) -> Far:
    """Nothing seen, for *horizon* steps, and a *season* of so many records (0 for none).

    Of the *inputs* of a record so many are *outside* forecasts, the first.
    """
    span = max(aligned.span(horizon, season), weeks.span(horizon, season))
    span = max(span, features.LAGS + 2 + horizon)
    new = trees.allocate(
        Far,
        {"H": horizon, "HEADS": HEADS, "WAYS": WAYS},
        history=None,
        scale=None,
        features=None,
        aligned=None,
        lags=None,
        ridge=None,
        blend=None,
        told=None,
    )._replace(
        history=history.allocate(span),
        scale=scale.allocate(),
        features=features.allocate(0, inputs - outside, np.random.default_rng(0)),
        aligned=aligned.allocate(horizon, season),
        lags=lags.allocate(horizon, inputs - outside),
        ridge=ridge.allocate(horizon, inputs - outside),
        blend=blend.allocate(horizon, horizon // SOONEST + 1),
        told=given.allocate(horizon, outside),
    )
    new.season[0] = season
    return trees.duplicate(new)


def bound(far: Far) -> Any:
    """What `run`, `keep` and `forecast` take: the state for compiled code."""
    return bind((), far, ())


def spacing(count: int) -> int:
    """Records between two origins after *count* records: the path they need is dear."""
    return SOONEST if count < 120 else 24 if count < 1200 else 48 if count < 2000 else 100


@entry
def run(bound, ys, fills, xs):
    """Take in ``ys`` (T,), where NaN the ``fills`` (T,), with inputs ``xs`` (T, M)."""
    setting, far = flush_denormals(), bound.state
    for i in range(len(ys)):
        known = ys[i] == ys[i]
        step(far, ys[i] if known else fills[i], known, xs[i])
    restore_denormals(setting)


@loose_kernel
def step(far, y, known, x):
    """One record: push, learn what it is the truth of, and the inputs of what comes."""
    if y != y:
        return  # missing, before anything was known
    t, season, H = far.history.clock[history.COUNT], far.season[0], len(far.unknown)
    far.unknown[t % H] = 0.0 if known else 1.0
    for k in range(H):
        far.recent[k] = far.unknown[(t - k) % H]
    history.push(far.history, y)
    past = far.history.values[history.newest(far.history) :]
    aligned.learn(far.aligned, y if known else np.nan, t, season)
    sizes.observe(far.size, past, t)
    lags.learn(far.lags, past, far.recent, far.size, t)
    ridge.learn(far.ridge, past, far.recent, far.size, t)
    given.observe(far.told, x, t)
    given.learn(far.told, far.blend, past, far.recent, t)
    blend.learn(far.blend, past, far.recent, t)
    if known:
        scale.observe(far.scale, past, t, 1)
    units = scale.units(far.scale, t, 1)
    own = x[len(x) - far.features.inputs.shape[1] :]
    features.observe(far.features, past, own, t, 1, 0, units)
    told = weeks.forecast(past, t, season, far.weeks)
    aligned.observe(far.aligned, past, t, season, far.weeks, told)
    lags.observe(far.lags, far.features.row, t)
    ridge.observe(far.ridge, past, far.features.row, units, far.aligned.state, t, season)


@entry
def keep(bound, path):
    """An origin: the *path* (H, WIDTH) of one-step forecasts that begins here.

    None is kept while the path is all there is: it would say that all ways are alike.
    """
    far = bound.state
    t = far.history.clock[history.COUNT] - 1
    if combine(far, path, t):
        blend.keep(far.blend, far.made, far.blended[0], t)


@entry
def forecast(bound, path, xs, out):
    """Fill *out* (H, WIDTH), as *path*, with the blend; nothing else changes.

    *xs* (≤ H, M) are the inputs of those steps, of which outside forecasts are read.
    """
    far = bound.state
    combine(far, path, far.history.clock[history.COUNT] - 1)
    n = far.blend.evidence[1]
    share = n / (n + SETTLED)
    for j in range(len(out)):
        median = far.blended[0, j]
        width = far.blend.width[blend.band(j)]
        out[j, MEDIAN], out[j, MEAN] = median, far.blended[1, j]
        out[j, SCALE] = path[j, SCALE] + share * (far.blend.scale[j] - path[j, SCALE])
        for i in range(len(LEVELS)):
            below = path[j, MEDIAN] - path[j, LOWER + i]
            above = path[j, UPPER + i] - path[j, MEDIAN]
            below += share * (far.blend.scale[j] * width[0, i] - below)
            above += share * (far.blend.scale[j] * width[1, i] - above)
            out[j, LOWER + i], out[j, UPPER + i] = median - below, median + above
    given.add(far.told, far.blend, xs, out)


@loose_kernel
def combine(far, path, t):
    """What every way makes after record *t*, and what is made of them, by head.

    Returns whether there are ways besides the path yet.
    """
    made, season = far.made, far.season[0]
    known = aligned.predict(far.aligned, t, season, made[0, ALIGNED], made[0, PROFILE])
    known = known and t > len(far.unknown) + 2
    past = far.history.values[history.newest(far.history) :]
    if not weeks.forecast(past, t, season, made[0, WEEKS]):
        for j in range(len(path)):
            made[0, WEEKS, j] = made[0, PROFILE, j]
    lags.predict(far.lags, past[0], far.size, t, made[0, blend.LAGS])
    ridge.predict(far.ridge, past[0], far.size, t, made[0, blend.RIDGE])
    for j in range(len(path)):
        made[0, PATH, j], made[1, PATH, j] = path[j, MEDIAN], path[j, MEAN]
        for k in range(1, WAYS):
            if known:
                made[1, k, j] = made[0, k, j]
            else:
                made[0, k, j], made[1, k, j] = path[j, MEDIAN], path[j, MEAN]
    for head in range(HEADS):
        blend.combine(far.blend, head, known, made[head], far.blended[head])
    return known
