"""Members that have earned no weight for long learn a part of the records only.

Every `REVIEW` records a member is looked at.  It is idle when it counted less than `LEAST` at the
last `CALM` reviews, though it had `BEGINNING` records to show what it can; then it learns every
`EVERY`-th record.  It predicts all of them, is weighed like the others, and is awake again at the
next review by which it counts more.  What is decided depends on the records alone, not on how
they are cut into chunks.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ..numerics.trees import NEWER, Int

REVIEW = 64
CALM = 8
BEGINNING = 1024
EVERY = 4
LEAST = 2e-3  # of these, the largest that cost no generator's stream more than .2 %: 1, 2, 4, 10e-3


class Idle(NamedTuple):
    """K members."""

    calm: Annotated[Int, "K", NEWER]  # reviews in a row at which a member had no weight


def review(idle: Idle, weights: np.ndarray, count: int) -> None:
    """Look at the members' *weights* (K,) after *count* records, if it is time."""
    if count % REVIEW:
        return
    idle.calm[:] = np.where(weights < LEAST, idle.calm + 1, 0) if count > BEGINNING else 0


def sampled(idle: Idle, k: int, y: np.ndarray, count: int) -> np.ndarray:
    """The targets y (T,), after *count* records, that member k learns; NaN for the others."""
    if idle.calm[k] < CALM:
        return y
    passed = (count + np.arange(len(y))) % EVERY != 0
    return np.where(passed, np.nan, y)


def until_review(count: int) -> int:
    """How many records come, after *count* others, before the next review.

    >>> [until_review(count) for count in (0, 1, 63, 64)]
    [64, 63, 1, 64]
    """
    return REVIEW - count % REVIEW
