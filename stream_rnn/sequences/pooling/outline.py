"""The outline of a sequence whose length is not known before its end.

Means of consecutive steps fill up to 2B bins; when all are full, neighbours are merged and each
bin holds twice as many steps.  At the end the outline is read off at the middles of B equal parts
of the sequence, by linear interpolation between the bins' middles (piecewise aggregate
approximation: Keogh et al. 2001, in bounded memory).
"""

from math import isnan, nan
from typing import Annotated, NamedTuple

from ...codegen.dispatch import kernel
from ...numerics.trees import Float, Int
from .columns import BINS, STATISTICS


class Bins(NamedTuple):
    """Of m channels; b = 2 BINS."""

    total: Annotated[Float, "b m"]
    known: Annotated[Float, "b m"]
    clock: Annotated[Int, "3"]  # bins begun, steps in the last of them, steps a bin


@kernel
def clear(bins):
    """A sequence without steps."""
    for k in range(bins.total.shape[0]):
        empty(bins, k)
    bins.clock[0], bins.clock[1], bins.clock[2] = 1, 0, 1


@kernel
def empty(bins, k):
    for j in range(bins.total.shape[1]):
        bins.total[k, j] = bins.known[k, j] = 0.0


@kernel
def take(bins, x):
    """One step x (m,)."""
    if bins.clock[1] == bins.clock[2]:
        if bins.clock[0] == bins.total.shape[0]:
            merge(bins)
        bins.clock[0] += 1
        bins.clock[1] = 0
    k = bins.clock[0] - 1
    for j in range(x.size):
        if not isnan(x[j]):
            bins.total[k, j] += x[j]
            bins.known[k, j] += 1
    bins.clock[1] += 1


@kernel
def merge(bins):
    """Half as many bins of twice the steps; all are full."""
    half = bins.total.shape[0] // 2
    for k in range(half):
        for j in range(bins.total.shape[1]):
            bins.total[k, j] = bins.total[2 * k, j] + bins.total[2 * k + 1, j]
            bins.known[k, j] = bins.known[2 * k, j] + bins.known[2 * k + 1, j]
    for k in range(half, bins.total.shape[0]):
        empty(bins, k)
    bins.clock[0] = half
    bins.clock[2] *= 2


@kernel
def write(bins, starts, out):
    """The columns of the outlines in a summary."""
    steps = (bins.clock[0] - 1) * bins.clock[2] + bins.clock[1]
    for j in range(bins.total.shape[1]):
        for q in range(BINS):
            out[starts[j] + STATISTICS + q] = at(bins, j, (q + 0.5) * steps / BINS)


@kernel
def at(bins, j, place):
    """The outline of channel j at a *place* in steps; beyond the middles it is level."""
    low, below, above, value = 0.0, nan, nan, nan
    for k in range(bins.clock[0]):
        if bins.known[k, j] == 0:
            continue
        inside = bins.clock[2] if k < bins.clock[0] - 1 else bins.clock[1]
        middle = k * bins.clock[2] + 0.5 * inside
        value = bins.total[k, j] / bins.known[k, j]
        if middle <= place:
            low, below = middle, value
        else:
            above = value
            return (
                value if isnan(below) else below + (above - below) * (place - low) / (middle - low)
            )
    return below
