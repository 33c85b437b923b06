"""A level that jumps and stays: noticed, confirmed, and spliced out of the past."""

from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float

JUMP = 30.0  # root mean square changes; a larger change is suspect
CONFIRMED = 4  # records at the new level, after which it is believed
YOUNG = 30  # records before which nothing is suspect

AGE, SIZE, COUNT = range(3)


class Shift(NamedTuple):
    """The suspected shift: how many records old (0 for none), its size; shifts confirmed."""

    suspect: Annotated[Float, "3"]


def allocate() -> Shift:
    """Nothing suspected."""
    return trees.allocate(Shift, {})


@loose_kernel
def observe(shift, past, step, t):
    """Look at ``past[0]``; true if a shift has just been confirmed.

    Suspect: a change beyond 30 root mean square changes *step*.  Confirmed: the next three
    values stay within half the jump.  A lone outlier, which comes back, is never confirmed.
    """
    suspect = shift.suspect
    if suspect[AGE] == 0:
        change = past[0] - past[1]
        if t >= YOUNG and abs(change) > JUMP * step:
            suspect[AGE], suspect[SIZE] = 1, change
        return False
    age = int(suspect[AGE])
    if abs(past[0] - past[age]) > 0.5 * abs(suspect[SIZE]):
        suspect[AGE] = 0
        return False
    suspect[AGE] = age + 1
    if age + 1 < CONFIRMED:
        return False
    suspect[AGE] = 0
    suspect[COUNT] += 1
    return True
