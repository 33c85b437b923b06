"""Estimators on data frames: pandas, Polars, PyArrow and whatever else narwhals reads.

What river calls a mini-batch: rows of a frame are records in their order, learned one after the
other; predictions come back as a series or frame of the same library.  `predict_many` takes each
row as the next record, and changes nothing.
"""

from typing import Any

import numpy as np

Frame = Any  # of any library that narwhals reads
Series = Any


def _river() -> Any:
    """river's readers of frames, when the first frame comes: to import them takes 50 ms."""
    from river.utils import dataframe

    return dataframe


def records(X: Frame) -> list[dict[Any, Any]]:
    """The rows of a frame as dicts.

    >>> import pandas as pd
    >>> records(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    return list(_river().into_frame(X).iter_rows(named=True))


def as_dicts(X: Any, count: int) -> list[dict[Any, Any]]:
    """The rows of a frame or an array as dicts; raises ValueError if they are not *count*."""
    if hasattr(X, "columns"):
        found = records(X)
    else:
        found = [dict(enumerate(row)) for row in np.asarray(X, object).tolist()]
    if len(found) != count:
        raise ValueError(f"X has {len(found)} rows, y has {count}; give one target a row")
    return found


def values(y: Series) -> list[Any]:
    """The values of a series, array or list as Python's own."""
    return y.to_list() if hasattr(y, "to_list") else np.asarray(y).tolist()


class LearnsFrames:
    """`learn_many` of an estimator that streams records."""

    _series_name: Any = None  # of the last targets

    def learn_many(self, X: Frame, y: Series) -> None:
        """Learn the rows of *X* with the targets *y*, one after the other."""
        self._series_name = getattr(y, "name", None)
        self.stream(records(X), values(y))  # type: ignore[attr-defined]


class RegressesFrames(LearnsFrames):
    """The rest, where a target is a number."""

    def predict_many(self, X: Frame) -> Series:
        """A prediction for each row, each taken as the next record."""
        made = [self.predict_one(x) for x in records(X)]  # type: ignore[attr-defined]
        return _river().to_native_series(
            np.array(made, float), name=self._series_name, like=_river().into_frame(X)
        )


class RegressesSeveral:
    """`learn_many` and `predict_many` where a target is several numbers, a column each."""

    def learn_many(self, X: Frame, y: Frame) -> None:
        """Learn the rows of *X* with the targets in the rows of *y*, one after the other."""
        self.stream(records(X), records(y))  # type: ignore[attr-defined]

    def predict_many(self, X: Frame) -> Frame:
        """A column of predictions for each target, each row taken as the next record."""
        made = [self.predict_one(x) for x in records(X)]  # type: ignore[attr-defined]
        columns = {name: np.array([row[name] for row in made]) for row in made[:1] for name in row}
        return _river().to_native_frame(columns, like=_river().into_frame(X))


class ClassifiesFrames(LearnsFrames):
    """The rest, where a target is a class."""

    def predict_proba_many(self, X: Frame) -> Frame:
        """A column of probabilities for each class, each row taken as the next record."""
        made = [self.predict_proba_one(x) for x in records(X)]  # type: ignore[attr-defined]
        columns = {c: np.array([row.get(c, 0.0) for row in made]) for row in made[:1] for c in row}
        return _river().to_native_frame(columns, like=_river().into_frame(X))

    def predict_many(self, X: Frame) -> Series:
        """The most probable class for each row; None before anything was learned."""
        made = [self.predict_one(x) for x in records(X)]  # type: ignore[attr-defined]
        return _river().to_native_series(
            np.array(made, object), name=self._series_name, like=_river().into_frame(X)
        )
