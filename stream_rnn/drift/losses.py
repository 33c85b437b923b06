"""The loss of a result row, whatever kind of estimator it came from."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rows import NUMBERS, ONLY, errors_of


def losses(rows: Sequence[dict[str, Any]]) -> tuple[np.ndarray, list[Any]]:
    """Losses (T, C) of result *rows*, NaN where there is none, and the columns' names.

    `rows.errors_of` says what the loss of a row is.

    >>> rows = [{"prediction": 1.0, "target": 3.0}, {"prediction": None, "target": 3.0}]
    >>> losses(rows)
    (array([[ 2.],
           [nan]]), [0])
    """
    if (plain := _plain(rows)) is not None:
        return plain, [ONLY]
    found = [errors_of(row) for row in rows]
    names = list(dict.fromkeys(name for row in found for name in row))
    if names == [ONLY]:
        return np.array([[row.get(ONLY, np.nan)] for row in found]), names
    table = np.full((len(rows), len(names)), np.nan)
    for t, row in enumerate(found):
        for c, name in enumerate(names):
            table[t, c] = row.get(name, np.nan)
    return table, names


def _plain(rows: Sequence[dict[str, Any]]) -> np.ndarray | None:
    """Losses (T, 1) of rows with one number predicted and known each; None for others.

    That is what most streams consist of, and row by row it would cost a tenth of a record.
    """
    try:
        made, truth = [row["prediction"] for row in rows], [row["target"] for row in rows]
    except KeyError:
        return None
    if not {*map(type, made), *map(type, truth)} <= set(NUMBERS) or "probabilities" in rows[0]:
        return None
    with np.errstate(all="ignore"):  # as Python's floats do
        return np.abs(np.array(made, float) - np.array(truth, float))[:, None]
