"""River's forecaster: a bank of experts mixed online, with intervals and without settings."""

from collections.abc import Iterable, Sequence
from math import nan
from typing import Any

import numpy as np

from ..categories.in_order import InOrder
from ..errors import BadRecord, faults
from ..forecasting import given, series
from ..forecasting.columns import MEDIAN, OWN
from ..forecasting.series import POINTS, Series
from . import series_records
from .far import FarHorizons
from .regressor import column
from .series_records import checked_level, checked_levels, usable
from .series_state import SeriesState
from .targets import stretches


class RecurrentForecaster(SeriesState):
    """Forecasts a time series; learns on every record, from the first one on.

    A bank of experts — LSTMs trained by exact RTRL and a Kalman filter, Kalman-filtered
    autoregressions, Holt–Winters on a season it finds itself, moving averages — is mixed
    online, and the errors of the mixture calibrate its intervals.  There is nothing to tune,
    and nothing looks ahead.

    ``learn_one(y)`` with y None or NaN stands for a value that is missing: it is imputed by
    the forecast and not learned from.  Exogenous inputs belong to the record they come with:
    those of the last record are used to forecast the next ones.  A new one takes a new
    column, a missing one counts as its mean.

    Parameters
    ----------
    horizons
        How many steps ahead to learn directly, each by a bank of its own: h stands for 1, …, h,
        and from when a forecast first reaches farther, and 6 steps or more, for all steps up to
        24, 48 or 96, which together cost about as much as three banks.  A tuple stands for
        exactly those; steps in between and beyond are forecast recursively.
    point
        ``"median"`` for small absolute errors, ``"mean"`` for small squared errors.
    level
        Of the intervals that `stream` reports.
    experts
        The experts to mix, e.g. ``(Ewma(1.0), Linear(lags=12), Lstm(8))``, see
        `stream_rnn.forecasting.experts.default`; the default bank if None.  The first must be
        ``Ewma(1.0)``, the last value.  ``Given("vendor")`` takes a forecast made elsewhere from
        the field ``vendor``, see `stream_rnn.forecasting.given`; alone, it is beside the default.
    timestamp
        The exogenous field that holds the time of the record, as epoch seconds, ISO 8601 or
        datetime.  It, and any other datetime, is replaced by sines and cosines of the time
        of day and of the week.
    seed
        Of the random weights.
    drift
        A detector that watches the errors: ``"ADWIN"``, another one's name, or an object of
        `river.drift`; see `drift_alarms`.  None for none.
    on_drift
        What to do upon an alarm: ``"noise"``, give the Kalman filters process noise, so that
        they learn anew; ``"widen"``, widen the intervals; ``"both"``; None for nothing.
    mixture
        How the experts are mixed, e.g. ``Mixture(stack=0)``, see
        `stream_rnn.forecasting.mixing.mix.Mixture`; as it is if None.
    season
        How many records a season is, where that is known: 12 for months of a year.  If None the
        times of the first records tell (12 for months, 24 for hours, 7 for days), so that it is
        used once it has passed, not when it has been found; what the series itself tells
        replaces it.  0 expects none.
    lowest
        No forecast and no bound is below it: 0 for counts, sales and whatever else cannot be
        negative.  What is learned does not depend on it.

    Examples
    --------
    >>> from river import datasets
    >>> from stream_rnn.estimators.forecaster import RecurrentForecaster
    >>> model, errors, naive = RecurrentForecaster(), [], []
    >>> last = None
    >>> for x, y in datasets.AirlinePassengers():
    ...     if last is not None:
    ...         errors.append(abs(model.forecast(1)[0] - y))
    ...         naive.append(abs(last - y))
    ...     model.learn_one(y)
    ...     last = y
    >>> sum(errors) < 0.45 * sum(naive)
    True
    >>> [round(p.upper - p.lower) > 0 for p in model.forecast(3, level=0.9)]
    [True, True, True]
    """

    def _start(self) -> None:
        self._series: Series | None = None
        self._last_inputs = np.zeros((1, 0))
        self._far = FarHorizons() if isinstance(self.horizons, int) else None

    def _all_series(self) -> Iterable[Series]:
        return () if self._series is None else (self._series,)

    # river ------------------------------------------------------------------------------------

    def learn_one(self, y: float | None, x: dict | None = None) -> None:
        """Take in the next value *y* of the series and its exogenous inputs *x*.

        Raises `BadRecord`, with nothing changed, if y or x is not a finite number.
        """
        series = self._series
        plain = x is None and self._monitor is None
        if plain and series is not None and series.inputs == 0 and usable(y):
            if self._far is None:
                series.take(y)  # the common case
                return
            if self._far.far is None:
                series.take(y)
                self._far.remember(y)
                return
        self._learn([y], None if x is None else [x])

    def forecast(
        self,
        horizon: int,
        xs: Sequence[dict] | None = None,
        level: float | Sequence[float] | None = None,
    ) -> list:
        """The next *horizon* values; with *level*, each as `Prediction` (point, lower, upper).

        Several levels give a tuple of lower and one of upper bounds; 80 stands for 0.8.

        *xs* are the exogenous inputs of those steps; they matter from the second recursive
        step on.  Intervals of recursive steps widen as the square root of the distance.
        Before the first record the forecast is 0, without bounds.
        """
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}; give 1 or more steps")
        if level is not None:
            checked_levels(level)
        if self._series is None or self._series.count == 0:
            return series_records.nothing_known(horizon, level)
        plain = level is None and not (self._given and xs)
        if plain and horizon == 1 == self._horizons[0]:  # the common case
            newest = float(self._series.newest(0)[POINTS[self.point]])
            return [newest if self.lowest is None else max(newest, self.lowest)]
        inputs = self._series.ahead(self._last_inputs[0], horizon)
        if xs is not None:
            inputs = np.concatenate([self._features.row(self._plain(x, 0)) for x in xs])
            if self._given:
                inputs = np.hstack([given.rows(xs, self._given, len(xs)), inputs])
        if self._far is None:
            rows = self._series.forecast(horizon, inputs)
        else:
            rows = self._far.forecast(self._series, self._anew, horizon, inputs)
        return series_records.predictions(rows, self.point, level, self.lowest)

    def _anew(self) -> Series:
        """The series before its first record."""
        return self._new_series(len(self._features))

    # chunks -----------------------------------------------------------------------------------

    def prequential(
        self, y: Any, X: Any = None, horizon: int | None = None, level: float | None = None
    ) -> np.ndarray:
        """Take in the array *y* (T,) in one compiled loop; the forecast made for each value.

        Element t is the forecast of y[t] made *horizon* records earlier (default: the
        shortest direct horizon), NaN where there was none; with *level*, rows (T, 3) of
        point, lower, upper.  *X* is an array (T, m), a DataFrame or a sequence of dicts.
        The same bits as `learn_one` and `forecast` one at a time.
        """
        at = self._direct(horizon)
        outs = self._learn(column(y), series_records.records(X))
        rows = outs[at]
        points = rows[:, POINTS[self.point]]
        if level is None:
            return series_records.not_below(self.lowest, points.copy())
        made = np.column_stack([points, *series.bounds(rows, checked_level(level))])
        return series_records.not_below(self.lowest, made)

    def stream(self, xs: Sequence[dict], ys: Sequence[float | None]) -> list[dict[str, Any]]:
        """Predict each record before learning from it, then forecast what comes next.

        Fields: ``prediction`` of this record and its bounds, made before it was seen, at the
        shortest horizon; ``forecast``, ``lower``, ``upper``: lists with one entry for each
        direct horizon, made after it was seen.
        """
        if not len(ys):
            return []
        outs = self._learn(ys, xs)
        made = series_records.columns(outs[0], self.point, self.level, self.lowest)
        after = []
        for i, h in enumerate(self._horizons):
            waiting = self._series.waiting(i) if self._series else outs[i][:0]
            known = outs[i][:, OWN:] if self._given else outs[i]  # what could be said then
            rows = np.concatenate([known, waiting])[h:]
            after.append(series_records.columns(rows, self.point, self.level, self.lowest))
        return series_records.results(made, after, len(ys))

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""

        look = InOrder(self._features)

        def attempt(t: int) -> None:
            series_records.targets(ys[t : t + 1])
            look(self._plain(xs[t], t))
            given.rows([xs[t]], self._given, 1)

        return faults(attempt, len(xs))

    # from records to arrays -------------------------------------------------------------------

    def _learn(self, ys: Sequence, xs: Sequence[dict] | np.ndarray | None) -> list[np.ndarray]:
        """Take in targets and inputs; the forecast rows (T, WIDTH) made for them, by horizon."""
        targets = series_records.targets(ys)
        rows, widths = self._encoded(xs, len(ys))
        told = given.rows(xs, self._given, len(ys))
        if len(rows) != len(targets):
            raise ValueError(f"{len(targets)} targets but {len(rows)} rows of inputs")
        if xs is not None:
            self._features.learn(rows, targets[:, None])
        rows = np.hstack([told, rows]) if self._given else rows
        dated = xs if isinstance(xs, list | tuple) else None
        at, season = self._look_at_times(dated, 0 if self._series is None else self._series.count)
        outs = []
        for start, end in stretches(widths, at=at):
            self._features.extend(widths[start])
            part = rows[start:end, : len(self._given) + widths[start]]
            outs.append(self._learn_stretch(targets[start:end], part))
            if end == at and dated is not None:
                self._expect(dated[:at], season)
        if not outs:
            return self._learn_stretch(targets, rows)
        if at == 0:
            self._expect(dated or (), season)
        return outs[0] if len(outs) == 1 else series_records.joined(outs)

    def _encoded(self, xs: Any, count: int) -> tuple[np.ndarray, Sequence[int]]:
        """The inputs of *count* records, and how many are known up to each."""
        if xs is None:
            known = len(self._features)
            return np.full((count, known), nan), [known] * count
        if isinstance(xs, np.ndarray):
            return series_records.encode_array(self._features, xs)
        plain = [self._plain(x, t) for t, x in enumerate(xs)]
        return self._features.encode(plain, [1] * len(xs))

    def _learn_stretch(self, targets: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
        """Take in records between which no input is new."""
        inputs = len(self._given) + len(self._features)
        if self._series is None:
            self._series = self._anew()
        elif inputs > self._series.inputs:
            self._series.grow(inputs)
            if self._far is not None:
                self._far.grow(self._series, self._anew)
        if len(rows):
            self._last_inputs = np.array(rows[-1:])
        rows = np.ascontiguousarray(rows)
        if self._monitor is None or not len(targets):
            return self._run(targets, rows)
        outs = []
        for piece in self._pieces(len(targets)):
            outs.append(self._run(targets[piece], rows[piece]))
            self._watch(abs(outs[-1][0][:, MEDIAN : MEDIAN + 1] - targets[piece, None]), (0,))
        return series_records.joined(outs)

    def _run(self, targets: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
        assert self._series is not None
        if self._far is None:
            return self._series.run(targets, rows)
        return self._far.run(self._series, self._anew, targets, rows)
