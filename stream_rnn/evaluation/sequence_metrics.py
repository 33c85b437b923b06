"""Metrics of labelled sentences that river lacks: entity F1, and accuracy of tokens."""

from collections.abc import Sequence
from typing import Any

from river import metrics

from ..sequences.labeling.spans import OUTSIDE, Span, spans


class _OfSentences(metrics.base.Metric):
    """A metric whose truths and predictions are lists of labels, None for none."""

    @property
    def bigger_is_better(self) -> bool:
        return True

    @property
    def works_with_weights(self) -> bool:
        return True

    def works_with(self, model: Any) -> bool:
        return hasattr(model, "predict_one")

    def is_better_than(self, other: Any) -> bool:
        return self.get() > other.get()


class TokenAccuracy(_OfSentences):
    """The share of tokens whose label is right; 0 before the first.

    Examples
    --------
    >>> from stream_rnn.evaluation.sequence_metrics import TokenAccuracy
    >>> metric = TokenAccuracy()
    >>> metric.update(["DET", "NOUN"], ["DET", "VERB"])
    >>> metric
    TokenAccuracy: 50.00%
    """

    _fmt = ".2%"

    def __init__(self) -> None:
        self._right = 0.0
        self._tokens = 0.0

    def update(self, y_true: Sequence[str], y_pred: Sequence[Any], w: float = 1.0) -> None:
        """Count the labels of a sentence; raises ValueError if lengths differ."""
        self._right += w * sum(a == b for a, b in zip(y_true, y_pred, strict=True))
        self._tokens += w * len(y_true)

    def revert(self, y_true: Sequence[str], y_pred: Sequence[Any], w: float = 1.0) -> None:
        """Undo `update`."""
        self.update(y_true, y_pred, -w)

    def get(self) -> float:
        return self._right / self._tokens if self._tokens else 0.0


class EntityF1(_OfSentences):
    """F1 of whole entities in IOB2 labels: right if start, end and kind are; 0 before the first.

    Examples
    --------
    >>> from stream_rnn.evaluation.sequence_metrics import EntityF1
    >>> metric = EntityF1()
    >>> metric.update(["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O", "O"])
    >>> metric
    EntityF1: 66.67%
    """

    _fmt = ".2%"

    def __init__(self) -> None:
        self._both = 0.0
        self._true = 0.0
        self._found = 0.0

    def update(self, y_true: Sequence[str], y_pred: Sequence[Any], w: float = 1.0) -> None:
        """Count the entities of a sentence; raises ValueError if lengths differ."""
        if len(y_true) != len(y_pred):
            raise ValueError(f"{len(y_pred)} labels for {len(y_true)} tokens")
        truth, found = _entities(y_true), _entities(y_pred)
        self._both += w * len(truth & found)
        self._true += w * len(truth)
        self._found += w * len(found)

    def revert(self, y_true: Sequence[str], y_pred: Sequence[Any], w: float = 1.0) -> None:
        """Undo `update`."""
        self.update(y_true, y_pred, -w)

    @property
    def precision(self) -> float:
        """Of the entities found, how many are true."""
        return self._both / self._found if self._found else 0.0

    @property
    def recall(self) -> float:
        """Of the true entities, how many were found."""
        return self._both / self._true if self._true else 0.0

    def get(self) -> float:
        both = self._true + self._found
        return 2 * self._both / both if both else 0.0


def _entities(labels: Sequence[Any]) -> set[Span]:
    return set(spans([OUTSIDE if label is None else label for label in labels]))
