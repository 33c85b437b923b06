"""Pictures of an evaluation: the last records, and the error over time."""

import math
from typing import Any

from connectors import times
from connectors.day_first import find_day_first

from .baselines import RunningMean
from .canvas import MODEL, OTHER, THIRD, TRUTH, dates, figure, on_the_wall, plain
from .evaluate import Evaluation

MEASURES = {
    "classification": "Share of wrong classes",
    "text prediction": "Bits per symbol",
    "anomaly detection": "Mean score",
}
MEMBERS = 6  # whose weights are drawn
BOUNDS = ("prediction_lower", "prediction_upper")


def draw(evaluation: Evaluation) -> Any:
    """Truth, prediction (with its interval, if any), the error and the weights over time."""
    panels = [_draw_recent] if evaluation.task == "regression" else []
    panels.append(_draw_errors)
    if len(evaluation.weights.records) > 1:
        panels.append(_draw_weights)
    made = figure(9, 1 + 2.5 * len(panels))
    axes = made.subplots(len(panels), 1, squeeze=False)[:, 0]
    for panel, axis in zip(panels, axes, strict=True):
        panel(axis, evaluation)
    if evaluation.source:
        made.suptitle(evaluation.source, x=0.01, ha="left")
    return made


def _draw_recent(axis: Any, evaluation: Evaluation) -> None:
    """The last records: truth against prediction."""
    rows = evaluation.recent
    at = _places(evaluation)
    axis.plot(at, [row["target"] for row in rows], color=TRUTH, lw=1.2, label="truth")
    predictions = [math.nan if row["prediction"] is None else row["prediction"] for row in rows]
    if len(rows) == evaluation.scored:
        predictions[0] = math.nan  # nothing was learned yet
    axis.plot(at, predictions, color=MODEL, lw=1.2, label=evaluation.model)
    if all(side in row for row in rows for side in BOUNDS):
        lower, upper = (
            [math.nan if row[side] is None else row[side] for row in rows] for side in BOUNDS
        )
        said = interval_said(rows, evaluation.level)
        axis.fill_between(at, lower, upper, color=MODEL, alpha=0.2, lw=0, label=said)
    names = ", ".join(map(str, evaluation.targets))
    axis.set_title(f"{names or 'Target'}, the last {len(rows)} records", loc="left")
    axis.set_ylabel(names)
    axis.set_xlabel("record" if evaluation.time is None else evaluation.time)
    plain(axis)
    dates(axis, at)


def interval_said(rows: list[dict[str, Any]], level: float | None) -> str:
    """What the legend says of an interval: its level, and the share of truths that it holds.

    >>> rows = [{"target": y, "prediction_lower": 0.0, "prediction_upper": 1.0} for y in (0, 3)]
    >>> interval_said(rows, 0.9)
    '90 % interval, holds 50 %'
    """
    known = [row for row in rows if None not in (row["target"], *(row[side] for side in BOUNDS))]
    name = "interval" if level is None else f"{100 * level:g} % interval"
    if not known:
        return name
    held = sum(row[BOUNDS[0]] <= row["target"] <= row[BOUNDS[1]] for row in known)
    return f"{name}, holds {held / len(known):.0%}".replace("%", " %").replace("  %", " %")


def _places(evaluation: Evaluation) -> list[Any]:
    """Where the recent rows are on the axis: by their times, or else by their numbers."""
    rows = evaluation.recent
    if evaluation.time is not None:
        values = [row[evaluation.time] for row in rows]
        day_first = find_day_first(values)
        try:
            return on_the_wall([times.read(value, day_first) for value in values])
        except times.NotATime:
            pass
    return list(range(evaluation.scored - len(rows), evaluation.scored))


def _draw_errors(axis: Any, evaluation: Evaluation) -> None:
    """Error in blocks of records: the model against each baseline."""
    size = 1
    # The running mean is too bad on most streams to share a scale with.
    curves = [(name, c) for name, c in evaluation.curves.items() if name != RunningMean.name]
    for (name, curve), colour in zip(curves, (MODEL, OTHER, THIRD)):
        blocks = _smoothed(curve.blocks)
        size = curve.size * max(1, len(curve.blocks) // max(1, len(blocks)))
        middle = [(i + 0.5) * size for i in range(len(blocks))]
        width = 1.8 if name == evaluation.model else 1.2
        axis.plot(middle, blocks, color=colour, lw=width, label=name)
    what = MEASURES.get(evaluation.task, "Mean absolute error")
    names = ", ".join(map(str, evaluation.targets))
    of = f" of {names}" if names and evaluation.task not in MEASURES else ""
    every = f", every {size} records" if size > 1 else ""
    axis.set_title(f"{what}{of}{every}", loc="left")
    axis.set_xlabel("record")
    axis.set_ylim(bottom=0)
    plain(axis)


def _draw_weights(axis: Any, evaluation: Evaluation) -> None:
    """How much the members that ever counted most did count."""
    curves = evaluation.weights
    for name in curves.largest(MEMBERS):
        axis.plot(curves.records, curves.weights[name], lw=1.2, label=name)
    axis.set_title("Weights", loc="left")
    axis.set_xlabel("record")
    axis.set_ylim(bottom=0)
    plain(axis)


def _smoothed(blocks: list[float], points: int = 30) -> list[float]:
    """Means over neighbours, so that at most 2 · *points* are left."""
    step = max(1, len(blocks) // points)
    full = len(blocks) - len(blocks) % step
    return [sum(blocks[i : i + step]) / step for i in range(0, full, step)]
