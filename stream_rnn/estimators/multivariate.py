"""Several series at once, each forecast from its own past and the moves of the others."""

from collections.abc import Iterable, Sequence
from math import nan
from typing import Any

import numpy as np

from ..categories.in_order import InOrder
from ..errors import BadRecord, faults
from ..features.saved_names import as_name, saved
from ..forecasting import series
from ..forecasting.bank import MEDIAN
from ..forecasting.inputs import cross
from ..forecasting.inputs.cross import Cross
from ..forecasting.series import POINTS, Series
from . import series_records
from .protocol import Snapshot
from .regressor import number
from .series_base import SeriesForecaster
from .series_records import LARGEST, with_calendar
from .targets import stretches

ALONE = "y"  # the name of the series when targets are numbers


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
        `RecurrentForecaster.forecast`.  Beyond the direct
        horizons the other targets' moves are taken for their mean; *xs* are not used.
        """
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}; give 1 or more steps")
        columns = {}
        for name, one in zip(self._targets, self._series, strict=True):
            rows = one.forecast(horizon)
            columns[name] = series_records.predictions(rows, self.point, level, self.lowest)
        if list(columns) == [ALONE]:
            return columns[ALONE]
        return [{name: points[t] for name, points in columns.items()} for t in range(horizon)]

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
                rows = np.concatenate([outs[c][i], self._series[c].waiting(i)])[h : h + len(ys)]
                three = rows[:, POINTS[self.point]], *series.bounds(rows, self.level)
                after.append(series_records.not_below(self.lowest, np.array(three)))
            for t, result in enumerate(results):
                result["prediction"][name] = _plain(made[t])
                for k, field in enumerate(("forecast", "lower", "upper")):
                    result[field][name] = [_plain(columns[k][t]) for columns in after]
        return results

    # from records to arrays -------------------------------------------------------------------

    def _learn(self, ys: Sequence[Any], xs: Sequence[dict] | None) -> list[list[np.ndarray]]:
        """Forecast rows made for the records, by target and horizon."""
        records = [_named(y) for y in ys]
        names = self._targets or _sorted(records[0])
        values = np.array([_row(y, names, t) for t, y in enumerate(records)])
        return self._learn_values(names, values, xs)

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        names = self._targets  # or those of the first good record
        look = InOrder(self._features)

        def attempt(t: int) -> None:
            nonlocal names
            own = names or _sorted(_named(ys[t]))
            _refuse_large(own, np.array([_row(_named(ys[t]), own, t)]))
            look(with_calendar(xs[t], self.timestamp, t))
            names = own

        return faults(attempt, len(xs))

    def _learn_values(
        self, names: list, values: np.ndarray, xs: Sequence[dict] | None
    ) -> list[list[np.ndarray]]:
        if self._targets and names != self._targets:
            raise BadRecord(f"targets {names} are not those of the first record, {self._targets}")
        _refuse_large(names, values)
        at, season = self._look_at_times(xs, self._series[0].count if self._series else 0)
        if xs is None:
            rows = np.full((len(values), len(self._features)), nan)
        else:
            plain = [with_calendar(x, self.timestamp, t) for t, x in enumerate(xs)]
            rows, widths = self._features.encode(plain, [len(names)] * len(plain))
            parts = stretches(widths, at=at)
            if len(parts) > 1:  # one after another between which no input is new
                return _joined([self._learn_values(names, values[a:b], xs[a:b]) for a, b in parts])
            self._features.learn(rows, values)
            self._features.extend(rows.shape[1])
        self._begin(names)
        outs = self._learn_pieces(values, rows)
        if len(values):
            self._expect(xs or (), season)
        return outs

    def _learn_pieces(self, values: np.ndarray, rows: np.ndarray) -> list[list[np.ndarray]]:
        """Take in records between which no input is new; the model may react to drift."""
        if self._monitor is None or not len(values):
            return self._learn_stretch(values, rows)
        outs = []
        for piece in self._pieces(len(values)):
            outs.append(self._learn_stretch(values[piece], rows[piece]))
            made = np.column_stack([out[0][:, MEDIAN] for out in outs[-1]])
            self._watch(abs(made - values[piece]), [str(name) for name in self._targets])
        return _joined(outs)

    def _begin(self, names: list) -> None:
        """The first record says which targets there are."""
        if not self._targets:
            self._targets, self._cross = names, cross.allocate(len(names))

    def _learn_stretch(self, values: np.ndarray, rows: np.ndarray) -> list[list[np.ndarray]]:
        """Take in records between which no input is new."""
        C = len(self._targets)
        moves = np.empty((len(values), C, 2 * (C - 1)))
        cross.observe(self._cross, values, moves)
        width = moves.shape[2] + rows.shape[1]
        if not self._series:
            self._series = [self._new_series(width, c) for c in range(C)]
        outs = []
        for c, one in enumerate(self._series):
            if width > one.inputs:
                one.grow(width)
            inputs = np.ascontiguousarray(np.hstack([moves[:, c], rows]))
            outs.append(one.run(np.ascontiguousarray(values[:, c]), inputs))
        return outs

    # StreamEstimator --------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = {"cross": self._cross.state.copy()}
        for c, one in enumerate(self._series):
            arrays |= {f"{c}.{name}": array.copy() for name, array in one.arrays().items()}
        return self._snapshot(arrays, {"targets": saved(self._targets)})

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


def _named(y: Any) -> dict:
    return y if isinstance(y, dict) else {ALONE: y}


def _sorted(y: dict) -> list:
    """The names of the targets, by the first record; raises `BadRecord` if it has none."""
    if not y:
        raise BadRecord("the first record names no target; it says which targets there are")
    return sorted(y, key=str)


def _row(y: dict, names: list, index: int) -> list[float]:
    """The values of the targets *names*, NaN where missing; raises `BadRecord`."""
    unknown = [name for name in y if name not in names]
    if unknown:
        raise BadRecord(
            f"target {unknown[0]!r} is not among those of the first record, {names}; "
            "give it as an exogenous input or start a new model",
            index,
        )
    return [number(y.get(name), index, name) for name in names]


def _refuse_large(names: list, values: np.ndarray) -> None:
    """Raise `BadRecord` for the first record with a target whose squares are not finite."""
    large = np.argwhere(np.abs(values) > LARGEST)
    if len(large):
        t, c = large[0].tolist()
        raise BadRecord(
            f"target {names[c]!r}: {float(values[t, c])!r} is beyond ±{LARGEST:g}; "
            "give it in larger units, or None if it is missing",
            t,
        )


def _joined(outs: list[list[list[np.ndarray]]]) -> list[list[np.ndarray]]:
    """The parts of each target and horizon end to end."""
    return [
        [np.concatenate(made) for made in zip(*parts, strict=True)]
        for parts in zip(*outs, strict=True)
    ]


def _plain(value: float) -> float | None:
    return None if value != value else float(value)
