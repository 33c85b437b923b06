"""River's classifier; classes may appear at any time."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..cells import LSTM
from ..errors import BadRecord
from ..features.missing import is_missing
from ..learners import RTRL, Learner
from ..losses import Loss, Softmax
from ..optimizers import Kalman
from .base import Chain, Layers, RecurrentEstimator
from .classes import ClassTargets
from .frames import ClassifiesFrames


class RecurrentClassifier(
    ClassifiesFrames, ClassTargets, RecurrentEstimator, base.MiniBatchClassifier
):
    """Classification with a recurrent network that learns on every record.

    A class that has not been seen before takes a new output.  With ``loss=Logistic()``
    every class is told from the rest by itself, and the probabilities are normalised.
    The Kalman filter measures the classes one after another; with hundreds of features or
    dozens of classes ``optimizer=(Clip(1.0), Adam(0.01))`` is many times quicker and errs more.
    Other parameters are those of `RecurrentRegressor`.

    Examples
    --------
    >>> from river import datasets, metrics, evaluate
    >>> from stream_rnn import RecurrentClassifier
    >>> model = RecurrentClassifier(seed=42)
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> metric.get() > 0.85
    True
    """

    _learns_numbers = False
    _multiclass = True

    def __init__(
        self,
        cell: Layers = LSTM(16),  # noqa: B008
        learner: Learner | type | str = RTRL(),  # noqa: B008
        optimizer: Chain = Kalman(0.5, 1e-5),  # noqa: B008
        loss: Loss | type = Softmax(),  # noqa: B008
        *,
        scale: bool = True,
        skip: bool = True,
        dtype: str = "float32",
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ):
        own = {"scale": scale, "skip": skip, "dtype": dtype, "seed": seed}
        super().__init__(cell, learner, optimizer, loss, categorical=categorical, **own)  # type: ignore[arg-type]
        self._pending: list[Any] = []

    def _distribution(self, p: np.ndarray | None) -> dict:
        if p is None:
            return {}
        total = float(p.sum())
        if total == 0:  # as when the network is no longer finite
            p, total = np.ones(len(p)), float(len(p))
        return {c: float(q) / total for c, q in zip(self._classes, p, strict=False)}

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        places, known, self._pending = distinct_classes(self._classes, ys)
        targets = np.full((len(ys), len(self._pending)), np.nan)
        for t, place in enumerate(places):
            if place is not None:
                targets[t] = 0.0
                targets[t, place] = 1.0
        return targets, known


def distinct_classes(
    classes: Sequence[Any], ys: Sequence[Any]
) -> tuple[list[int | None], list[int], list[Any]]:
    """The place of each class in *ys*, how many are known after each, and all of them.

    Missing ones (None, NaN) have no place.  Raises `BadRecord` for what cannot be a class.
    """
    found, places = list(classes), {c: place for place, c in enumerate(classes)}
    mine: list[int | None] = []
    known = []
    for t, y in enumerate(ys):
        if is_missing(y):
            mine.append(None)
        elif not isinstance(y, Hashable):
            raise BadRecord(f"class: {y!r} cannot be a class; give a string or a number", t)
        else:
            if y not in places:
                places[y] = len(places)
                found.append(y.item() if isinstance(y, np.generic) else y)
            mine.append(places[y])
        known.append(len(places))
    return mine, known, found
