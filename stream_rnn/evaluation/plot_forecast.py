"""Pictures of forecasts: what was, what is to come, and how sure that is."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..estimators import dated_frames
from ..estimators.dated_frames import Frame, Row
from ..estimators.dated_layout import layout_of
from ..estimators.dated_rows import grouped
from ..estimators.forecast_columns import FORECAST
from .canvas import MODEL, TRUTH, dates, figure, on_the_wall, plain
from .rolling import AHEAD, CrossValidation, Made

MOST = 9  # series in a picture
_LOWER = re.compile(rf"{FORECAST}-lo-(?P<percent>[\d.]+)")


def draw(
    forecast: Frame, history: Frame = None, *, target: str | None = None, past: int | None = None
) -> Any:
    """What `FrameForecaster.forecast` gave, after the *history* that was learned.

    *target* is the column of the values in the history, if it is not found; *past* how many of
    the last ones are drawn, by default four times as many as there are forecasts.
    """
    opened, in_index = dated_frames.opened(forecast)
    names = list(opened.columns)
    if FORECAST not in names:
        raise ConfigError(
            f"plot: the frame has no column {FORECAST!r}; give what FrameForecaster.forecast gave"
        )
    *id, time = names[: names.index(FORECAST)]
    key = id[0] if id else None
    layout = layout_of(opened, in_index, key, time, FORECAST)
    ahead = grouped(dated_frames.rows_of(opened, layout))
    before: dict[Any, list[Row]] = {}
    name = target or ""
    if history is not None:
        old, old_index = dated_frames.opened(history)
        when = time if time in old.columns else None
        of_old = layout_of(old, old_index, key, when, target)
        before, name = grouped(dated_frames.rows_of(old, of_old)), of_old.target
    axes, made = _axes(len(ahead))
    for axis, (series, rows) in zip(axes, ahead.items()):
        _draw_series(axis, before.get(series, []), rows, past or max(20, 4 * len(rows)))
        of_series = "" if key is None else f"{key} = {series}"
        axis.set_title(", ".join(filter(None, (name, of_series))), loc="left")
        axis.set_ylabel(name)
    return made


def _axes(count: int) -> tuple[list[Any], Any]:
    """Axes one below the other, at most `MOST`, and their figure."""
    shown = min(count, MOST)
    made = figure(9, 3.2 if shown == 1 else 2.4 * shown)
    if count > MOST:
        made.suptitle(f"The first {MOST} of {count:,} series", x=0.01, ha="left")
    return list(made.subplots(shown, 1, squeeze=False)[:, 0]), made


def _draw_series(axis: Any, before: Sequence[Row], ahead: Sequence[Row], past: int) -> None:
    """The last values of one series and its forecasts, joined."""
    before = before[-past:]
    ys = [np.nan if row.y is None else float(row.y) for row in before]
    counted = bool(before) and before[0].time is None
    times = [row.time for row in ahead]
    old = [times[0] - len(ys) + n for n in range(len(ys))] if counted else [r.time for r in before]
    axis.plot(on_the_wall(old), ys, color=TRUTH, lw=1.2, label="truth")
    points = [float(row.y) for row in ahead]
    at, line = times, points
    if ys and ys[-1] == ys[-1]:
        at, line = [old[-1], *times], [ys[-1], *points]
    axis.plot(on_the_wall(at), line, color=MODEL, lw=1.6, label="forecast")
    _bands(axis, on_the_wall(times), {name: [row.x[name] for row in ahead] for name in ahead[0].x})
    plain(axis)
    dates(axis, on_the_wall(times))


def _bands(axis: Any, at: Sequence[Any], columns: dict[str, Sequence[float]]) -> None:
    """The intervals, the widest first and the palest."""
    levels = sorted((m["percent"] for n in columns if (m := _LOWER.fullmatch(n))), key=float)
    for n, percent in enumerate(reversed(levels)):
        lower, upper = (columns[f"{FORECAST}-{side}-{percent}"] for side in ("lo", "hi"))
        alpha = 0.15 + 0.12 * n
        axis.fill_between(at, lower, upper, color=MODEL, alpha=alpha, lw=0, label=f"{percent} %")


def draw_rolling(found: CrossValidation) -> Any:
    """The forecasts of every origin over the truth, and the error by the steps ahead."""
    groups: dict[Any, list[Made]] = {}
    for one in found.made:
        groups.setdefault(one.key, []).append(one)
    shown = list(groups.items())[: MOST - 1]
    made = figure(9, 2.4 * (len(shown) + 1) if len(shown) > 1 else 6)
    *axes, last = made.subplots(len(shown) + 1, 1, squeeze=False)[:, 0]
    name = found.layout.target
    for axis, (key, group) in zip(axes, shown):
        _draw_origins(axis, found, group)
        of_series = "" if found.layout.id is None else f"{found.layout.id} = {key}"
        axis.set_title(", ".join(filter(None, (name, of_series))), loc="left")
        axis.set_ylabel(name)
    _draw_steps(last, found)
    return made


def _draw_origins(axis: Any, found: CrossValidation, group: Sequence[Made]) -> None:
    """The truth, and from each origin a line."""
    truth = {one.time: one.truth for one in group}
    times = sorted(truth)
    axis.plot(on_the_wall(times), [truth[t] for t in times], color=TRUTH, lw=1.2, label="truth")
    origins: dict[Any, list[Made]] = {}
    for one in group:
        origins.setdefault(one.cutoff, []).append(one)
    widest = len(found.levels) - 1
    for n, part in enumerate(origins.values()):
        at = on_the_wall([one.time for one in part])
        label = f"forecasts from {len(origins)} origins" if n == 0 else None
        mark = "." if len(part) == 1 else None
        points = [one.forecast.point for one in part]
        axis.plot(at, points, color=MODEL, lw=1.4, marker=mark, label=label)
        lower, upper = ([getattr(one.forecast, s)[widest] for one in part] for s in SIDES)
        said = f"{100 * found.levels[widest]:g} %" if n == 0 else None
        axis.fill_between(at, lower, upper, color=MODEL, alpha=0.2, lw=0, label=said)
    plain(axis)
    dates(axis, on_the_wall(times))


def _draw_steps(axis: Any, found: CrossValidation) -> None:
    """The mean absolute error of each step ahead."""
    steps: dict[int, list[float]] = {}
    for one in found.made:
        if one.truth == one.truth:
            steps.setdefault(one.ahead, []).append(abs(one.truth - one.forecast.point))
    ahead = sorted(steps)
    axis.bar(ahead, [float(np.mean(steps[k])) for k in ahead], color=MODEL, width=0.7)
    axis.set_title("Mean absolute error", loc="left")
    axis.set_xlabel(f"{AHEAD}: steps ahead")
    plain(axis, legend=False)


SIDES = ("lower", "upper")
