"""Forecasts from a rolling origin: what a forecaster would have said, day after day.

Tashman 2000 (*Out-of-sample tests of forecasting accuracy*).  The model is not fitted anew at
each origin, for it learns every value as it comes.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw

from ..estimators import dated_frames
from ..estimators.dated_frames import Frame, Row
from ..estimators.dated_layout import Layout
from ..estimators.dated_rows import grouped
from ..estimators.forecast_columns import FORECAST, bound, columns
from ..estimators.frame_forecaster import FrameForecaster
from ..estimators.saving import dumps, loads
from ..estimators.series_records import checked_levels
from ..features.spacing import instant

CUTOFF, AHEAD = "cutoff", "horizon"


class Made(NamedTuple):
    """One forecast of one value."""

    key: Any
    time: Any
    cutoff: Any
    ahead: int
    truth: float
    forecast: Any  # `Prediction` with bounds for each level
    scale: float  # the mean error of the (seasonal) last value, before the first origin


class CrossValidation:
    """Forecasts from several origins beside the truth.

    ``frame`` has a row for each: the id, the time, ``cutoff`` (the last time that was known),
    ``horizon`` (how many steps ahead), the target, ``forecast`` and its bounds.
    """

    def __init__(self, made: Sequence[Made], layout: Layout, levels: Sequence[float]):
        self.made, self.layout, self.levels = tuple(made), layout, tuple(levels)

    @property
    def frame(self) -> Frame:
        """All forecasts, in a frame of the library that the data came in."""
        layout, made = self.layout, self.made
        ahead = nw.new_series(AHEAD, [one.ahead for one in made], backend=layout.backend)
        parts: dict[str, Any] = {
            CUTOFF: dated_frames.time_column(layout, CUTOFF, [one.cutoff for one in made]),
            AHEAD: ahead,
            layout.target: [one.truth for one in made],
        }
        parts |= columns([one.forecast for one in made], self.levels)
        keys, moments = [one.key for one in made], [one.time for one in made]
        return dated_frames.made(layout, keys, moments, parts)

    def scores(self, by: str | None = None) -> Any:
        """MAE, RMSE, MASE and the coverage of each level; for each series or step with *by*.

        *by* is ``"horizon"`` or the column of the ids, and the answer a frame; else a dict.  MASE
        is the MAE over that of the last value, one season back, before the first origin (Hyndman
        & Koehler 2006); the coverage is the share of values within the bounds.

        >>> import pandas as pd
        >>> from stream_rnn import FrameForecaster, cross_validate
        >>> days = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60)})
        >>> days["y"] = [float(n % 7) for n in range(60)]
        >>> found = cross_validate(FrameForecaster(), days, horizon=3, origins=4)
        >>> sorted(found.scores()), bool(found.scores()["mase"] < 1)
        (['count', 'coverage-90', 'mae', 'mase', 'rmse'], True)
        """
        if by is None:
            return _scores(self.made, self.levels)
        if by not in (AHEAD, self.layout.id):
            known = [AHEAD] if self.layout.id is None else [AHEAD, self.layout.id]
            raise ValueError(f"by = {by!r}: choose {' or '.join(map(repr, known))}")
        groups: dict[Any, list[Made]] = {}
        for one in self.made:
            groups.setdefault(one.ahead if by == AHEAD else one.key, []).append(one)
        rows = [{by: name, **_scores(group, self.levels)} for name, group in groups.items()]
        table = {name: [row[name] for row in rows] for name in rows[0]}
        return nw.from_dict(table, backend=self.layout.backend).to_native()

    def __repr__(self) -> str:
        found = self.scores()
        shown = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        return f"CrossValidation({shown})"


def cross_validate(
    model: FrameForecaster,
    frame: Frame,
    horizon: int = 1,
    *,
    origins: int = 10,
    step: int | None = None,
    level: float | Sequence[float] | None = None,
    season: int = 1,
    known_inputs: bool = False,
) -> CrossValidation:
    """Forecast *frame* from several origins, each with what was known until then.

    Args:
        model: what learns and forecasts; it is not changed.
        horizon: steps that each origin forecasts.
        origins: how many; the last is *horizon* values before the end of its series.
        step: values between two origins; *horizon* if None.
        level: of the bounds, see `FrameForecaster.forecast`.
        season: values in a season, for MASE.
        known_inputs: whether the exogenous inputs of the steps ahead are known by then, as those
            of a calendar are; else the last ones stay.

    Raises `ValueError` for a series that is too short.

    >>> import pandas as pd
    >>> from stream_rnn import FrameForecaster, cross_validate
    >>> days = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60)})
    >>> days["y"] = [float(n % 7) for n in range(60)]
    >>> found = cross_validate(FrameForecaster(), days, horizon=7, origins=2).frame
    >>> [str(day.date()) for day in found["cutoff"].unique()], len(found)
    (['2024-02-15', '2024-02-22'], 14)
    """
    if horizon < 1 or origins < 1 or (step is not None and step < 1):
        raise ValueError(f"horizon {horizon}, origins {origins}, step {step}: give 1 or more")
    given: Any = model
    model = loads(dumps(given))
    rows = model.read(frame)
    assert model.layout is not None
    levels = checked_levels(model.level if level is None else level)
    step = horizon if step is None else step
    made: list[Made] = []
    for key, group in grouped(rows).items():
        first = len(group) - horizon - (origins - 1) * step
        if first < 2:
            raise ValueError(
                f"{model.layout.named(key)}{len(group)} values are too few for {origins} origins, "
                f"{step} apart, of {horizon} steps; {horizon + (origins - 1) * step + 2} are enough"
            )
        scale = _naive_error([row.y for row in group[:first]], season)
        ends = range(first, len(group) - horizon + 1, step)
        made += _of_series(model, key, group, ends, horizon, levels, scale, known_inputs)
    return CrossValidation(made, model.layout, levels)


def _of_series(
    model: FrameForecaster,
    key: Any,
    rows: Sequence[Row],
    ends: Sequence[int],
    horizon: int,
    levels: Sequence[float],
    scale: float,
    known_inputs: bool,
) -> list[Made]:
    """Learn one series up to each of the *ends*, and forecast from there."""
    counted = rows[0].time is None
    truths = {(n if counted else instant(row.time)): row for n, row in enumerate(rows)}
    made, learned = [], 0
    for end in ends:
        model.learn_rows(rows[learned:end])
        learned = end
        inputs = {key: _inputs(rows[end:], counted)} if known_inputs else None
        moments, forecasts = model.forecast_of(key, horizon, levels, inputs)
        cutoff = end - 1 if counted else rows[end - 1].time
        for ahead, (time, forecast) in enumerate(zip(moments, forecasts, strict=True), 1):
            row = truths.get(time if counted else instant(time))
            truth = math.nan if row is None or row.y is None else float(row.y)
            made.append(Made(key, time, cutoff, ahead, truth, forecast, scale))
    return made


def _inputs(rows: Sequence[Row], counted: bool) -> dict[Any, dict[str, Any]]:
    return {(n if counted else instant(row.time)): row.x for n, row in enumerate(rows)}


def _naive_error(ys: Sequence[Any], season: int) -> float:
    """Mean |y_t − y_{t − season}|; NaN where there is none, or where it is 0."""
    steps = [
        abs(float(y) - float(x)) for x, y in zip(ys, ys[season:]) if x is not None and y is not None
    ]
    mean = sum(steps) / len(steps) if steps else 0.0
    return mean or math.nan


def _scores(made: Sequence[Made], levels: Sequence[float]) -> dict[str, float]:
    known = [one for one in made if one.truth == one.truth]
    count = len(known)
    if not count:
        return dict.fromkeys(("mae", "rmse", "mase"), math.nan) | {"count": 0}
    errors = [abs(one.truth - one.forecast.point) for one in known]
    scaled = [e / one.scale for e, one in zip(errors, known) if one.scale == one.scale]
    found = {
        "count": count,
        "mae": sum(errors) / count,
        "rmse": math.sqrt(sum(e * e for e in errors) / count),
        "mase": sum(scaled) / len(scaled) if scaled else math.nan,
    }
    for n, share in enumerate(levels):
        inside = sum(one.forecast.lower[n] <= one.truth <= one.forecast.upper[n] for one in known)
        found[bound(share, "lo").replace(f"{FORECAST}-lo", "coverage")] = inside / count
    return found
