"""What many observations come to: a histogram, and the mean of the recent errors."""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rows import error_of

BUCKETS = (5e-6, *(m * 10.0**e for e in range(-5, 0) for m in (1, 2.5, 5)), 1.0, 2.5)  # seconds
RECENT = 1000  # labelled predictions behind a mean


class Histogram:
    """A classic histogram whose observations come many at a time."""

    def __init__(self, bounds: Sequence[float] = BUCKETS):
        self.bounds = bounds
        self.counts, self.sum = [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def observe_all(self, values: np.ndarray) -> None:
        """Count *values* (n,) into their buckets."""
        places = np.searchsorted(self.bounds, values)
        for place, times in enumerate(np.bincount(places).tolist()):
            self.counts[place] += times
        self.sum += float(values.sum())

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper bound, values up to it), as Prometheus counts them."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*self.bounds, math.inf), tuple(self.counts), strict=True):
            total += count
            buckets.append(("+Inf" if bound == math.inf else repr(float(f"{bound:.6g}")), total))
        return buckets


class RecentErrors:
    """The mean absolute error of the last `RECENT` predictions that are numbers.

    >>> errors = RecentErrors()
    >>> errors.add([{"prediction": 1.0, "target": 3.0}, {"prediction": 1.0, "target": None}])
    >>> errors.mean
    2.0
    """

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=RECENT)

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take the errors of result *rows* whose target is known."""
        for row in rows[-RECENT:]:
            error = error_of(row)
            if error is not None:
                self._last.append(error)

    @property
    def mean(self) -> float | None:
        return sum(self._last) / len(self._last) if self._last else None
