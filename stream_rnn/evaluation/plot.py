"""Pictures for people (`pip install 'stream-rnn[plot]'`): of an evaluation, a forecast, a text."""

from typing import Any

from ..estimators.text import TextPredictor
from . import plot_evaluation, plot_forecast, plot_text
from .canvas import Path, check, written
from .evaluate import Evaluation
from .rolling import CrossValidation


def plot(what: Any, *more: Any, path: Path | None = None, **options: Any) -> Any:
    """Draw *what*; a notebook shows the figure, *path* gets it as a file (.png, .svg, .pdf).

    ``plot(forecast, history)``
        a frame that `FrameForecaster.forecast` gave, after the frame that was learned; with
        ``past=`` the number of its last values, and ``target=`` its column of values.
    ``plot(cross_validation)``
        the forecasts of every origin over the truth, and the error by the steps ahead.
    ``plot(evaluation)``
        what `evaluate` found: truth, prediction and interval of the last records, and the
        error over time beside that of the baselines.
    ``plot(text_predictor, text)``
        the text, coloured by how surprising each symbol is; the predictor learns nothing.

    Raises `ImportError`, naming the remedy, without matplotlib.

    >>> import pandas as pd
    >>> from stream_rnn import FrameForecaster, plot
    >>> days = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": range(30)})
    >>> drawn = plot(FrameForecaster().learn(days).forecast(7), days)
    >>> drawn.axes[0].get_title("left")
    'y'
    """
    if isinstance(what, Evaluation):
        drawn = plot_evaluation.draw(what, *more, **options)
    elif isinstance(what, CrossValidation):
        drawn = plot_forecast.draw_rolling(what, *more, **options)
    elif isinstance(what, TextPredictor):
        drawn = plot_text.draw(what, *more, **options)
    else:
        drawn = plot_forecast.draw(what, *more, **options)
    return written(drawn, path)


__all__ = ["check", "plot"]
