"""What the series of a multivariate stream tell one another: their last moves."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...numerics import trees
from ...numerics.trees import Float

RATE = 0.1
LAST, AVERAGE, COUNT = range(3)


class Cross(NamedTuple):
    """Last value, moving average and number of values of each of C series."""

    state: Annotated[Float, "3 C"]


def allocate(count: int) -> Cross:
    """Nothing seen of *count* series."""
    return trees.allocate(Cross, {"C": count})


@entry
def observe(cross, values, out):
    """Take in *values* (T, C); ``out`` (T, C, 2(C − 1)) are each series' inputs.

    For series c, and each other series j in order: its last change, and its deviation from
    a moving average (rate .1).  NaN where j is missing or was never seen before.
    """
    state = cross.state
    for t in range(len(values)):
        for j in range(values.shape[1]):
            y = values[t, j]
            change, deviation = np.nan, np.nan
            if y == y:
                if state[COUNT, j] == 0:
                    state[AVERAGE, j] = y
                else:
                    change = y - state[LAST, j]
                state[COUNT, j] += 1
                rate = max(RATE, 1.0 / state[COUNT, j])
                state[AVERAGE, j] += rate * (y - state[AVERAGE, j])
                state[LAST, j] = y
                deviation = y - state[AVERAGE, j]
            for c in range(values.shape[1]):
                if c != j:
                    place = 2 * (j if j < c else j - 1)
                    out[t, c, place], out[t, c, place + 1] = change, deviation
