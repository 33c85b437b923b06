"""An expert for the forecaster: the change before comes again."""

from typing import Annotated, NamedTuple

from stream_rnn.forecasting.experts.base import (
    learn,
    level_shift,
    observe,
    pack_like,
    predict,
    size,
)
from stream_rnn.numerics import trees
from stream_rnn.numerics.trees import Float


class Momentary(NamedTuple):
    """S[t + h] = S[t] + h damping (S[t] − S[t − 1])."""

    damping: float = 0.5
    weight: float = 1.0


class Changes(NamedTuple):
    """A group of n `Momentary`."""

    damping: Annotated[Float, "n"]
    last: Annotated[Float, "1"]
    change: Annotated[Float, "1"]


@pack_like.register
def _pack(first: Momentary, specs, shared):
    new = trees.allocate(Changes, {"n": len(specs)})
    new.damping[:] = [spec.damping for spec in specs]
    return new


@size.register
def _size(group: Changes):
    return len(group.damping)


@learn.register
def _learn(group: Changes, rows, slot, target, rate):
    pass


@observe.register
def _observe(group: Changes, past, t, h, period):
    group.change[0] = past[0] - group.last[0] if t > 0 else 0.0
    group.last[0] = past[0]


@predict.register
def _predict(group: Changes, row, units, past, t, h, slot, out):
    for i in range(len(group.damping)):
        out[i] = group.last[0] + h * group.damping[i] * group.change[0]


@level_shift.register
def _level_shift(group: Changes, jump, age):
    pass
