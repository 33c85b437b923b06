"""Running error measures of one predictor, river's where river has them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.markup import escape
from rich.table import Table
from river import metrics

LEAST = 1e-15  # a probability below it counts as this, so that one error stays finite


class LogLoss(metrics.CrossEntropy):
    """Mean of -ln p(class that came).

    Unlike its parent it does not forgive a class that was given no probability.

    >>> loss = LogLoss()
    >>> loss.update("a", {"a": 0.5, "b": 0.5})
    >>> round(loss.get(), 4)
    0.6931
    """

    def _eval(self, y_true: Any, y_pred: dict[Any, float]) -> float:
        return -math.log(max(y_pred.get(y_true, 0.0), LEAST))


class Score(NamedTuple):
    """The errors of one predictor over the stream, from the first record."""

    name: str
    values: dict[str, float]


def score_table(scores: Sequence[Score], title: str) -> Table:
    """*scores* as a table for rich, the best of each column in bold."""
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("")
    columns = list(scores[0].values)
    for column in columns:
        table.add_column("R²" if column == "R2" else column, justify="right")
    best = {column: _best([score.values[column] for score in scores], column) for column in columns}
    for score in scores:
        cells = [
            f"[bold]{value:.4g}[/bold]" if value == best[name] else f"{value:.4g}"
            for name, value in score.values.items()
        ]
        table.add_row(escape(score.name), *cells)
    return table


def _best(values: list[float], column: str) -> float:
    return max(values) if column in ("R2", "accuracy", "entity F1") else min(values)


class RegressionScorer:
    """MAE, RMSE and R² of one target.

    >>> scorer = RegressionScorer("model")
    >>> scorer.update(2.0, 1.5)
    0.5
    >>> scorer.score()
    Score(name='model', values={'MAE': 0.5, 'RMSE': 0.5, 'R2': 0.0})
    """

    def __init__(self, name: str):
        self.name = name
        self._metrics: dict[str, Any] = {
            "MAE": metrics.MAE(),
            "RMSE": metrics.RMSE(),
            "R2": metrics.R2(),
        }

    def update(self, truth: Any, prediction: Any) -> float:
        """Count one prediction; its absolute error."""
        for metric in self._metrics.values():
            metric.update(truth, prediction)
        return abs(truth - prediction)

    def score(self) -> Score:
        return Score(self.name, {name: metric.get() for name, metric in self._metrics.items()})


class MultiTargetScorer(RegressionScorer):
    """MAE and RMSE over all targets together, R² averaged over them.

    A target that was not predicted counts as 0; one that is not known is left out.
    """

    def __init__(self, name: str):
        self.name = name
        self._metrics = {
            "MAE": metrics.multioutput.MicroAverage(metrics.MAE()),
            "RMSE": metrics.multioutput.MicroAverage(metrics.RMSE()),
            "R2": metrics.multioutput.MacroAverage(metrics.R2()),
        }

    def update(self, truth: dict[str, float], prediction: dict[str, float]) -> float:
        """Count one prediction; the mean of its absolute errors."""
        known = {name: y for name, y in truth.items() if y is not None and y == y}
        filled = {name: prediction.get(name) or 0.0 for name in known}  # None before the first
        for metric in self._metrics.values():
            metric.update(known, filled)
        return sum(abs(known[name] - filled[name]) for name in known) / len(known)


class ClassScorer:
    """Accuracy and log-loss of predicted class probabilities.

    >>> scorer = ClassScorer("model")
    >>> scorer.update("a", {"a": 0.75, "b": 0.25})
    0.0
    >>> scorer.update("b", {"a": 0.75, "b": 0.25})
    1.0
    >>> scorer.score().values["accuracy"]
    0.5
    """

    def __init__(self, name: str):
        self.name = name
        self._accuracy, self._log_loss = metrics.Accuracy(), LogLoss()

    def update(self, truth: Any, probabilities: dict[Any, float]) -> float:
        """Count one prediction; 0.0 if the likeliest class came, else 1.0."""
        best = max(probabilities, key=probabilities.__getitem__) if probabilities else None
        self._accuracy.update(truth, best)
        self._log_loss.update(truth, probabilities)
        return float(best != truth)

    def score(self) -> Score:
        """Accuracy and mean log-loss."""
        return Score(
            self.name, {"accuracy": self._accuracy.get(), "log-loss": self._log_loss.get()}
        )
