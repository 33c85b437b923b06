"""How good the recent predictions were, and how good the simplest ones would have been.

A learner is worth its trouble if it errs less than the last value (of numbers) or the last
class.  All are measured on the same records, the last `RECENT` that had a label.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from math import log, nan
from typing import Any

import numpy as np

RECENT = 1000  # labelled predictions behind a mean
KEYS = 10_000  # of which something is remembered; beyond it the one first seen is forgotten
LEAST = 1e-15  # a probability, for its logarithm
NUMBERS = (int, float)
BOUNDS = ("prediction_lower", "prediction_upper")

Row = Mapping[str, Any]
Column = np.ndarray | None
Measures = dict[str, float]


class Recent:
    """The means of C columns over the last `RECENT` rows, NaN left out."""

    def __init__(self, columns: int):
        self.rows = np.empty((0, columns))

    def add(self, rows: np.ndarray) -> None:
        # A new array each time: another thread may be reading the old one.
        self.rows = np.concatenate([self.rows, rows])[-RECENT:]

    def means(self) -> list[float]:
        """One for each column; NaN where there is nothing."""
        known = ~np.isnan(self.rows)
        sums, counts = np.where(known, self.rows, 0.0).sum(0), known.sum(0)
        return [s / n if n else nan for s, n in zip(sums.tolist(), counts.tolist(), strict=True)]


class Past:
    """What is remembered of one key or target."""

    __slots__ = ("count", "error", "last", "sum")

    def __init__(self) -> None:
        self.last, self.sum, self.count, self.error = nan, 0.0, 0, nan


class Quality:
    """Measures of the results of one learner, batch by batch.

    >>> quality = Quality()
    >>> quality.add([{"prediction": 1.0, "target": 2.0}, {"prediction": 2.0, "target": 4.0}])
    >>> quality.add([{"prediction": 5.0, "target": 5.0}])
    >>> quality.measures()  # the errors are 1, 2, 0; of the last value 2, 1; of the mean 2, 2
    {'rolling_mae': 1.0, 'rolling_mae_last_value': 1.5, 'rolling_mae_running_mean': 2.0}
    """

    def __init__(self) -> None:
        self.errors = Recent(3)  # of the prediction, the last value, the running mean
        self.classes = Recent(3)  # right, log loss, right if it were the last class
        self.inside = Recent(1)  # of the interval
        self.keys: dict[Any, Past] = {}
        self.newest: np.ndarray | None = None  # |errors| (T,) of the last results, if of one number
        self._total = Past()
        self._last_class: Any = None

    def add(self, rows: Sequence[Row], keys: Sequence[Any] = ()) -> None:
        """Take in results with their targets; *keys* say whose they are, if anyone's."""
        self.newest = None
        if not rows or "target" not in rows[0]:
            return
        if "probabilities" in rows[0]:
            self._add_classes(rows)
        elif isinstance(rows[0]["target"], dict):
            self._add_several(rows, keys)
        else:
            truth = _floats([row["target"] for row in rows])
            self.newest = self._add_numbers(
                _floats([row.get("prediction") for row in rows]), truth, keys
            )
            if BOUNDS[0] in rows[0]:
                self._add_bounds(rows, truth)

    def measures(self) -> Measures:
        """By metric name; only of what there is.  Another thread than the one of `add` may call."""
        own, last, mean = self.errors.means()
        right, loss, naive = self.classes.means()
        found = {
            "rolling_mae": own,
            "rolling_mae_last_value": last,
            "rolling_mae_running_mean": mean,
            "rolling_accuracy": right,
            "rolling_log_loss": loss,
            "rolling_accuracy_last_class": naive,
            "interval_coverage": self.inside.means()[0],
        }
        return {name: value for name, value in found.items() if value == value}

    def _add_numbers(self, p: Column, y: Column, keys: Sequence[Any]) -> Column:
        """|errors| (T,) of the predictions *p*, NaN where there is none; None if not of numbers."""
        if p is None or y is None:
            return None
        with np.errstate(all="ignore"):
            errors = np.abs(p - y)
        if len(keys) == len(y):
            last, mean = self._by_key(p, y, keys)
        else:
            known = ~np.isnan(y)
            if not known.all():
                p, y = p[known], y[known]
            if not len(y):
                return errors
            last, mean = self._of_all(y)
        good = ~np.isnan(p) & ~np.isnan(y)
        with np.errstate(all="ignore"):
            table = np.abs(np.stack([p, last, mean], 1) - y[:, None])
        self.errors.add(table[good] if not good.all() else table)
        return errors

    def _of_all(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The value and the mean before each of *y* (T,), NaN before the first."""
        total = self._total
        last = np.concatenate([[total.last], y[:-1]])
        counts = total.count + np.arange(len(y))
        with np.errstate(all="ignore"):
            sums = total.sum + np.concatenate([[0.0], np.cumsum(y[:-1])])
            mean = sums / np.where(counts, counts, nan)
            total.sum = float(sums[-1] + y[-1])
        total.last, total.count = float(y[-1]), total.count + len(y)
        return last, mean

    def _by_key(self, p: np.ndarray, y: np.ndarray, keys: Sequence[Any]) -> tuple[Any, Any]:
        """The same, each key by itself; its recent error is kept too (the last 20 or so)."""
        last, mean = np.full(len(y), nan), np.full(len(y), nan)
        for t, (key, value, made) in enumerate(zip(keys, y.tolist(), p.tolist(), strict=True)):
            if value != value:
                continue
            one = self.keys.get(key)
            if one is None:
                if len(self.keys) >= KEYS:
                    del self.keys[next(iter(self.keys))]
                one = self.keys[key] = Past()
            else:
                last[t], mean[t] = one.last, one.sum / one.count
            error = abs(made - value)
            if error == error:
                one.error = (
                    error if one.error != one.error else one.error + (error - one.error) / 20
                )
            one.last, one.sum, one.count = value, one.sum + value, one.count + 1
        return last, mean

    def _add_several(self, rows: Sequence[Row], keys: Sequence[Any]) -> None:
        """Several targets: each is a key, of each key."""
        made: list[Any] = []
        truth: list[Any] = []
        names: list[Any] = []
        for row, key in zip(rows, keys if len(keys) == len(rows) else repeat(None), strict=False):
            predicted = row.get("prediction") or {}
            for name, value in (row["target"] or {}).items():
                made.append(predicted.get(name))
                truth.append(value)
                names.append(name if key is None else (key, name))
        self._add_numbers(_floats(made), _floats(truth), names)

    def _add_bounds(self, rows: Sequence[Row], y: Column) -> None:
        lower, upper = (_floats([row.get(bound) for row in rows]) for bound in BOUNDS)
        if y is None or lower is None or upper is None:
            return
        known = ~(np.isnan(y) | np.isnan(lower) | np.isnan(upper))
        self.inside.add(((lower <= y) & (y <= upper))[known, None].astype(float))

    def _add_classes(self, rows: Sequence[Row]) -> None:
        table = []
        for row in rows:
            truth = row["target"]
            if truth is None or truth != truth or row.get("prediction") is None:
                continue
            shares = row["probabilities"]
            loss = -log(max(shares.get(truth, 0.0), LEAST)) if shares else nan
            naive = nan if self._last_class is None else float(self._last_class == truth)
            table.append((float(row["prediction"] == truth), loss, naive))
            self._last_class = truth
        if table:
            self.classes.add(np.array(table))


def _floats(values: Sequence[Any]) -> Column:
    """Numbers (T,), NaN for None and for what is not finite; None if some are no numbers."""
    try:
        array = np.array(values, float)
    except (TypeError, ValueError, OverflowError):
        return None
    if array.ndim != 1 or any(isinstance(value, str) for value in values[:1]):
        return None
    if not np.isfinite(array).all():
        array[~np.isfinite(array)] = nan
    return array
