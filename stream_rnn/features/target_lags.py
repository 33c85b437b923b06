"""Past targets among a network's inputs."""

import numpy as np


class TargetLags:
    """Which input of the network is which feature or past target, and the past targets.

    `past` (lags, O) holds them, newest first, NaN before there were any.  Input i of the
    network is feature f where `columns[i]` = f ≥ 0, and lag k = 1…lags of target j where it is
    −(k + lags · j): both features and targets may be added, and what is new comes last.

    >>> lags = TargetLags(2)
    >>> lags.extend(width=1, outputs=1)
    >>> rows, targets = np.array([[10.0], [11.0]]), np.array([[0.5], [0.6]])
    >>> lags.inputs(rows, lags.take(targets))
    array([[ nan,  nan, 10. ],
           [ 0.5,  nan, 11. ]])
    >>> lags.past
    array([[0.6],
           [0.5]])
    """

    def __init__(self, lags: int):
        self.lags = lags
        self.past = np.full((lags, 0), np.nan)
        self.columns = np.empty(0, int)

    def forget(self, outputs: int) -> None:
        """As before the first of *outputs* targets."""
        self.past = np.full((self.lags, outputs), np.nan)

    def extend(self, width: int, outputs: int) -> None:
        """Give what is new among *width* features and *outputs* targets the next inputs."""
        lags = self.lags
        if not lags:
            self.past, self.columns = np.empty((0, outputs)), np.arange(width)
            return
        new = np.full((lags, outputs - self.past.shape[1]), np.nan)
        self.past = np.hstack([self.past, new])
        wanted = [*range(-1, -1 - lags * outputs, -1), *range(width)]
        known = set(self.columns.tolist())
        self.columns = np.append(self.columns, [c for c in wanted if c not in known]).astype(int)

    def take(self, targets: np.ndarray) -> np.ndarray:
        """Remember *targets* (T, O); past ones (lags + T, O), newest first, of all and the next."""
        history = np.vstack([targets[::-1], self.past])
        self.past = history[: self.lags].copy()
        return history[1:]

    def inputs(self, rows: np.ndarray, past: np.ndarray) -> np.ndarray:
        """The network's inputs (T, m): features (T, width) and the targets before each."""
        if not self.lags:
            return rows
        T = len(rows)
        windows = np.lib.stride_tricks.sliding_window_view(past, self.lags, axis=0)
        lagged = windows[:T][::-1].reshape(T, -1)  # record by record: target by target
        at = np.where(self.columns < 0, rows.shape[1] - 1 - self.columns, self.columns)
        return np.hstack([rows, lagged])[:, at]
