"""What an optimizer is.

A gradient optimizer rewrites the gradient g (P,) in place as the step to be added to the
parameters θ (P,).  A tuple of them is a chain, itself an optimizer: each link reads what
the one before it wrote.  Links that remember own rows of `Moments.rows`, handed out in
order by `at`.
"""

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ..codegen.dispatch import generic


class Moments(NamedTuple):
    """The memory of a chain."""

    rows: np.ndarray  # (M, P)
    steps: np.ndarray  # (M,) updates seen by the link that owns the row
    clips: np.ndarray  # (1,) gradients that Clip made shorter


@generic
def update(optimizer, theta, g, memory, at):
    """Rewrite g as the step to take; returns the first row the next link may use."""


@singledispatch
def slots(optimizer) -> int:
    """How many rows of memory a link needs."""
    return 0


@update.register
def end(optimizer: (), theta, g, memory, at):
    return at


@update.register
def chain(optimizer: tuple, theta, g, memory, at):
    return update(optimizer[1:], theta, g, memory, update(optimizer[0], theta, g, memory, at))
