"""Holt–Winters smoothing on the season that the period finder reports."""

from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float, Int
from ..inputs.period import LONGEST
from .base import (
    as_it_is,
    learn,
    level_shift,
    longer,
    observe,
    pack_like,
    predict,
    reads_season,
    size,
)

LEVEL, TREND, SMALLEST = range(3)
PERIOD, MULTIPLICATIVE = range(2)
TINY = 1e-9  # a factor or a level may not fall to 0 where it divides


class HoltWinters(NamedTuple):
    """Level ℓ, trend b and a factor (or term) s for each place in the season.

    ℓ ← α·y/s + (1 − α)(ℓ + b);  b ← β(ℓ − ℓ₋) + (1 − β)b;  s ← γ·y/ℓ + (1 − γ)s
    (Winters 1960); with y − s, y − ℓ in place of the ratios once a value ≤ 0 has been seen.
    Predicts (ℓ + hb)·s, or the last value while there is no period.
    """

    level: float = 0.3
    trend: float = 0.1
    season: float = 0.6
    weight: float = 1.0


class Seasonal(NamedTuple):
    """A group of n `HoltWinters`."""

    rates: Annotated[Float, "n 3"]
    state: Annotated[Float, "n 3"]  # level, trend, smallest value seen
    season: Annotated[Float, "n LONGEST+1"]
    mode: Annotated[Int, "n 2"]  # the period in use, 1 if multiplicative


def pack(specs: list[HoltWinters]) -> Seasonal:
    """The group of *specs* before the first record."""
    new = trees.allocate(Seasonal, {"n": len(specs), "LONGEST": LONGEST})
    new.rates[:] = [[spec.level, spec.trend, spec.season] for spec in specs]
    return new


longer.register(Seasonal, as_it_is)


@pack_like.register
def _pack(first: HoltWinters, specs, shared):
    return pack(specs)


@reads_season.register
def _reads_season(spec: HoltWinters):
    return True


@loose_kernel
def _mean(past, start, m):
    total = 0.0
    for k in range(m):
        total += past[start + k]
    return total / m


@loose_kernel
def start(state, season, past, t, m, multiplicative):
    """Begin from up to three past seasons: mean, slope between seasons, mean shape."""
    seasons = min(3, (t + 1) // m)
    level = _mean(past, 0, m)
    trend = (level - _mean(past, m, m)) / m if seasons >= 2 else 0.0
    for k in range(m):
        season[k] = 0.0
    for r in range(seasons):
        middle = _mean(past, r * m, m)
        for k in range(m):
            line = middle + trend * ((m - 1) / 2.0 - k)
            y = past[r * m + k]
            share = y / line if multiplicative and line > 0 else y - line
            season[(t - k) % m] += share / seasons
    state[LEVEL] = level + trend * (m - 1) / 2.0
    state[TREND] = trend


@loose_kernel
def step(rates, state, season, y, t, m, multiplicative):
    """The recurrence of `HoltWinters` for record *t*."""
    i, before = t % m, state[LEVEL]
    expected = before + state[TREND]
    if multiplicative:
        state[LEVEL] = rates[0] * y / max(season[i], TINY) + (1 - rates[0]) * expected
        share = y / max(state[LEVEL], TINY * y)
    else:
        state[LEVEL] = rates[0] * (y - season[i]) + (1 - rates[0]) * expected
        share = y - state[LEVEL]
    state[TREND] = rates[1] * (state[LEVEL] - before) + (1 - rates[1]) * state[TREND]
    season[i] = rates[2] * share + (1 - rates[2]) * season[i]


@size.register
def _size(group: Seasonal):
    return len(group.rates)


@learn.register
def _learn(group: Seasonal, rows, slot, target, rate):
    pass


@observe.register
def _observe(group: Seasonal, past, t, h, period):
    for i in range(len(group.rates)):
        state, mode, season = group.state[i], group.mode[i], group.season[i]
        state[SMALLEST] = past[0] if t == 0 else min(state[SMALLEST], past[0])
        multiplicative = 1 if state[SMALLEST] > 0 else 0
        if period == 0:
            state[LEVEL], state[TREND] = past[0], 0.0
        elif period != mode[PERIOD] or multiplicative != mode[MULTIPLICATIVE]:
            start(state, season, past, t, period, multiplicative)
        else:
            step(group.rates[i], state, season, past[0], t, period, multiplicative)
        mode[PERIOD], mode[MULTIPLICATIVE] = period, multiplicative


@predict.register
def _predict(group: Seasonal, row, units, past, t, h, slot, out):
    for i in range(len(group.rates)):
        state, m = group.state[i], group.mode[i, PERIOD]
        out[i] = state[LEVEL] + h * state[TREND]
        if m > 0:
            share = group.season[i, (t + h) % m]
            out[i] = out[i] * share if group.mode[i, MULTIPLICATIVE] == 1 else out[i] + share


@level_shift.register
def _level_shift(group: Seasonal, jump, age):
    for i in range(len(group.rates)):
        group.mode[i, PERIOD] = -1  # start again from the past as it is now
        group.state[i, SMALLEST] += jump
