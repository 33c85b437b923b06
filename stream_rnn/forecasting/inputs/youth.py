"""The first records of a series, kept until its season is known: see `relearn`."""

from typing import NamedTuple

import numpy as np

from ..kernels import kernel
from .period import EAGER


class Youth(NamedTuple):
    """The first `EAGER` records as they were given; NaN where there was nothing."""

    targets: np.ndarray  # (2, EAGER): values, what stands in for a missing one
    inputs: np.ndarray  # (EAGER, M)


def allocate(inputs: int) -> Youth:
    """Nothing seen, for *inputs* exogenous inputs."""
    return Youth(np.full((2, EAGER), np.nan), np.full((EAGER, inputs), np.nan))


@kernel
def record(youth, t, y, fill, x):
    """Keep record *t* if it is one of the first."""
    if t >= EAGER:
        return
    youth.targets[0, t], youth.targets[1, t] = y, fill
    for i in range(len(x)):
        youth.inputs[t, i] = x[i]
