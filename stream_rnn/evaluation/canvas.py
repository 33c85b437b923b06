"""What the pictures share (`pip install 'stream-rnn[plot]'`): figure, colours, axes."""

import os
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from io import BytesIO
from typing import Any

from ..errors import ConfigError

NEEDED = "drawing needs matplotlib; install it with: pip install 'stream-rnn[plot]'"
MODEL, TRUTH, OTHER, THIRD, ALARM = "#0b6e99", "#333333", "#c2703d", "#7a9e3f", "#b3261e"

Path = str | os.PathLike[str]


def check(path: Path) -> None:
    """Raise what drawing to *path* would raise, before there is anything to draw."""
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


def figure(width: float, height: float) -> Any:
    """An empty figure, which a notebook shows; raises `ImportError`, naming the remedy."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(NEEDED) from error
    made = _picture(Figure)(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


@cache
def _picture(kind: Any) -> Any:
    """The class of figures that show themselves without pyplot."""

    class Picture(kind):  # type: ignore[misc]
        def _repr_png_(self) -> bytes:
            data = BytesIO()
            self.savefig(data, format="png", dpi=100)
            return data.getvalue()

    return Picture


def written(made: Any, path: Path | None) -> Any:
    """*made*, after it was written to *path*, if that is given; the suffix tells the format."""
    if path is not None:
        made.savefig(path, dpi=120)
    return made


def on_the_wall(moments: Sequence[Any]) -> list[Any]:
    """Times by the clock of their own zone, which is what a reader expects on an axis."""
    return [t.replace(tzinfo=None) if isinstance(t, datetime) else t for t in moments]


def plain(axis: Any, legend: bool = True) -> None:
    """Few lines around, and the legend in line with the title, where nothing is drawn."""
    if legend:
        axis.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=6, frameon=False, borderaxespad=0,
            columnspacing=1.5, handlelength=1.6,
        )  # fmt: skip
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.grid(alpha=0.25)


def dates(axis: Any, moments: Sequence[Any]) -> None:
    """Short dates below the axis, where *moments* are dates."""
    if moments and isinstance(moments[0], date):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
