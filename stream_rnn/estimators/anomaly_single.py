"""Records through the kernels of novelty; a single one of numbers needs no table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..forecasting.bank import MEDIAN
from ..novelty import joint
from ..novelty.budget import Budget
from ..novelty.fields import OUTS
from .anomaly_records import seconds
from .series_records import LARGEST

NUMBERS = frozenset((float, int))


class Room:
    """Arrays for T records of F fields: the *values*, *times*, forecasts, and what comes out."""

    def __init__(self, T: int, F: int):
        self.values, self.times = np.empty((T, F)), np.full(T, np.nan)
        self.points, self.outs = np.full((T, F), np.nan), np.empty((T, F, OUTS))
        self.rows = np.empty((T, joint.COLUMNS))

    def holds(self, x: Mapping[Any, Any], names: Sequence[Any], timestamp: str) -> bool:
        """Take over the numbers *x*, one for each of *names*, and the time; False for others."""
        timed = timestamp in x
        if len(x) != len(names) + timed or not names:
            return False
        into = self.values[0]
        for f, name in enumerate(names):
            value = x.get(name)
            if type(value) not in NUMBERS or not -LARGEST <= value <= LARGEST:  # type: ignore[operator]
                return False
            into[f] = value
        self.times[0] = seconds(x[timestamp], timestamp, 0) if timed else np.nan
        return True


def judge(
    bound: Any, room: Room, expected: Mapping[int, np.ndarray], budget: Budget
) -> tuple[np.ndarray, np.ndarray]:
    """Score and learn the records in *room*, of which *expected* was forecast."""
    for f, forecast in expected.items():
        room.points[:, f] = forecast[:, MEDIAN]
    joint.run(bound, room.values, room.times, room.points, *budget, room.outs, room.rows)
    return room.outs, room.rows
