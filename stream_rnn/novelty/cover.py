"""Centres that cover the past, at most so many (streaming k-centre, Charikar et al. 1997).

A new centre where none is within the radius; a larger radius when there are too many.  A
pattern waits for an episode before it may become a centre: what began a moment ago is not yet
what is usual.
"""

from math import sqrt

import numpy as np

from ..codegen.dispatch import kernel
from ..numerics.linalg import copy
from .state import CENTRED, CENTRES, RADIUS, WAITING

GROW, KEEP = 1.25, 192  # the radius grows by such factors until so many centres are left


@kernel
def nearest(pattern, centres, count):
    """Distance from *pattern* (W,) to the nearest of the first *count* of *centres* (·, W)."""
    best = np.inf
    for i in range(count):
        d = 0.0
        for j in range(len(pattern)):
            q = pattern[j] - centres[i, j]
            d += q * q
        best = min(best, d)
    return sqrt(best)


@kernel
def thin(marks, centres):
    """A larger radius, until few enough centres are left."""
    count = int(marks[CENTRED])
    if marks[RADIUS] == 0:
        marks[RADIUS] = _closest(centres, count)
    while count > KEEP:
        marks[RADIUS] *= GROW
        left = 0
        for i in range(count):
            if left == 0 or nearest(centres[i], centres, left) > marks[RADIUS]:
                copy(centres[i], centres[left])
                left += 1
        count = left
    marks[CENTRED] = count


@kernel
def _closest(centres, count):
    """The least distance between two centres; all differ."""
    least = np.inf
    for i in range(1, count):
        least = min(least, nearest(centres[i], centres, i))
    return least


@kernel
def remember(cover, f, view, pattern, distance, now, ripe, least):
    """Let *pattern*, so *distant* from the past, wait; take over what came before *ripe*.

    What is nearer than *least* is the same.
    """
    marks, centres = cover.marks[f, view], cover.centres[f, view]
    waiting, since = cover.waiting[f, view], cover.since[f, view]
    count, reach = int(marks[WAITING]), max(marks[RADIUS], least)
    if distance > reach and count < CENTRES and nearest(pattern, waiting, count) > reach:
        copy(pattern, waiting[count])
        since[count] = now
        count += 1
    done = 0
    while done < count and since[done] <= ripe:
        reach = max(marks[RADIUS], least)
        if nearest(waiting[done], centres, int(marks[CENTRED])) > reach:
            copy(waiting[done], centres[int(marks[CENTRED])])
            marks[CENTRED] += 1
            if marks[CENTRED] > CENTRES:
                thin(marks, centres)
        done += 1
    if done > 0:
        for i in range(done, count):
            copy(waiting[i], waiting[i - done])
            since[i - done] = since[i]
        count -= done
    marks[WAITING] = count
