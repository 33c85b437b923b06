"""The forecaster's compiled loop: one series, one horizon, one record at a time.

For each record: learn from the forecast that was made for it h records ago, take it in, and
forecast the record h ahead.  `run` does so for a chunk; one record is a chunk of one row, so
the results do not depend on how a stream is cut.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ..codegen.bound import bind
from ..codegen.denormals import flush_denormals, restore_denormals
from ..codegen.dispatch import entry, loose_kernel
from ..numerics import growing, trees
from ..numerics.trees import Float, Int
from . import interval
from . import outside as elsewhere
from .columns import LOWER, MEAN, MEDIAN, SCALE, UPPER, WIDTH
from .experts import base as ops
from .experts import default as experts
from .experts.default import DEFAULT
from .experts.linear import BOUND
from .inputs import doubt, features, history, period, scale, shift, youth
from .inputs.doubt import Doubt
from .inputs.features import Features
from .inputs.history import History
from .inputs.period import FOUND, NEWS, Period
from .inputs.scale import Scale
from .inputs.shift import Shift
from .inputs.youth import Youth
from .interval import Interval
from .mixing import mix
from .mixing.mix import FINAL, HEADS, Mix, Mixture

LEARNED, MISSING = range(2)

NOISE_RATE = 0.005
ABSURD, PRECISE = 1e6, 1e13  # leaps


class Pending(NamedTuple):
    """What was forecast and from what, kept until the truth arrives: a ring of h slots."""

    rows: Annotated[Float, "h D"]  # feature rows
    anchor: Annotated[Float, "h 3"]  # the last value, the leap, 1 if the leap was known
    experts: Annotated[Float, "h K"]  # their predictions
    made: Annotated[Float, "h heads stages"]  # see `mix.combine`
    forecast: Annotated[Float, "h WIDTH"]  # median, mean, scale, lower and upper bounds


class Bank(NamedTuple):
    """All state of one forecaster for one horizon."""

    history: History
    scale: Scale
    shift: Shift
    period: Period
    features: Features
    pending: Pending
    groups: tuple
    mix: Mix
    interval: Interval
    counts: Annotated[Int, "2"]  # records learned from, values missing
    youth: Youth
    doubt: Doubt
    outside: Any  # () where nothing is told from outside


def allocate(
    specs: tuple = DEFAULT,
    inputs: int = 0,
    horizon: int = 1,
    seed: int = 42,
    mixture: Mixture | None = None,
    given: int = 0,
) -> Bank:
    """A bank of *specs* that has seen nothing, for *inputs* of a record.

    The first *given* of these are outside forecasts, the others exogenous.
    """
    groups, prior, row = experts.pack(specs, inputs - given, horizon, seed)
    sizes = {"h": horizon, "D": len(row.row), "K": len(prior), "heads": HEADS}
    sizes |= {"stages": FINAL + 1, "WIDTH": WIDTH}
    pending = trees.allocate(Pending, sizes)
    pending.anchor[:], pending.forecast[:] = 1, np.nan
    parts = Bank(
        history.allocate(3 * period.LONGEST + 2 * horizon + 4),
        scale.allocate(),
        shift.allocate(),
        period.allocate(),
        row,
        pending,
        groups,
        mix.allocate(prior, mixture),
        interval.allocate(),
        np.zeros(2, np.int64),
        youth.allocate(inputs),
        doubt.allocate(inputs),
        elsewhere.allocate(given),
    )
    return trees.duplicate(parts)  # in one block


def expect(bank: Bank, season: int, prior: np.ndarray) -> None:
    """The calendar says that the *season* is so many records, of which none has passed.

    *prior* (K,) is the experts' from then on; where it is 0 theirs stays.  A season that was
    found is kept.
    """
    if bank.period.found[FOUND] == 0 and bank.history.clock[history.COUNT] <= season:
        period.hold(bank.period, season)
        bank.mix.expected[:] = prior


def grow(old: Bank, new: Bank) -> None:
    """Carry *old* over into *new*, the same bank with more exogenous inputs.

    Exogenous inputs come last on every axis that counts them, so what was known is the
    leading corner of the new array.  Weights of the new inputs are 0.
    """
    growing.extend(old._replace(groups=()), new._replace(groups=()))
    for before, after in zip(old.groups, new.groups, strict=True):
        ops.grow(before, after)


def health(bank: Bank) -> dict[str, float]:
    """Counters of one bank by metric name; losses are absolute errors of the median."""
    resets = sum(int(ops.lost(group).sum()) for group in bank.groups)
    total, quick = bank.interval.scale[interval.TOTAL], bank.interval.scale[interval.QUICK]
    if bank.outside:
        total, quick = bank.outside.tally[elsewhere.TOTAL], bank.outside.tally[elsewhere.QUICK]
    return {
        "loss_sum": float(total),
        "loss_observations": float(bank.counts[LEARNED]),
        "rolling_mae": float(quick),
        "kalman_resets": float(resets),
        "missing_targets": float(bank.counts[MISSING]),
        "level_shifts": float(bank.shift.suspect[shift.COUNT]),
        "outliers": float(bank.interval.scale[interval.OUTLIERS]),
    }


def bound(bank: Bank) -> Any:
    """What `run` takes: the bank for compiled code, as it is from now on."""
    return bind((), bank, ())


@entry
def run(bound, ys, fills, xs, out):
    """Take in ``ys`` (T,) with inputs ``xs`` (T, M); NaN is a missing value.

    A missing value is imputed by ``fills`` (T,), or where that is NaN by the forecast, and
    not learned from.  ``out`` (T, WIDTH) receives, for each record, the forecast made for it
    h records before; NaN where there was none.  Where outside forecasts may be told, it is what
    was made with those of the record, and ``out`` has WIDTH columns more, from OWN on, of what
    was made without.

    Returns how many records it took in: it stops after one by which a season was found
    beyond doubt, so that the bank can begin again with it, before one that begins a doubt, so
    that the bank can be copied, and after one that ends it, see `relearn`.
    """
    setting, bank = flush_denormals(), bound.state
    bank.period.found[NEWS], bank.doubt.state[doubt.NEWS] = 0, doubt.NONE
    done = 0
    while done < len(ys) and bank.period.found[NEWS] == 0:
        if bank.doubt.state[doubt.NEWS] != doubt.NONE or _begins_doubt(bank, ys[done]):
            break
        step(bank, ys[done], fills[done], xs[done], out[done])
        done += 1
    restore_denormals(setting)
    return done


@entry
def foresee(bound, slot, x, out):
    """The forecast in ring slot *slot*, with what *x* tells of its record, to *out* (see `run`)."""
    bank = bound.state
    for i in range(WIDTH):
        out[i] = bank.pending.forecast[slot, i]
    elsewhere.tell(bank.outside, bank.interval, x, bank.pending.anchor[slot], out)


@loose_kernel
def _begins_doubt(bank, y):
    t = bank.history.clock[history.COUNT]
    last = bank.history.values[history.newest(bank.history)]
    return doubt.begins(bank.doubt, bank.scale, last, y, t)


@loose_kernel
def step(bank, y, fill, x, out):
    """One record: `learn`, take in, `predict`."""
    t = bank.history.clock[history.COUNT]
    h = len(bank.pending.rows)
    slot = t % h
    waiting = bank.pending.forecast[slot]
    for i in range(WIDTH):
        out[i] = waiting[i]
    elsewhere.tell(bank.outside, bank.interval, x, bank.pending.anchor[slot], out)
    known = y == y
    youth.record(bank.youth, t, y, fill, x)
    doubt.record(bank.doubt, t, y, fill, x)
    if not known:
        bank.counts[MISSING] += 1
        if t == 0:
            return
        y = out[MEDIAN] if t >= h else bank.history.values[history.newest(bank.history)]
        if fill == fill:
            y = fill
    elif t >= h:
        learn(bank, slot, y)
    history.push(bank.history, y)
    predict(bank, t, slot, x, known)


@loose_kernel
def learn(bank, slot, y):
    """The truth *y* of the forecast in ring slot *slot* is known.

    Absurd changes weigh no expert, nor does what was forecast from a value so large that the
    experts differ by its rounding alone.
    """
    bank.counts[LEARNED] += 1
    rate = max(NOISE_RATE, 1.0 / (bank.counts[LEARNED] + 10))
    pending = bank.pending
    last, leap = pending.anchor[slot, 0], pending.anchor[slot, 1]
    known = pending.anchor[slot, 2] > 0
    if abs(y - last) < ABSURD * leap and abs(last) < PRECISE * leap:
        if known:
            ops.learn(bank.groups, pending.rows, slot, (y - last) / leap, rate)
        mix.learn(bank.mix, pending.experts[slot], pending.made[slot], leap, known, y, rate)
        elsewhere.learn(bank.outside, leap, known, y)
    forecast = pending.forecast[slot]
    elsewhere.calibrate(bank.outside, bank.interval, forecast, y)
    interval.learn(bank.interval, forecast[MEDIAN], forecast[LOWER:UPPER], forecast[UPPER:], y)


@loose_kernel
def predict(bank, t, slot, x, known):
    """Forecast h records ahead of record *t*, which is in the history already."""
    pending, h = bank.pending, len(bank.pending.rows)
    past = bank.history.values[history.newest(bank.history) :]
    if t > 0 and shift.observe(bank.shift, past, scale.units(bank.scale, t, h).step, t):
        splice(bank, past, bank.shift.suspect[shift.SIZE])
    if known:
        scale.observe(bank.scale, past, t, h)
    units = scale.units(bank.scale, t, h)
    if t > 0:
        period.observe(bank.period, (past[0] - past[1]) / units.step, t)
    season = bank.period.found[FOUND]
    if season > t:  # it is known already, but none has passed yet
        season = 0
    elif season == t:
        mix.awaken(bank.mix)
    given = len(x) - bank.features.inputs.shape[1]
    features.observe(bank.features, past, x[given:], t, h, season, units)
    row = pending.rows[slot]
    for i in range(len(row)):
        row[i] = bank.features.row[i]
    pending.anchor[slot, 0], pending.anchor[slot, 1] = past[0], units.leap
    pending.anchor[slot, 2] = 1.0 if bank.scale.moments[scale.STEP] > 0 else 0.0
    predictions = pending.experts[slot]
    ops.observe(bank.groups, past, t, h, season)
    ops.predict(bank.groups, row, units, past, t, h, slot, predictions)
    _limit(predictions, past[0], BOUND * units.leap)
    mix.combine(bank.mix, predictions, past[0], units.leap, pending.made[slot])
    forecast = pending.forecast[slot]
    forecast[MEDIAN], forecast[MEAN] = pending.made[slot, 0, FINAL], pending.made[slot, 1, FINAL]
    forecast[SCALE] = interval.scale(bank.interval)
    interval.bounds(bank.interval, forecast[MEDIAN], forecast[LOWER:UPPER], forecast[UPPER:])


@loose_kernel
def splice(bank, past, jump):
    """A level shift is confirmed: move the past onto the new level, as if it had no jump."""
    age = shift.CONFIRMED - 1  # records that have already taken part in the averages
    for k in range(shift.CONFIRMED, len(past)):
        past[k] += jump
    scale.level_shift(bank.scale, jump, age)
    features.level_shift(bank.features, jump, age)
    ops.level_shift(bank.groups, jump, age)


@loose_kernel
def _limit(predictions, last, bound):
    """No expert may stray further than *bound* from the last value; NaN becomes it."""
    for k in range(len(predictions)):
        p = min(last + bound, max(last - bound, predictions[k]))
        predictions[k] = p if p == p else last
