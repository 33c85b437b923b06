"""Metrics of probabilistic prediction that river lacks: bits per symbol and perplexity."""

import math
from typing import Any

from river import metrics


class BitsPerSymbol(metrics.base.MultiClassMetric):
    """Mean of -log2 of the probability that the true label was given.

    river's `CrossEntropy` counts a label without a probability as free; here it costs
    -log2 of `floor`, unless the prediction has an entry for the unknown label, whose
    probability then counts.

    Parameters
    ----------
    floor
        Smallest probability counted.
    unknown
        The prediction's entry for labels it does not list.

    Examples
    --------
    >>> from stream_rnn.evaluation.river_metrics import BitsPerSymbol
    >>> metric = BitsPerSymbol()
    >>> metric.update("a", {"a": 0.5, "b": 0.5})
    >>> metric.update("b", {"a": 0.75, "<unk>": 0.25})
    >>> metric
    BitsPerSymbol: 1.5
    """

    _fmt = ".4g"

    def __init__(self, floor: float = 2.0**-32, unknown: Any = "<unk>"):
        self.floor = floor
        self.unknown = unknown
        self._bits = 0.0
        self._weight = 0.0

    @property
    def bigger_is_better(self) -> bool:
        return False

    @property
    def requires_labels(self) -> bool:
        return False

    @property
    def works_with_weights(self) -> bool:
        return True

    def update(self, y_true: Any, y_pred: dict, w: float = 1.0) -> None:
        """Count the cost of `y_true` under the distribution `y_pred`."""
        self._bits += w * self._cost(y_true, y_pred)
        self._weight += w

    def revert(self, y_true: Any, y_pred: dict, w: float = 1.0) -> None:
        """Undo `update`."""
        self._bits -= w * self._cost(y_true, y_pred)
        self._weight -= w

    def get(self) -> float:
        """Bits per symbol; NaN before the first."""
        return self._bits / self._weight if self._weight else math.nan

    def is_better_than(self, other: Any) -> bool:
        return self.get() < other.get()

    def _cost(self, y_true: Any, y_pred: dict) -> float:
        p = y_pred.get(y_true, y_pred.get(self.unknown, 0.0))
        return -math.log2(max(p, self.floor))


class Perplexity(BitsPerSymbol):
    """2 to the power of `BitsPerSymbol`: how many equally likely labels would be as hard.

    Examples
    --------
    >>> from stream_rnn.evaluation.river_metrics import Perplexity
    >>> metric = Perplexity()
    >>> for label in "abab":
    ...     metric.update(label, {"a": 0.5, "b": 0.5})
    >>> metric
    Perplexity: 2
    """

    def get(self) -> float:
        """Perplexity; NaN before the first."""
        return 2.0 ** super().get()
