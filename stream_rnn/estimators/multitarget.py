"""River's regressor of several targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord
from ..features.index import FeatureIndex
from .base import RecurrentEstimator
from .frames import RegressesSeveral
from .regressor import number


class RecurrentMultiTargetRegressor(
    RegressesSeveral, RecurrentEstimator, base.MultiTargetRegressor
):
    """Regression of several targets with one recurrent network; targets may appear later.

    A target missing from a record (no key, None or NaN) is predicted and not learned.
    Parameters are those of `RecurrentRegressor`.

    Examples
    --------
    >>> from stream_rnn import RecurrentMultiTargetRegressor
    >>> model = RecurrentMultiTargetRegressor(seed=42)
    >>> for t in range(203):
    ...     model.learn_one({"t": t % 5}, {"double": 2 * (t % 5), "square": (t % 5) ** 2})
    >>> {name: round(value) for name, value in model.predict_one({"t": 3}).items()}
    {'double': 6, 'square': 9}
    """

    def predict_one(self, x: dict) -> dict:
        """Predictions by target name; empty before anything was learned."""
        return self._named(self._predict_row(x))

    def learn_one(self, x: dict, y: dict | None, **kwargs: Any) -> None:
        """Take the next record; targets that are missing are not learned."""
        self._learn_rows([x], [y])

    def stream(self, xs: Sequence[dict], ys: Sequence[dict | None]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        return [{"prediction": self._named(p)} for p in self._learn_rows(xs, ys)]

    def prequential(self, X: Any, Y: Any) -> np.ndarray:
        """Predict each row of X (T, m), then learn it with Y (T, O), in one compiled loop.

        Columns of arrays are named 0, 1, …, those of DataFrames by themselves; what cannot
        be predicted yet is 0.
        """
        names = list(Y.columns) if hasattr(Y, "columns") else range(np.shape(Y)[1])
        ys = [dict(zip(names, row, strict=True)) for row in np.array(Y, object).tolist()]
        predictions = [self._named(p) for p in self._learn_table(X, ys)]
        return np.array([[p.get(name, 0.0) for name in names] for p in predictions])

    def _named(self, p: np.ndarray | None) -> dict:
        return {} if p is None else dict(zip(self._targets.names, p.tolist(), strict=False))

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        cleaned = []
        for t, y in enumerate(ys):
            if y is not None and not isinstance(y, dict):
                raise BadRecord(f"target: {y!r} is not a dict of target names to numbers", t)
            values = {name: number(v, t, name) for name, v in (y or {}).items()}
            cleaned.append({name: None if v != v else v for name, v in values.items()})
        return self._targets.encode(cleaned)

    def _extend_targets(self, outputs: int) -> None:
        self._targets.extend(outputs)

    def _target_names(self) -> list:
        return list(self._targets.names)

    def _set_target_names(self, names: list) -> None:
        self._targets = FeatureIndex(names)
