"""Which lines are surprising: their bits per symbol against what has been usual."""

import math

import numpy as np

COUNT, MEAN, VARIANCE, FLAGGED = range(4)  # places in `Surprise.state`
HORIZON = 1000.0  # lines that the usual is a mean over
LEARN_FIRST = 100  # lines before the first flag


class Surprise:
    """z = (log(bits per symbol) - mean) / deviation, both exponentially weighted.

    A flagged line counts with its clipped deviation, so that one outlier does not widen
    what is usual, and a lasting change becomes usual.

    >>> surprise = Surprise(threshold=4.0)
    >>> flags = [surprise.judge(1.0 + 0.1 * (i % 3))[1] for i in range(200)]
    >>> any(flags), surprise.judge(5.0)[1]
    (False, True)
    """

    def __init__(self, threshold: float):
        self.threshold = threshold
        self.state = np.zeros(4)

    @property
    def usual(self) -> float:
        """The usual bits per symbol; NaN before the first line."""
        return math.exp(self.state[MEAN]) if self.state[COUNT] else math.nan

    @property
    def flagged(self) -> float:
        """How many lines were flagged."""
        return float(self.state[FLAGGED])

    def judge(self, bits_per_symbol: float) -> tuple[float, bool]:
        """The line's deviation in standard deviations, and whether it is flagged."""
        state = self.state
        x = math.log(max(bits_per_symbol, 1e-6))
        deviation = math.sqrt(state[VARIANCE]) + 0.02
        z = (x - state[MEAN]) / deviation if state[COUNT] else 0.0
        flag = bool(state[COUNT] >= LEARN_FIRST and z > self.threshold)
        state[COUNT] += 1
        rate = max(1 / state[COUNT], 1 / HORIZON)
        if flag:
            state[FLAGGED] += 1
            x = state[MEAN] + self.threshold * deviation
        error = x - state[MEAN]
        state[MEAN] += rate * error
        state[VARIANCE] += rate * ((1 - rate) * error * error - state[VARIANCE])
        return float(z), flag
