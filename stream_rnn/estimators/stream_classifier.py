"""The default for classes: many unlike models, weighed by what they have predicted so far."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..mixtures import outside
from ..mixtures.base import Classes
from .classes import ClassTargets
from .classifier import distinct_classes
from .frames import ClassifiesFrames
from .mixture_base import MixtureEstimator


class StreamClassifier(ClassifiesFrames, ClassTargets, MixtureEstimator, base.MiniBatchClassifier):
    """Classification without settings: unlike models learn every record, the best of them count.

    The members are those of `StreamRegressor`, with what follows which class in place of the
    last target.  A class that has not been seen before takes a new place.  A member
    ``Given("name")`` is a field with a class, or with probabilities by class.

    Examples
    --------
    >>> from river import datasets, metrics, evaluate
    >>> from stream_rnn import StreamClassifier
    >>> model = StreamClassifier(seed=42)
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> metric.get() > 0.9
    True
    """

    _task = Classes()
    _multiclass = True

    def __init__(
        self,
        members: tuple | None = None,
        weights: tuple | None = None,
        *,
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ):
        super().__init__(members, weights, seed, categorical)
        self._classes: list[Any] = []
        self._pending: list[Any] = []

    def _distribution(self, p: np.ndarray | None) -> dict:
        return {} if p is None else dict(zip(self._classes, p.tolist(), strict=False))

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        places, known, self._pending = distinct_classes(self._classes, ys)
        return np.array([np.nan if p is None else p for p in places], float), known

    def _forecast(self, spec: Any, x: dict, index: int) -> Any:
        return outside.opinion(spec, x, self._features_of(x))

    def _as_rows(self, values: list[list[Any]], outputs: int) -> np.ndarray:
        classes = (self._pending or self._classes)[:outputs]
        made = [[outside.distribution(v, classes) for v in row] for row in values]
        return np.array(made, float)
