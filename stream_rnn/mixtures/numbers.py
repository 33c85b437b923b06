"""From the members' predictions to one number: the mixture of `forecasting.mixing`.

Members are held within 6 deviations of the mean of the targets; its leap is their deviation.
Where that changes at once, a new level has been found (see `engine.moments`): what the mixture
has learned so far was of another scale.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import compiled, kernel
from ..engine.moments import BLOCK
from ..forecasting.mixing import mix
from ..numerics.trees import NEWER, Float, Int, duplicate, fields, zeros

REACH = 6.0  # deviations
LEAP = 8.0  # times the deviation before, from one record to the next


class State(NamedTuple):
    """What the mixture of K members remembers."""

    mix: mix.Mix
    last: Annotated[Float, "1"]  # the last target, 0 before the first
    clock: Annotated[Int, "1"]  # targets seen
    unit: Annotated[Float, "1", NEWER]  # the deviation at the last target


class Work(NamedTuple):
    """What the members say, held within bounds, and what is made of it, by head."""

    experts: Annotated[Float, "K"]
    made: Annotated[Float, "H F"]


def allocate(prior: np.ndarray) -> tuple[State, Work]:
    """State and scratch, in one block, at the members' *prior* (K,)."""
    work = zeros(fields(Work, {"K": len(prior), "H": mix.HEADS, "F": mix.FINAL + 1}))
    state = State(mix.allocate(prior), np.zeros(1), np.zeros(1, np.int64), np.zeros(1))
    both: tuple[State, Work] = duplicate((state, work))
    return both


@compiled
def predict(bound, P, units, out):
    """Write median and mean (T, 2) of the members' P (T, K) into *out*."""
    for t in range(P.shape[0]):
        combine(bound.state, bound.work, P[t], units[t], out[t])


@compiled
def prequential(bound, P, units, y, out):
    """The same, each learned with its target y (T,) unless that is NaN."""
    state, work = bound.state, bound.work
    for t in range(P.shape[0]):
        combine(state, work, P[t], units[t], out[t])
        if y[t] == y[t]:
            rate = max(0.005, 1.0 / (state.clock[0] + 10))
            known = state.clock[0] > 1
            follow(state, units[t, 1])
            mix.learn(state.mix, work.experts, work.made, units[t, 1], known, y[t], rate)
            state.clock[0] += 1
            state.last[0] = y[t]


@kernel
def follow(state, unit):
    """Notice that the targets' deviation has leapt to *unit*."""
    before = state.unit[0]
    leapt = before > 0 and not before / LEAP < unit < before * LEAP
    if leapt and state.clock[0] >= BLOCK:
        mix.rescale(state.mix, max(unit / before, 1e-100))
    state.unit[0] = unit


@kernel
def combine(state, work, P, unit, out):
    centre, reach = unit[0], REACH * unit[1]
    for k in range(P.size):
        p = P[k] if P[k] == P[k] else centre
        work.experts[k] = max(centre - reach, min(centre + reach, p))
    mix.combine(state.mix, work.experts, state.last[0], unit[1], work.made)
    for head in range(2):
        out[head] = work.made[head, mix.FINAL]
