"""From a table to rows and the names of its columns."""

from typing import Any

import numpy as np

from ..errors import BadRecord


def rows_and_names(X: Any) -> tuple[np.ndarray, list[Any]]:
    """A 2-D array or DataFrame as float64 rows, and its column names (0, 1, … for arrays).

    Masked values (`numpy.ma`) are missing: NaN in the rows.  Raises `BadRecord` for any
    other value that is not finite.
    """
    names = list(X.columns) if hasattr(X, "columns") else None
    masked = np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else False
    rows = np.array(X, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"X: shape {rows.shape}; give a 2-D array, one row a record")
    bad = ~np.isfinite(rows) & ~np.asarray(masked)
    if bad.any():
        t, j = (int(places[0]) for places in np.nonzero(bad))
        raise BadRecord(
            f"X[{t}, {j}]: {rows[t, j]} is not finite; mask missing values with numpy.ma", t
        )
    rows[np.broadcast_to(masked, rows.shape)] = np.nan
    return rows, list(range(rows.shape[1])) if names is None else names
