"""River's classifier; classes may appear at any time."""

from collections.abc import Hashable, Sequence
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
from .frames import ClassifiesFrames


class RecurrentClassifier(ClassifiesFrames, RecurrentEstimator, base.MiniBatchClassifier):
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
    ):
        super().__init__(
            cell,
            learner,
            optimizer,
            loss,
            scale=scale,
            skip=skip,
            target_lags=0,
            dtype=dtype,
            seed=seed,
        )
        self._classes: list[Any] = []
        self._pending: list[Any] = []

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict:
        """Probability of every class seen so far; empty before anything was learned."""
        return self._distribution(self._predict_row(x))

    def learn_one(self, x: dict, y: base.typing.ClfTarget | None) -> None:
        """Take the next record; with y None only the hidden state goes on."""
        self._learn_rows([x], [y])

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        return [self._fields(p) for p in self._learn_rows(xs, ys)]

    def prequential(self, X: Any, y: Any) -> list[dict]:
        """Probabilities for each row of X (T, m) before it is learned with its class y."""
        classes = y.tolist() if hasattr(y, "tolist") else list(y)
        return [self._distribution(p) for p in self._learn_table(X, classes)]

    def _distribution(self, p: np.ndarray | None) -> dict:
        if p is None:
            return {}
        total = float(p.sum())
        if total == 0:  # as when the network is no longer finite
            p, total = np.ones(len(p)), float(len(p))
        return {c: float(q) / total for c, q in zip(self._classes, p, strict=False)}

    def _fields(self, p: np.ndarray | None) -> dict[str, Any]:
        probabilities = self._distribution(p)
        best = max(probabilities, key=probabilities.__getitem__) if probabilities else None
        return {"prediction": best, "probabilities": probabilities}

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        places, known, self._pending = distinct_classes(self._classes, ys)
        targets = np.full((len(ys), len(self._pending)), np.nan)
        for t, place in enumerate(places):
            if place is not None:
                targets[t] = 0.0
                targets[t, place] = 1.0
        return targets, known

    def _extend_targets(self, outputs: int) -> None:
        if outputs > len(self._classes):
            self._classes = self._pending[:outputs]

    def _target_names(self) -> list:
        return list(self._classes)

    def _set_target_names(self, names: list) -> None:
        self._classes = list(names)


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
