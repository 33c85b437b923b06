"""Running statistics that all members of a mixture share, and records in units of them."""

from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import compiled, kernel
from ..engine.moments import Moments
from ..engine.scale import observe, standardise
from ..numerics.trees import Float, Int
from . import past


class Scales(NamedTuple):
    """Of inputs and targets, and what the targets were."""

    inputs: Moments  # of m columns
    target: Moments  # of 1
    counts: Annotated[Int, "2"]  # records, and those learned
    loss: Annotated[Float, "1"]
    past: past.Past


@compiled
def standard(bound, X, y, Z, units, watched):
    """Z (T, m) and units (T, 2) by the records before each, which are taken in.

    A target that the statistics doubt becomes NaN in y: it is not learned.  Returns how many
    records were taken, and what is to be done with the members after the last, see `past`.
    """
    scale, state = bound.model, bound.state
    target = state.target
    for t in range(X.shape[0]):
        glance(scale, state, X[t], Z[t], units[t])
        count, mean, variance = target.count[0], target.mean[0], target.variance[0]
        todo = past.compare(state.past, target, y[t]) if watched else past.NOTHING
        observe(scale, state.inputs, X[t])
        observe(scale, target, y[t : t + 1])
        state.counts[0] += 1
        state.counts[1] += y[t] == y[t]
        if target.doubted[0] > 0:
            y[t] = np.nan
        if todo == past.RETURN:
            past.recall(state.past, target)
        elif watched and past.remember(state.past, target, count, mean, variance):
            todo = past.KEEP
        if todo != past.NOTHING:
            return t + 1, todo
    return X.shape[0], past.NOTHING


@compiled
def at_sight(bound, X, Z, units):
    """Z (T, m) and units (T, 2) of records that are not taken in."""
    for t in range(X.shape[0]):
        glance(bound.model, bound.state, X[t], Z[t], units[t])


@kernel
def glance(scale, state, x, z, unit):
    """A record in standard units, and those of the target."""
    standardise(scale, state.inputs, x, z)
    deviation = np.sqrt(state.target.variance[0])
    unit[0] = state.target.mean[0]
    unit[1] = deviation if deviation > 0 else 1.0
