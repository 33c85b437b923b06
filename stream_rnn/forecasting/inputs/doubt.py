"""Values so far off that they may be wrong: what was known before them is kept, and may come back.

A change beyond `FAR` root mean square changes begins a doubt.  The bank is copied and goes on with
the values as they are, for they may be right.  If the series is back where it was, within `MOST`
records and for `CALM` of them, they were wrong: the copy goes on as if they had been missing, see
`renewed`.  Otherwise they are what the series is now.  A second such excursion within `SELDOM`
records is no accident, and is believed.
"""

from math import sqrt
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import NEWER, Float
from .scale import STEP, VARIANCE

FAR = 1000.0  # root mean square changes
NEAR = 200.0  # within so many of the last value before, it is back
EXCESS = 12.0  # or rather within so many of the level's deviations, or of changes
MOST, CALM = 64, 4
YOUNG, SELDOM = 100, 1000  # records

AGE, CALMED, LAST, REACH, ENDED, NEWS = range(6)
NONE, BEGINS, RETURNS = 0.0, 1.0, 2.0


class Doubt(NamedTuple):
    """The doubt there is, if any, and the records since it began.

    ``state``: its age in records, one more than there are (0 for none); how many of the last ones
    were calm; the last value before it; how far from that a calm one may be; when the last doubt
    ended; what the caller has to see to.
    """

    state: Annotated[Float, "6", NEWER]
    targets: Annotated[Float, "2 MOST", NEWER]  # values, what stands in for a missing one
    inputs: Annotated[Float, "MOST M", NEWER]


def allocate(inputs: int) -> Doubt:
    """None, for *inputs* exogenous inputs."""
    return trees.allocate(Doubt, {"MOST": MOST, "M": inputs})


@loose_kernel
def begins(doubt, scale, last, y, t):
    """Whether record *t*, of value *y* after *last*, begins a doubt; then NEWS says so."""
    state, moments = doubt.state, scale.moments
    if state[AGE] > 0 or t < YOUNG or not moments[STEP] > 0:
        return False
    step = sqrt(moments[STEP])
    if not abs(y - last) > FAR * step:
        return False
    if state[ENDED] > 0 and t < state[ENDED] + SELDOM:
        return False
    state[AGE], state[CALMED], state[NEWS], state[LAST] = 1, 0, BEGINS, last
    state[REACH] = min(NEAR * step, EXCESS * max(sqrt(moments[VARIANCE]), step))
    return True


@loose_kernel
def record(doubt, t, y, fill, x):
    """Keep record *t*, and see whether the series is back where it was, or has been away long."""
    state = doubt.state
    if state[AGE] == 0:
        return
    at = int(state[AGE]) - 1
    doubt.targets[0, at], doubt.targets[1, at] = y, fill
    for i in range(len(x)):
        doubt.inputs[at, i] = x[i]
    state[AGE] += 1
    if y == y:
        state[CALMED] = state[CALMED] + 1 if abs(y - state[LAST]) <= state[REACH] else 0
    if state[CALMED] == CALM:
        state[NEWS] = RETURNS
    elif at + 1 == MOST:
        state[AGE], state[ENDED] = 0, t + 1


def seen(doubt: Doubt) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, stand-ins and inputs since it began; all before the calm ones are missing."""
    count = int(doubt.state[AGE]) - 1
    targets, inputs = doubt.targets[:, :count].copy(), doubt.inputs[:count].copy()
    first = np.flatnonzero(~np.isnan(targets[0]))[-CALM]
    targets[:, :first] = np.nan
    return targets[0], targets[1], inputs
