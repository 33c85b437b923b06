"""What estimators of classes share: names for outputs, and outputs as probabilities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from river import base

from ..features.saved_names import as_name


class ClassTargets:
    """The targets are classes, each of which has an output from when it was first met.

    A subclass encodes them (`_encode_targets`), and says what a row of outputs means
    (`_distribution`).
    """

    _classes: list[Any]
    _pending: list[Any]  # with those of the batch at hand

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict:
        """Probability of every class seen so far; empty before anything was learned."""
        return self._distribution(self._predict_row(x))  # type: ignore[attr-defined]

    def learn_one(self, x: dict, y: base.typing.ClfTarget | None) -> None:
        """Take the next record; with y None only the state goes on, and no class is learned."""
        self._learn_rows([x], [y])  # type: ignore[attr-defined]

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        return [self._fields(p) for p in self._learn_rows(xs, ys)]  # type: ignore[attr-defined]

    def prequential(self, X: Any, y: Any) -> list[dict]:
        """Probabilities for each row of X (T, m) before it is learned with its class y."""
        classes = y.tolist() if hasattr(y, "tolist") else list(y)
        rows = self._learn_table(X, classes)  # type: ignore[attr-defined]
        return [self._distribution(p) for p in rows]

    def _distribution(self, p: np.ndarray | None) -> dict:
        """The probabilities by class of a row of outputs."""
        raise NotImplementedError

    def _fields(self, p: np.ndarray | None) -> dict[str, Any]:
        probabilities = self._distribution(p)
        best = max(probabilities, key=probabilities.__getitem__) if probabilities else None
        return {"prediction": best, "probabilities": probabilities}

    def _extend_targets(self, outputs: int) -> None:
        if outputs > len(self._classes):
            self._classes = self._pending[:outputs]

    def _target_names(self) -> list:
        return list(self._classes)

    def _set_target_names(self, names: list) -> None:
        self._classes = list(map(as_name, names))
