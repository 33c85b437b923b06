"""The views of a field: exponential means over 1, 2, 4, …, 128 of its last records.

    level     of the values
    shape     of asinh((value − mean)/mean deviation): a spike does not hide the rest
    movement  of asinh(5 |step|/mean |step|): silence and unrest

and shape and movement with the time of day, where records have a time: what is ordinary at
noon is news at night.  Mean, deviation and mean step are those of the whole past, so that
the views do not change with the unit, and but for the level not with the offset.
"""

from math import asinh, cos, pi, sin

from ..codegen.dispatch import kernel
from .state import DEVIATION, LAST, LEVEL, MEAN, MEANS, SEEN, SHAPE, SHAPE_AT, STEP

YOUNG = 20  # records before anything is compared
EXCESS = 1000.0  # deviations; what is further is as far, or it would hide all that follows
RESTLESS = 5.0
DAY = 86_400.0  # seconds
CLOCK_WEIGHT = 0.7  # radius of the day's circle, in mean deviations


@kernel
def limited(clock, x):
    """*x*, no further away than counts."""
    reach = EXCESS * clock[DEVIATION]
    if clock[SEEN] < YOUNG or reach == 0:
        return x
    return min(clock[MEAN] + reach, max(clock[MEAN] - reach, x))


@kernel
def observe(clock, x):
    """Take the value *x*, which is `limited`, into the moments."""
    now = clock[SEEN]
    if now == 0:
        clock[MEAN] = clock[LAST] = x
    clock[DEVIATION] += (abs(x - clock[MEAN]) - clock[DEVIATION]) / (now + 1)
    clock[MEAN] += (x - clock[MEAN]) / (now + 1)
    if now > 0:
        clock[STEP] += (abs(x - clock[LAST]) - clock[STEP]) / now


@kernel
def measured(clock, view, x):
    """What *view* takes the means of."""
    if view == LEVEL:
        return x
    if view in (SHAPE, SHAPE_AT):
        return asinh((x - clock[MEAN]) / clock[DEVIATION]) if clock[DEVIATION] > 0 else 0.0
    moved = abs(x - clock[LAST])
    return asinh(RESTLESS * moved / clock[STEP]) if clock[STEP] > 0 else 0.0


@kernel
def average(means, clock, view, x, time):
    """Take *x* into the *means* (W,) of *view*, with the *time* in seconds."""
    y, share = measured(clock, view, x), 1 / (clock[SEEN] + 1)
    for j in range(MEANS):
        means[j] += max(0.5**j, share) * (y - means[j])
    if view >= SHAPE_AT:
        angle = 2 * pi * (time / DAY)
        means[MEANS], means[MEANS + 1] = CLOCK_WEIGHT * cos(angle), CLOCK_WEIGHT * sin(angle)
