"""The last values of a series, newest first, in one contiguous piece."""

from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float, Int

CURSOR, COUNT = 0, 1


class History(NamedTuple):
    """``values[cursor + k]`` is the value k records ago.

    The buffer is twice the span: the cursor walks down, and when it arrives at 0 the newest
    span moves to the upper half, so a push costs O(1) on average and reading is a slice.
    """

    values: Annotated[Float, "2span"]
    clock: Annotated[Int, "2"]  # cursor, records seen


def allocate(span: int) -> History:
    """An empty history that can look *span* records back."""
    new = trees.allocate(History, {"span": span})
    new.clock[CURSOR] = span
    return new


@loose_kernel
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


@loose_kernel
def newest(history):
    """Where the newest value is: ``values[newest(h) + k]`` is k records old, for k < span."""
    return history.clock[CURSOR]
