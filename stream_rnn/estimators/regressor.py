"""River's regressor, and its sibling for several targets."""

from array import array
from collections.abc import Hashable, Sequence
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord
from ..features.cells import PLAIN
from ..features.missing import is_missing
from .base import RecurrentEstimator
from .closed_loop import ClosedLoop
from .frames import RegressesFrames


class RecurrentRegressor(ClosedLoop, RegressesFrames, RecurrentEstimator, base.MiniBatchRegressor):
    """Regression with a recurrent network that learns on every record.

    Parameters
    ----------
    cell
        A cell, or a tuple of cells for a stack.
    learner
        The gradient algorithm, e.g. ``RTRL()`` or ``TBPTT(window=10)``; ``"auto"`` takes the
        fastest exact one for the cell (`learners.auto` has the rule).
    optimizer
        ``Kalman()``, a first-order optimizer, or a chain such as ``(Clip(1.0), Adam(1e-3))``.
    loss
        ``Squared()``, ``Absolute()``, ``Huber(delta)`` or ``Quantile(q)``.
    scale
        Standardise inputs and target by running statistics of the records before.
    skip
        Let the readout see the inputs beside the hidden state.
    target_lags
        How many past targets to use as inputs.  The target of a record must then be known
        when the next one is predicted.
    dtype
        ``"float32"`` or ``"float64"``.
    seed
        Of the initial parameters.
    categorical
        For a field whose values are names how it is taken: ``"indicators"``, ``"statistics"``,
        ``"hash"`` or ``"leave"``.  Text is taken as what each value has meant for the target,
        and as indicators while there are few; see `stream_rnn.categories`.

    Examples
    --------
    >>> from river import datasets, metrics, evaluate
    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(seed=42)
    >>> metric = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    >>> metric.get() < 0.6
    True
    """

    def predict_one(self, x: dict) -> float:
        """Prediction for *x* as the next record; 0.0 before anything was learned."""
        p = self._predict_row(x)
        return 0.0 if p is None else float(p[0])

    def learn_one(self, x: dict, y: float | None) -> None:
        """Take the next record; with y None or NaN only the hidden state goes on."""
        if not (type(y) is float and isfinite(y) and self._learn_known(x, y)):
            self._learn_rows([x], [y])

    def stream(self, xs: Sequence[dict], ys: Sequence[float | None]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        return [{"prediction": 0.0 if p is None else float(p[0])} for p in self._learn_rows(xs, ys)]

    def prequential(self, X: Any, y: Any) -> np.ndarray:
        """Predict each row of X (T, m), then learn it with y (T,), in one compiled loop.

        The same bits as `predict_one` and `learn_one` on ``dict(enumerate(row))``, or on
        ``dict(zip(columns, row))`` for a DataFrame.
        """
        predictions = self._learn_table(X, column(y))
        return np.array([0.0 if p is None else p[0] for p in predictions])

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        return numbers(ys).reshape(-1, 1), [1] * len(ys)


def numbers(ys: Sequence[Any]) -> np.ndarray:
    """Targets as floats (T,), NaN where they are missing; raises `BadRecord` otherwise."""
    if len(ys) > 1:
        try:  # the common case, without a Python step for each
            values = np.frombuffer(array("d", ys))
        except (TypeError, OverflowError):
            pass
        else:
            if not np.isinf(values).any():
                return values
    return np.array([number(y, t) for t, y in enumerate(ys)], np.float64)


def column(ys: Any) -> list[float]:
    """The elements of an array or a sequence as floats, NaN where missing; raises `BadRecord`."""
    try:
        return np.asarray(ys, np.float64).tolist()
    except (TypeError, ValueError, OverflowError):  # text, a library's own missing values, 10**400
        return [number(y, t) for t, y in enumerate(ys)]


def number(y: Any, index: int, name: Hashable = None) -> float:
    """A target as a float, NaN where it is missing; raises `BadRecord` otherwise."""
    if is_missing(y):
        return nan
    try:
        value = PLAIN.read(y) if isinstance(y, str) else float(y)
        value = inf if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        value = inf
    if value in (inf, -inf):
        field = "target" if name is None else f"target {name!r}"
        raise BadRecord(f"{field}: {y!r} is not a finite number; None if it is missing", index)
    return value
