"""From the members' predictions to one number: the mixture of `forecasting.mixing`.

Members are held within 6 deviations of the mean of the targets; its leap is their deviation.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import compiled, kernel
from ..forecasting.mixing import mix
from ..numerics.trees import Float, Int, duplicate, fields, zeros

REACH = 6.0  # deviations


class State(NamedTuple):
    """What the mixture of K members remembers."""

    mix: mix.Mix
    last: Annotated[Float, "1"]  # the last target, 0 before the first
    clock: Annotated[Int, "1"]  # targets seen


class Work(NamedTuple):
    """What the members say, held within bounds, and what is made of it, by head."""

    experts: Annotated[Float, "K"]
    made: Annotated[Float, "H F"]


def allocate(prior: np.ndarray) -> tuple[State, Work]:
    """State and scratch, in one block, at the members' *prior* (K,)."""
    work = zeros(fields(Work, {"K": len(prior), "H": mix.HEADS, "F": mix.FINAL + 1}))
    state = State(mix.allocate(prior), np.zeros(1), np.zeros(1, np.int64))
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
            mix.learn(state.mix, work.experts, work.made, units[t, 1], known, y[t], rate)
            state.clock[0] += 1
            state.last[0] = y[t]


@kernel
def combine(state, work, P, unit, out):
    centre, reach = unit[0], REACH * unit[1]
    for k in range(P.size):
        p = P[k] if P[k] == P[k] else centre
        work.experts[k] = max(centre - reach, min(centre + reach, p))
    mix.combine(state.mix, work.experts, state.last[0], unit[1], work.made)
    for head in range(2):
        out[head] = work.made[head, mix.FINAL]
