"""A network that feeds on its own predictions: past targets in closed loop."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class ClosedLoop:
    """`simulate` beside `predict_one`, for estimators with ``target_lags``.

    In open loop a network is given the true past targets, as in learning; in closed loop, for what
    is to come, those that it predicts (NARX in series-parallel and in parallel form: Narendra &
    Parthasarathy 1990).

    >>> from stream_rnn import FeedForward, RecurrentRegressor
    >>> model = RecurrentRegressor(FeedForward(8), target_lags=3, seed=1)
    >>> for t in range(400):
    ...     model.learn_one({"u": 0.0}, t % 3)
    >>> [round(y) for y in model.simulate([{"u": 0.0}] * 7)]
    [1, 2, 0, 1, 2, 0, 1]
    """

    def simulate(self, xs: Sequence[dict]) -> list[float]:
        """Predict the records *xs* to come, each prediction being a past target of the next ones.

        Nothing changes; 0.0 before anything was learned.
        """
        network, lags = self._network, self._lags  # type: ignore[attr-defined]
        rows = [self._features.row(x) for x in xs]  # type: ignore[attr-defined]
        if network is None:
            return [0.0] * len(rows)
        kept, past, made = network.words.copy(), lags.past, []
        unknown = np.full((1, network.outputs), np.nan)
        for row in rows:
            p: Any = network.prequential(lags.inputs(row, lags.past), unknown)
            lags.take(p)
            made.append(float(p[0, 0]))
        network.words[:], lags.past = kept, past
        return made
