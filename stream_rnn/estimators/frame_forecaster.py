"""Forecasts of data frames: dates and names in, dates and names out."""

from collections.abc import Sequence
from typing import Any

from ..errors import CheckpointError, ConfigError
from ..numerics.trees import below
from . import dated_frames, dated_rows, future_inputs, series_clock
from .dated_frames import Frame, Row
from .dated_layout import Layout, layout_of
from .dated_rows import Clocks
from .forecast_columns import columns
from .forecaster import RecurrentForecaster
from .keyed.estimator import Keyed
from .protocol import Snapshot
from .saving import Savable
from .series_records import checked_levels


class FrameForecaster(Savable):
    """A forecaster of pandas, Polars or PyArrow frames, of one series or of many.

    `learn` takes a frame with a row for each value; `forecast` gives one of the same library,
    with the dates that follow, the ids, and the bounds for each level.  Other columns than
    those named below are exogenous inputs.  The dates' spacing is found: months by their day
    or their end, days and working days by the clock of their own zone, shorter steps by time
    that passes; where values are missing in between, they are imputed, as many as the spacing
    says, so that a season stays in step.  Pauses within a day, such as nights without trade, are
    not told from what is missing: leave the time out, or say ``fill=False``, where there are some.

    Parameters
    ----------
    estimator
        A `RecurrentForecaster` (the default), or a `Keyed` one with ``share="nothing"``; it may
        have learned, in a service for instance.  With an id each series has a model of its own.
    id
        The column that says whose the value is; ``"unique_id"`` if there is one.
    time
        The column with the times; ``"ds"`` if there is one, the index of pandas if it has dates,
        or the only column of dates.  Without one the values are counted.
    target
        The column of the values; ``"y"`` if there is one, or the only column of numbers.
    calendar
        Whether time of day and of week are inputs; if None, only where the estimator has learned
        so before.
    fill
        Whether missing values between two times are imputed.

    Examples
    --------
    >>> import pandas as pd
    >>> from stream_rnn import FrameForecaster
    >>> sales = pd.DataFrame({"ds": pd.date_range("2015-01-31", periods=96, freq="ME")})
    >>> sales["y"] = [100 + month + 10 * (month % 12 == 11) for month in range(96)]
    >>> made = FrameForecaster().learn(sales).forecast(2, level=[80, 95])
    >>> list(made.columns[:3]), [str(date.date()) for date in made.ds]
    (['ds', 'forecast', 'forecast-lo-80'], ['2023-01-31', '2023-02-28'])
    >>> bool(abs(made.forecast - [196, 197]).max() < 3)
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        target: str | None = None,
        calendar: bool | None = None,
        fill: bool = True,
    ):
        self.estimator = RecurrentForecaster() if estimator is None else estimator
        self.id, self.time, self.target = id, time, target
        self.calendar, self.fill = calendar, fill
        if isinstance(self.estimator, Keyed) and self.id not in (None, self.estimator.key):
            raise ConfigError(f"id = {id!r}: the estimator's key is {self.estimator.key!r}")
        inner = self._template
        if not isinstance(inner, RecurrentForecaster):
            raise ConfigError(
                f"estimator: {type(inner).__name__} makes no forecasts of one series; "
                "give a RecurrentForecaster, or a Keyed one"
            )
        self._layout: Layout | None = None
        self._model: Any = self.estimator
        self._clocks: Clocks = {}

    @property
    def layout(self) -> Layout | None:
        """What the columns of its frames are; None before the first."""
        return self._layout

    @property
    def level(self) -> float:
        """The level of the bounds where none is asked for."""
        return float(self._template.level)

    @property
    def _template(self) -> Any:
        return self.estimator.estimator if isinstance(self.estimator, Keyed) else self.estimator

    # learning -----------------------------------------------------------------------------

    def learn(self, frame: Frame) -> "FrameForecaster":
        """Learn the values of *frame*, each series in order of time; returns the forecaster.

        A later frame continues the series.  Raises `ConfigError` for columns that are not
        there, and `BadRecord`, with nothing learned, for a value that cannot be.
        """
        self.learn_rows(self.read(frame))
        return self

    def read(self, frame: Frame) -> list[Row]:
        """The rows of *frame* by series, each series in order of time; nothing is learned."""
        opened, in_index = dated_frames.opened(frame)
        layout = self._layout or self._found(opened, in_index)
        rows = dated_frames.rows_of(opened, layout)
        dated_rows.check(rows, layout, self._clocks)
        dated_rows.check_values(rows, layout, self._template)
        self._begin(layout)
        return rows

    def learn_rows(self, rows: Sequence[Row]) -> None:
        """Learn rows of `read`, in their order."""
        assert self._layout is not None
        for part, season in dated_rows.parts(rows, self._clocks, self.fill):
            self._model.stream([self._record(row) for row in part], [row.y for row in part])
            if season > 0:
                self._of(part[-1].key, self._layout).expect_season(season)

    def _found(self, frame: Any, in_index: bool, *, known: bool = True) -> Layout:
        id = self.estimator.key if isinstance(self.estimator, Keyed) else self.id
        names = (id, self.time, self.target)
        return layout_of(frame, in_index, *names, known=known)

    def _begin(self, layout: Layout) -> None:
        """The first frame says what the columns are."""
        if self._layout is None:
            self._layout = layout
            if layout.id is not None and self._model is self._template:
                if self._template._series is not None:
                    raise ConfigError("estimator: it has learned one series; give a new one")
                self._model = Keyed(self._template, layout.id, share="nothing")

    def _record(self, row: Row) -> dict[str, Any]:
        """What the estimator is given of a *row*."""
        x = self._inputs(row)
        return {**x, self._model.key: row.key} if isinstance(self._model, Keyed) else x

    def _inputs(self, row: Row) -> dict[str, Any]:
        assert self._layout is not None
        if self._is_dated(row.key, self._layout):
            return {**row.x, self._template.timestamp: row.time}
        return row.x

    def _is_dated(self, key: Any, layout: Layout) -> bool:
        """Whether the time is an input."""
        if self.calendar is not None or layout.kind not in ("datetime", "date"):
            return bool(self.calendar) and layout.kind in ("datetime", "date")
        model: Any = self._model
        if isinstance(model, Keyed):
            entry = model.contexts.find(key)
            model = self._template if entry is None or entry.state is None else entry.state
        return any(str(name).startswith(f"{model.timestamp}.") for name in model._features.names)

    # forecasting --------------------------------------------------------------------------

    def forecast(
        self,
        horizon: int,
        level: float | Sequence[float] | None = None,
        *,
        future: Frame = None,
        after: Frame = None,
    ) -> Frame:
        """The next *horizon* values of each series, with their ids and dates.

        Columns: the id, the time, ``forecast``, and for each *level* (the estimator's, if None;
        several, in percent or as a share) ``forecast-lo-80`` and ``forecast-hi-80``.

        *future* has the exogenous inputs of those dates.  *after* are the last records that an
        estimator learned elsewhere, in a service for instance: only their ids and times are
        read, and the dates follow them.  Nothing changes.
        """
        if horizon < 1:
            raise ValueError(f"horizon is {horizon}; give 1 or more steps")
        levels = checked_levels(self.level if level is None else level)
        layout, clocks = self._layout, self._clocks
        if after is not None:
            layout, clocks = self._clocks_after(after)
        if layout is None or not clocks:
            raise ValueError("nothing was learned yet: learn a frame, or say what to be after=")
        usual = series_clock.usual_spacing(list(clocks.values()))
        inputs = None if future is None else future_inputs.read(future, layout)
        keys: list[Any] = []
        dates: list[Any] = []
        made: list[Any] = []
        for key, clock in clocks.items():
            moments = clock.next(horizon, usual)
            xs = self._ahead(inputs, layout, key, moments)
            made += self._of(key, layout).forecast(horizon, xs, levels)
            keys += [key] * horizon
            dates += moments
        return dated_frames.made(layout, keys, dates, columns(made, levels))

    def forecast_of(
        self, key: Any, horizon: int, levels: Sequence[float], inputs: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """The next times of one series, and a `Prediction` with bounds for each of the *levels*."""
        assert self._layout is not None
        moments = self._clocks[key].next(horizon)
        xs = self._ahead(inputs, self._layout, key, moments)
        return moments, self._of(key, self._layout).forecast(horizon, xs, levels)

    def _of(self, key: Any, layout: Layout) -> RecurrentForecaster:
        """The model of one series."""
        if not isinstance(self._model, Keyed):
            model: RecurrentForecaster = self._model
            return model
        entry = self._model.contexts.find(key)
        if entry is None or entry.state is None:
            raise ValueError(f"{layout.id} = {key!r}: no value of it was learned")
        state: RecurrentForecaster = entry.state
        return state

    def _clocks_after(self, frame: Frame) -> tuple[Layout, Clocks]:
        """Clocks of a *frame* that is not learned."""
        opened, in_index = dated_frames.opened(frame)
        layout = self._layout or self._found(opened, in_index, known=False)
        rows = dated_frames.rows_of(opened, layout, known=False)
        clocks: Clocks = {}
        for _ in dated_rows.clocked(rows, clocks):
            pass
        return layout, clocks

    def _ahead(
        self, inputs: Any, layout: Layout, key: Any, moments: Sequence[Any]
    ) -> list[dict[str, Any]] | None:
        """The inputs of the dates *moments*; None where the last ones stay."""
        dated = self._is_dated(key, layout)
        if inputs is None and not dated:
            return None
        xs: list[dict[str, Any]] = [{}] * len(moments)
        if inputs is not None:
            xs = future_inputs.ahead(inputs, layout, key, moments)
        if not dated:
            return xs
        return [{**x, self._template.timestamp: time} for x, time in zip(xs, moments, strict=True)]

    # state --------------------------------------------------------------------------------

    def learned_parts(self) -> dict[Any, RecurrentForecaster]:
        """The model of each series."""
        layout = self._layout
        return {} if layout is None else {key: self._of(key, layout) for key in self._clocks}

    def health(self) -> dict[str, float]:
        """Counters and gauges of the estimator."""
        report: dict[str, float] = self._model.health()
        return report

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        inner = self._model.snapshot()
        clocks = series_clock.to_arrays(self._clocks.values())
        arrays = {f"model.{name}": array for name, array in inner.arrays.items()}
        arrays |= {f"clock.{name}": array for name, array in clocks.items()}
        layout = None if self._layout is None else list(self._layout)
        meta = {"layout": layout, "keys": list(self._clocks), "model": inner.meta}
        return Snapshot(arrays, {"estimator": type(self).__name__, **meta})

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        if meta.get("estimator") != type(self).__name__:
            raise CheckpointError(f"the checkpoint is of {meta.get('estimator')}")
        if meta["layout"] is not None:
            names: list[Any] = [tuple(v) if isinstance(v, list) else v for v in meta["layout"]]
            layout = Layout(*names)
            zone = dated_frames.zone_of(layout)
            clocks = series_clock.from_arrays(below("clock.", snapshot.arrays), zone)
            self._begin(layout)
            self._clocks = dict(zip(meta["keys"], clocks, strict=True))
        self._model.restore(Snapshot(below("model.", snapshot.arrays), meta["model"]))
