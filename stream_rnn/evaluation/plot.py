"""Pictures of an evaluation, for people (`pip install 'stream-rnn[plot]'`)."""

import math
import os
from typing import Any

from ..errors import ConfigError
from .baselines import RunningMean
from .evaluate import Evaluation

NEEDED = "drawing needs matplotlib; install it with: pip install 'stream-rnn[plot]'"
MODEL, TRUTH, OTHER = "#0b6e99", "#333333", "#c2703d"


def check(path: str | os.PathLike[str]) -> None:
    """Raise what `plot` would raise, before there is anything to draw."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        raise ImportError(NEEDED) from error
    suffix = os.path.splitext(path)[1].removeprefix(".")
    known = FigureCanvasAgg.get_supported_filetypes()
    if suffix not in known:
        raise ConfigError(f"--plot {os.fspath(path)}: give it an ending such as .png, .svg or .pdf")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ConfigError(f"--plot {os.fspath(path)}: there is no folder {folder}")


def plot(evaluation: Evaluation, path: str | os.PathLike[str]) -> None:
    """Draw truth, prediction (with its interval, if any) and the error over time to *path*.

    The suffix of *path* tells the format (png, svg, pdf).  Raises `ImportError`, naming the
    remedy, without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(NEEDED) from error
    numbers = evaluation.task == "regression"
    figure = Figure(figsize=(9, 6 if numbers else 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 if numbers else 1, 1, squeeze=False)[:, 0]
    if numbers:
        _draw_recent(axes[0], evaluation)
    _draw_errors(axes[-1], evaluation)
    figure.savefig(path, dpi=120)


def _draw_recent(axis: Any, evaluation: Evaluation) -> None:
    """The last records: truth against prediction."""
    rows = evaluation.recent
    at = range(evaluation.scored - len(rows), evaluation.scored)
    axis.plot(at, [row["target"] for row in rows], color=TRUTH, lw=1.2, label="truth")
    predictions = [math.nan if row["prediction"] is None else row["prediction"] for row in rows]
    if len(rows) == evaluation.scored:
        predictions[0] = math.nan  # nothing was learned yet
    axis.plot(at, predictions, color=MODEL, lw=1.2, label=f"{evaluation.model}, before learning")
    bounds = ("prediction_lower", "prediction_upper")
    if all(side in row for row in rows for side in bounds):
        lower, upper = (
            [math.nan if row[side] is None else row[side] for row in rows] for side in bounds
        )
        axis.fill_between(at, lower, upper, color=MODEL, alpha=0.2, lw=0, label="interval")
    axis.set_title(f"The last {len(rows)} records", loc="left")
    axis.set_xlabel("record")
    _plain(axis)


def _draw_errors(axis: Any, evaluation: Evaluation) -> None:
    """Error in blocks of records: the model against each baseline."""
    size = 1
    # The running mean is too bad on most streams to share a scale with.
    curves = [(name, c) for name, c in evaluation.curves.items() if name != RunningMean.name]
    for (name, curve), colour in zip(curves, (MODEL, OTHER, "#7a9e3f")):
        blocks = _smoothed(curve.blocks)
        size = curve.size * max(1, len(curve.blocks) // max(1, len(blocks)))
        middle = [(i + 0.5) * size for i in range(len(blocks))]
        width = 1.8 if name == evaluation.model else 1.2
        axis.plot(middle, blocks, color=colour, lw=width, label=name)
    classes = evaluation.task == "classification"
    what = "Share of wrong classes" if classes else "Mean absolute error"
    axis.set_title(f"{what}, every {size} records", loc="left")
    axis.set_xlabel("record")
    axis.set_ylim(bottom=0)
    _plain(axis)


def _smoothed(blocks: list[float], points: int = 30) -> list[float]:
    """Means over neighbours, so that at most 2 · *points* are left."""
    step = max(1, len(blocks) // points)
    full = len(blocks) - len(blocks) % step
    return [sum(blocks[i : i + step]) / step for i in range(0, full, step)]


def _plain(axis: Any) -> None:
    """Few lines around, and the legend in line with the title, where nothing is drawn."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, borderaxespad=0)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.grid(alpha=0.25)
