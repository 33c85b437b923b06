"""The first records of a series, kept until its season is known: see `relearn`."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from .period import EAGER


class Youth(NamedTuple):
    """The first `EAGER` records as they were given; NaN where there was nothing."""

    targets: Annotated[Float, "2 EAGER"]  # values, what stands in for a missing one
    inputs: Annotated[Float, "EAGER M"]


def allocate(inputs: int) -> Youth:
    """Nothing seen, for *inputs* exogenous inputs."""
    new = trees.allocate(Youth, {"EAGER": EAGER, "M": inputs})
    new.targets[:], new.inputs[:] = np.nan, np.nan
    return new


@loose_kernel
def record(youth, t, y, fill, x):
    """Keep record *t* if it is one of the first."""
    if t >= EAGER:
        return
    youth.targets[0, t], youth.targets[1, t] = y, fill
    for i in range(len(x)):
        youth.inputs[t, i] = x[i]
