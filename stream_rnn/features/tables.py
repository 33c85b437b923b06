"""From a table to rows and the names of its columns."""

from typing import Any

import numpy as np

from ..errors import BadRecord
from .index import as_number


def rows_and_names(X: Any) -> tuple[np.ndarray, list[Any]]:
    """A 2-D array or DataFrame as float64 rows, and its column names (0, 1, … for arrays).

    Masked values (`numpy.ma`), NaN and what else `features.missing` lists are NaN in the rows.
    Raises `BadRecord` for a value that is no finite number.
    """
    names = list(X.columns) if hasattr(X, "columns") else None
    masked = np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else False
    try:
        rows = np.array(X, np.float64)
    except (TypeError, ValueError, OverflowError):  # text, missing values, integers too large
        rows = _read(np.array(X, object))
    if rows.ndim != 2:
        raise ValueError(f"X: shape {rows.shape}; give a 2-D array, one row a record")
    bad = np.isinf(rows) & ~np.asarray(masked)
    if bad.any():
        t, j = (int(places[0]) for places in np.nonzero(bad))
        raise BadRecord(
            f"X[{t}, {j}]: {rows[t, j]} is not finite; give NaN where a value is missing", t
        )
    rows[np.broadcast_to(masked, rows.shape)] = np.nan
    return rows, list(range(rows.shape[1])) if names is None else names


def holds_text(X: Any) -> bool:
    """Whether an array or a DataFrame has columns that are not numbers, booleans or missing.

    >>> holds_text(np.zeros((2, 2))), holds_text(np.array([[1, "a"]], object))
    (False, True)
    """
    kinds = getattr(X, "dtypes", None)
    if kinds is None:
        kinds = [getattr(X, "dtype", "float64")]
    if all(getattr(kind, "kind", "O") in "biuf" for kind in kinds):
        return False
    try:
        rows_and_names(X)
    except (BadRecord, TypeError, ValueError):
        return True
    return False


def _read(table: np.ndarray) -> np.ndarray:
    """The numbers of an array of objects."""
    rows = np.empty(table.shape)
    for place, value in np.ndenumerate(table):
        rows[place] = as_number(place[-1], value, place[0])
    return rows
