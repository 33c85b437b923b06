"""Experts that keep one number: exponentially weighted moving averages."""

from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import Float
from .base import as_it_is, learn, level_shift, longer, observe, pack_like, predict, size


class Ewma(NamedTuple):
    """ℓ ← ℓ + max(rate, 1/n)·(y − ℓ), predicting ℓ; rate 1 is the last value."""

    rate: float = 0.3
    weight: float = 1.0  # share of the prior, relative to the other experts


class Levels(NamedTuple):
    """A group of n `Ewma`."""

    rate: Annotated[Float, "n"]
    level: Annotated[Float, "n"]


def pack(specs: list[Ewma]) -> Levels:
    """The group of *specs* before the first record."""
    new = trees.allocate(Levels, {"n": len(specs)})
    new.rate[:] = [spec.rate for spec in specs]
    return new


longer.register(Levels, as_it_is)


@pack_like.register
def _pack(first: Ewma, specs, shared):
    return pack(specs)


@loose_kernel
def follow(rates, levels, y, t):
    """One step of every average; the first value starts them all."""
    for i in range(len(rates)):
        rate = max(rates[i], 1.0 / (t + 1))
        levels[i] = y if rate >= 1 else levels[i] + rate * (y - levels[i])


@size.register
def _size(group: Levels):
    return len(group.level)


@learn.register
def _learn(group: Levels, rows, slot, target, rate):
    pass


@observe.register
def _observe(group: Levels, past, t, h, period):
    follow(group.rate, group.level, past[0], t)


@predict.register
def _predict(group: Levels, row, units, past, t, h, slot, out):
    for i in range(len(group.level)):
        out[i] = group.level[i]


@level_shift.register
def _level_shift(group: Levels, jump, age):
    for i in range(len(group.level)):
        group.level[i] += jump * (1 - group.rate[i]) ** age
