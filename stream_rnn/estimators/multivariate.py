"""Several series at once, each forecast from its own past and the moves of the others."""

from collections.abc import Iterable, Sequence
from functools import partial
from math import nan
from typing import Any

import numpy as np

from ..categories.in_order import InOrder
from ..errors import BadRecord, faults
from ..features.saved_names import as_name, saved
from ..forecasting import given, series
from ..forecasting.columns import MEDIAN, OWN
from ..forecasting.inputs import cross
from ..forecasting.inputs.cross import Cross
from ..forecasting.series import POINTS, Series
from ..numerics.trees import below
from . import series_records, several
from .far import FarHorizons
from .protocol import Snapshot
from .series_base import SeriesForecaster
from .targets import stretches


class RecurrentMultivariateForecaster(SeriesForecaster):
    """Forecasts several series together; learns on every record, from the first one on.

    Each target has a bank of experts as in `RecurrentForecaster`, whose exogenous inputs are
    the last change of every other target and its deviation from a moving average; every
    weight is then learned from one Kalman measurement for each target.  The targets are those
    of the first record; one that is missing later (None, NaN or absent) is imputed.

    Parameters are those of `RecurrentForecaster`.

    Examples
    --------
    >>> import math
    >>> from stream_rnn.estimators.multivariate import RecurrentMultivariateForecaster
    >>> model = RecurrentMultivariateForecaster()
    >>> for t in range(200):
    ...     model.learn_one({"lead": math.sin(t * t), "follow": 3 * math.sin((t - 1) ** 2)})
    >>> made = model.forecast(1)[0]["follow"]
    >>> abs(made - 3 * math.sin(199 ** 2)) < 0.3
    True
    """

    def _start(self) -> None:
        self._targets: list[Any] = []
        self._cross: Cross = cross.allocate(0)
        self._series: list[Series] = []
        self._last_inputs = np.zeros((1, 0))
        self._fars: list[FarHorizons] = []  # of each series, unless horizons are a tuple

    def _all_series(self) -> Iterable[Series]:
        return self._series

    # river ------------------------------------------------------------------------------------

    def learn_one(self, y: Any, x: dict | None = None) -> None:
        """Take in the next value of every target, *y*: a dict (or a number, if only one)."""
        self._learn([y], None if x is None else [x])

    def forecast(
        self,
        horizon: int,
        xs: Sequence[dict] | None = None,
        level: float | Sequence[float] | None = None,
    ) -> list:
        """The next *horizon* records of targets, each a dict like the targets learned.

        With *level* the values are `Prediction` (point, lower, upper), see
        `RecurrentForecaster.forecast`.  *xs* are the exogenous inputs of those steps; without
        them the last ones stay.  Beyond the direct horizons the other targets' moves are taken
        for their mean.
        """
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}; give 1 or more steps")
        columns = {}
        ahead = self._ahead(horizon, xs)
        for c, (name, one) in enumerate(zip(self._targets, self._series, strict=True)):
            inputs = ahead[c]
            if self._fars:
                rows = self._fars[c].forecast(one, partial(self._anew, c), horizon, inputs)
            else:
                rows = one.forecast(horizon, inputs)
            columns[name] = series_records.predictions(rows, self.point, level, self.lowest)
        if list(columns) == [several.ALONE]:
            return columns[several.ALONE]
        return [{name: points[t] for name, points in columns.items()} for t in range(horizon)]

    def _ahead(self, horizon: int, xs: Sequence[dict] | None) -> list[np.ndarray]:
        """The inputs of the next steps (≤ horizon, M), for each series."""
        rows = np.repeat(self._last_inputs, horizon, axis=0)
        if xs is not None:
            found = [self._features.row(self._plain(x, t)) for t, x in enumerate(xs[:horizon])]
            rows = np.concatenate(found) if found else rows[:0]
        moves = np.full((len(rows), 2 * (len(self._targets) - 1)), nan)
        told = self._told(None if xs is None else xs[:horizon], len(rows), self._targets)
        return [np.hstack([each, moves, rows]) for each in told]

    def _anew(self, number: int) -> Series:
        """The series of that *number* before its first record."""
        return self._new_series(2 * (len(self._targets) - 1) + len(self._features), number)

    def _told(self, xs: Any, count: int, targets: Sequence[Any]) -> list[np.ndarray]:
        """Outside forecasts (count, G) of each of the *targets*."""
        return [given.rows(xs, self._given, count, several.field_of(name)) for name in targets]

    def _without_given(self, x: dict) -> dict:
        if not self._given:
            return x
        return {name: value for name, value in x.items() if not given.holds(name, self._given)}

    # chunks -----------------------------------------------------------------------------------

    def prequential(self, Y: Any, X: Any = None, horizon: int | None = None) -> np.ndarray:
        """Take in *Y* (T, C), targets 0, …, C − 1; the forecasts (T, C) made for them.

        Row t was made *horizon* records before (default: the shortest); NaN where there was
        none.  The same bits as one at a time with ``dict(enumerate(row))``.
        """
        at = self._direct(horizon)
        names = list(getattr(Y, "columns", range(np.shape(Y)[1])))
        values = np.ascontiguousarray(Y, np.float64)
        outs = self._learn_values(names, values, None if X is None else list(X))
        made = np.column_stack([out[at][:, POINTS[self.point]] for out in outs])
        return series_records.not_below(self.lowest, made)

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it, then forecast what comes next.

        Fields: ``prediction`` of this record, made at the shortest horizon before it was
        seen; ``forecast``, ``lower``, ``upper``: for each target a list with one entry for
        each direct horizon.
        """
        if not len(ys):
            return []
        outs = self._learn(ys, xs)
        results: list[dict[str, Any]] = [
            {"prediction": {}, "forecast": {}, "lower": {}, "upper": {}} for _ in ys
        ]
        for c, name in enumerate(self._targets):
            made = series_records.not_below(self.lowest, outs[c][0][:, POINTS[self.point]])
            after = []
            for i, h in enumerate(self._horizons):
                known = outs[c][i][:, OWN:] if self._given else outs[c][i]
                rows = np.concatenate([known, self._series[c].waiting(i)])[h : h + len(ys)]
                three = rows[:, POINTS[self.point]], *series.bounds(rows, self.level)
                after.append(series_records.not_below(self.lowest, np.array(three)))
            for t, result in enumerate(results):
                result["prediction"][name] = several.plain(made[t])
                for k, field in enumerate(("forecast", "lower", "upper")):
                    result[field][name] = [several.plain(columns[k][t]) for columns in after]
        return results

    # from records to arrays -------------------------------------------------------------------

    def _learn(self, ys: Sequence[Any], xs: Sequence[dict] | None) -> list[list[np.ndarray]]:
        """Forecast rows made for the records, by target and horizon."""
        records = [several.named(y) for y in ys]
        names = self._targets or several.names_of(records[0])
        values = np.array([several.row(y, names, t) for t, y in enumerate(records)])
        return self._learn_values(names, values, xs)

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        names = self._targets  # or those of the first good record
        look = InOrder(self._features)

        def attempt(t: int) -> None:
            nonlocal names
            own = names or several.names_of(several.named(ys[t]))
            several.refuse_large(own, np.array([several.row(several.named(ys[t]), own, t)]))
            look(self._plain(xs[t], t))
            self._told([xs[t]], 1, own)
            names = own

        return faults(attempt, len(xs))

    def _learn_values(
        self, names: list, values: np.ndarray, xs: Sequence[dict] | None
    ) -> list[list[np.ndarray]]:
        if self._targets and names != self._targets:
            raise BadRecord(f"targets {names} are not those of the first record, {self._targets}")
        several.refuse_large(names, values)
        told = self._told(xs, len(values), names)
        at, season = self._look_at_times(xs, self._series[0].count if self._series else 0)
        if xs is None:
            rows = np.full((len(values), len(self._features)), nan)
        else:
            plain = [self._plain(x, t) for t, x in enumerate(xs)]
            rows, widths = self._features.encode(plain, [len(names)] * len(plain))
            parts = stretches(widths, at=at)
            if len(parts) > 1:  # one after another between which no input is new
                return several.joined(
                    [self._learn_values(names, values[a:b], xs[a:b]) for a, b in parts]
                )
            self._features.learn(rows, values)
            self._features.extend(rows.shape[1])
        self._begin(names)
        outs = self._learn_pieces(values, rows, told)
        if len(values):
            self._expect(xs or (), season)
        return outs

    def _learn_pieces(
        self, values: np.ndarray, rows: np.ndarray, told: list[np.ndarray]
    ) -> list[list[np.ndarray]]:
        """Take in records between which no input is new; the model may react to drift."""
        if self._monitor is None or not len(values):
            return self._learn_stretch(values, rows, told)
        outs = []
        for piece in self._pieces(len(values)):
            of_piece = [each[piece] for each in told]
            outs.append(self._learn_stretch(values[piece], rows[piece], of_piece))
            made = np.column_stack([out[0][:, MEDIAN] for out in outs[-1]])
            self._watch(abs(made - values[piece]), [str(name) for name in self._targets])
        return several.joined(outs)

    def _begin(self, names: list) -> None:
        """The first record says which targets there are."""
        if not self._targets:
            self._targets, self._cross = names, cross.allocate(len(names))

    def _learn_stretch(
        self, values: np.ndarray, rows: np.ndarray, told: list[np.ndarray]
    ) -> list[list[np.ndarray]]:
        """Take in records between which no input is new."""
        C = len(self._targets)
        moves = np.empty((len(values), C, 2 * (C - 1)))
        cross.observe(self._cross, values, moves)
        width = len(self._given) + moves.shape[2] + rows.shape[1]
        if not self._series:
            self._series = [self._anew(c) for c in range(C)]
            self._fars = self._no_fars(C)
        if len(rows):
            self._last_inputs = np.array(rows[-1:])
        outs = []
        for c, one in enumerate(self._series):
            if width > one.inputs:
                one.grow(width)
                if self._fars:
                    self._fars[c].grow(one, partial(self._anew, c))
            inputs = np.ascontiguousarray(np.hstack([told[c], moves[:, c], rows]))
            ys = np.ascontiguousarray(values[:, c])
            if self._fars:
                outs.append(self._fars[c].run(one, partial(self._anew, c), ys, inputs))
            else:
                outs.append(one.run(ys, inputs))
        return outs

    def _no_fars(self, count: int) -> list[FarHorizons]:
        if not isinstance(self.horizons, int):
            return []
        return [FarHorizons(moves=2 * (count - 1)) for _ in range(count)]

    # StreamEstimator --------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = {"cross": self._cross.state.copy(), "last_inputs": self._last_inputs.copy()}
        for c, one in enumerate(self._series):
            arrays |= {f"{c}.{name}": array.copy() for name, array in one.arrays().items()}
        for c, far in enumerate(self._fars):
            kept = far.arrays(self._series[c].inputs)
            arrays |= {f"far.{c}.{name}": array for name, array in kept.items()}
        meta = {"targets": saved(self._targets), "far": [far.meta() for far in self._fars]}
        return self._snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        self._check(snapshot)
        meta, restored = snapshot.meta, []
        features = self._no_columns(meta["features"])
        arrays = features.load(snapshot.arrays)
        C = len(meta["targets"])
        for c in range(C):
            own = {n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(f"{c}.")}
            one = self._new_series(2 * (C - 1) + len(features), c)
            restored.append(self._restored(one, own))
        self._restore_drift(snapshot)
        self._expected.load(meta.get("season"))
        self._features, self._series = features, restored
        self._targets = list(map(as_name, meta["targets"]))
        self._cross = Cross(np.array(arrays["cross"]))
        unknown = np.full((1, len(features)), nan)  # in checkpoints of before
        self._last_inputs = np.array(arrays.get("last_inputs", unknown))
        self._fars = self._no_fars(len(restored))
        for c, far in enumerate(self._fars):
            if kept := below(f"far.{c}.", arrays):
                far.load(meta["far"][c], kept, restored[c].inputs, len(self._given))
