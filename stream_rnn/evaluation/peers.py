"""Other forecasters to compare with, run over a whole series one value at a time."""

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import numpy as np
from river import time_series

from ..codegen.dispatch import entry
from ..forecasting.inputs import history, period, scale


def find_period(ys: Sequence[float] | np.ndarray) -> int:
    """The season's length with hindsight in all of *ys*; 0 for none.

    The period finder, which must decide as it goes, may settle on a multiple of a smooth
    season or beside it.  Among the parts of what it found, and lags beside these, this is the
    shortest one of which the multiples are all alike: r, the autocorrelation of the changes,
    meant over them.

    >>> find_period([0.0, 1.0, 5.0, 2.0] * 20)
    4
    """
    values = np.asarray(ys, float)
    values = values[~np.isnan(values)]
    finder = period.allocate()
    _find(finder, scale.allocate(), history.allocate(4), values)
    found, t = int(finder.found[0]), len(values) - 1
    if found == 0:
        return 0
    lags = np.arange(min(period.LONGEST, t // 2) + 1)
    r = finder.products[lags] / finder.products[0] * t / (t - lags)
    parts = {round(found / n) + beside for n in range(1, found + 1) for beside in (-1, 0, 1)}
    mean = {m: r[m::m].mean() for m in parts if period.SHORTEST <= m < len(r)}
    alike = max(mean.values()) - 1 / np.sqrt(t)  # r of noise has a deviation of 1/√t
    shortest = min(m for m in mean if mean[m] >= alike)
    return max((m for m in mean if abs(m - shortest) < period.SHORTEST), key=mean.__getitem__)


@entry
def _find(finder, moments, past, values):  # type: ignore[no-untyped-def]
    for t in range(len(values)):
        history.push(past, values[t])
        newest = past.values[history.newest(past) :]
        scale.observe(moments, newest, t, 1)
        if t > 0:
            step = scale.units(moments, t, 1).step
            period.observe(finder, (newest[0] - newest[1]) / step, t)


def last_value(ys: np.ndarray, horizon: int = 1) -> np.ndarray:
    """ŷ(t) = y(t − horizon); missing values are passed over.

    >>> last_value(np.array([1.0, np.nan, 3.0]))
    array([nan,  1.,  1.])
    """
    out = np.full(len(ys), np.nan)
    out[horizon:] = _carried_forward(ys)[: max(0, len(ys) - horizon)]
    return out


def prequential(forecaster: Any, ys: np.ndarray, horizon: int = 1) -> np.ndarray:
    """Forecasts by a river *forecaster* of each value, made *horizon* values before.

    Before it can forecast (Holt–Winters waits for its first season), while it fails, and
    where its forecast is not finite, the last value stands in.  A missing value is replaced
    by the one before, since river's forecasters know none.
    """
    out, known = last_value(ys, horizon), _carried_forward(ys)
    for t, y in enumerate(known):
        if isnan(y):
            continue
        forecaster.learn_one(float(y))
        if t + horizon < len(ys):
            try:
                made = float(forecaster.forecast(horizon)[-1])
            except (ValueError, ZeroDivisionError, OverflowError, TypeError, IndexError):
                continue
            if np.isfinite(made):
                out[t + horizon] = made
    return out


def peers(
    ys: Sequence[float], horizon: int = 1, season: int | None = None
) -> dict[str, np.ndarray]:
    """Forecasts (T,) of *ys* by name, each made *horizon* values before its value was known.

    The season's length is *season*, or the one found with hindsight in all of *ys*; without
    one there are no seasonal peers.  Elements are NaN where nothing was known yet.
    """
    values = np.asarray([np.nan if y is None else y for y in ys], float)
    m = find_period(values) if season is None else season
    runs: dict[str, Callable[[], Any]] = {
        "SNARIMAX(10,1,0)": lambda: time_series.SNARIMAX(p=10, d=1, q=0),
        "HoltWinters": lambda: time_series.HoltWinters(alpha=0.3, beta=0.1),
    }
    if m > 1:
        runs[f"SNARIMAX(1,0,0)(1,1,0,{m})"] = lambda: time_series.SNARIMAX(
            p=1, d=0, q=0, m=m, sp=1, sd=1, sq=0
        )
        multiplicative = bool(np.nanmin(values) > 0)
        runs[f"HoltWinters(m={m})"] = lambda: time_series.HoltWinters(
            alpha=0.3, beta=0.1, gamma=0.6, seasonality=m, multiplicative=multiplicative
        )
    found = {"last value": last_value(values, horizon)}
    if m > 1:
        whole = -(-horizon // m) * m  # the first season that is known at the time
        found[f"value {whole} before"] = last_value(values, whole)
    for name, make in runs.items():
        found[name] = prequential(make(), values, horizon)
    return found


def _carried_forward(ys: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(ys), 0, np.arange(len(ys)))
    return ys[np.maximum.accumulate(known)]
