"""The default for numbers: many unlike models, weighed by what they have predicted so far."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import ConfigError
from ..mixtures import outside
from ..mixtures.base import Numbers
from .frames import RegressesFrames
from .mixture_base import MixtureEstimator
from .regressor import column, numbers

HEADS = ("median", "mean")


class StreamRegressor(RegressesFrames, MixtureEstimator, base.MiniBatchRegressor):
    """Regression without settings: unlike models learn every record, the best of them count.

    Two networks (one recurrent, with the last target among its inputs), a forest, the nearest
    records, three least squares over fixed features, the last target, a tree that picks its
    columns, and the median; see `stream_rnn.mixtures`.  Their mixture follows whichever
    predict well, and changes with them.

    Parameters
    ----------
    members
        Specs such as ``Forest()`` or ``Network(GRU(8))``, all by default.  ``Given("name")``
        takes a forecast from a field of the record, and alone is beside the default members;
        ``River(model)`` is one of river's models.
    weights
        How much each member counts at first, in proportion; all the same by default.
    point
        ``"median"`` for small absolute errors, ``"mean"`` for small squared ones.
    seed
        Of whatever is drawn at random.
    categorical
        How fields of text are taken, as by `RecurrentRegressor`.

    Examples
    --------
    >>> from river import datasets, metrics, evaluate
    >>> from stream_rnn import StreamRegressor
    >>> model = StreamRegressor(seed=42)
    >>> metric = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    >>> metric.get() < 0.2
    True
    """

    _task = Numbers()

    def __init__(
        self,
        members: tuple | None = None,
        weights: tuple | None = None,
        *,
        point: str = "median",
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ):
        super().__init__(members, weights, seed, categorical)
        self.point = point
        if point not in HEADS:
            raise ConfigError(f"point: {point!r}; choose 'mean' or 'median'")
        self._head = HEADS.index(point)

    def predict_one(self, x: dict) -> float:
        """Prediction for *x* as the next record; 0.0 before anything was learned."""
        return self._number(self._predict_row(x))

    def learn_one(self, x: dict, y: float | None) -> None:
        """Take the next record; with y None or NaN only what is seen of x goes on."""
        self._learn_rows([x], [y])

    def stream(self, xs: Sequence[dict], ys: Sequence[float | None]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        return [{"prediction": self._number(p)} for p in self._learn_rows(xs, ys)]

    def prequential(self, X: Any, y: Any) -> np.ndarray:
        """Predict each row of X (T, m), then learn it with y (T,): predictions (T,).

        The same bits as `predict_one` and `learn_one` on ``dict(enumerate(row))``, or on
        ``dict(zip(columns, row))`` for a DataFrame.
        """
        made = self._learn_table(X, column(y))
        return np.array([self._number(p) for p in made])

    def _number(self, p: np.ndarray | None) -> float:
        return 0.0 if p is None else float(p[self._head])

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        return numbers(ys), [1] * len(ys)

    def _forecast(self, spec: Any, x: dict, index: int) -> Any:
        return outside.number(spec, x, self._features_of(x), index)

    def _as_rows(self, values: list[list[Any]], outputs: int) -> np.ndarray:
        return np.array(values, float)[:, :, None]
