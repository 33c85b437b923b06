"""The last values of a series, newest first, in one contiguous piece."""

from typing import NamedTuple

import numpy as np

from ..kernels import kernel

CURSOR, COUNT = 0, 1


class History(NamedTuple):
    """``values[cursor + k]`` is the value k records ago.

    The buffer is twice the span: the cursor walks down, and when it arrives at 0 the newest
    span moves to the upper half, so a push costs O(1) on average and reading is a slice.
    """

    values: np.ndarray  # (2 * span,)
    clock: np.ndarray  # int64 (2,): cursor, records seen


def allocate(span: int) -> History:
    """An empty history that can look *span* records back."""
    return History(np.zeros(2 * span), np.array([span, 0], np.int64))


@kernel
def push(history, value):
    """Append *value*; before the first one the series is taken to have been constant."""
    values, clock = history.values, history.clock
    span = len(values) // 2
    if clock[COUNT] == 0:
        for k in range(len(values)):
            values[k] = value
    if clock[CURSOR] == 0:
        for k in range(span):
            values[span + k] = values[k]
        clock[CURSOR] = span
    clock[CURSOR] -= 1
    clock[COUNT] += 1
    values[clock[CURSOR]] = value


@kernel
def newest(history):
    """Where the newest value is: ``values[newest(h) + k]`` is k records old, for k < span."""
    return history.clock[CURSOR]
