"""Dropout on what a layer hands upward (Zaremba, Sutskever & Vinyals 2014)."""

from typing import Annotated, Any, NamedTuple

from ..errors import ConfigError, check
from ..numerics.linalg import zero
from ..numerics.randomness import seed_word, uniform
from ..numerics.trees import Word
from . import base
from .lstm import LSTM


class Dropout(NamedTuple):
    """``Dropout(LSTM(16), rate=0.2)``: its recurrent connections stay whole.

    While it learns, each unit's output to the layer above, or to the readout, is left out
    with probability *rate*, and otherwise scaled by 1/(1 − rate).  Predictions use all of
    them.  Every learned record evaluates the network twice.  The generator is part of the
    state; *seed* starts it.

    >>> from stream_rnn import Dropout, GRU, RecurrentRegressor
    >>> model = RecurrentRegressor(cell=Dropout(GRU(8), rate=0.1), seed=1)
    >>> for t in range(300):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> abs(model.predict_one({"x": 1}) - 1) < 0.2
    True
    """

    cell: Any = LSTM()
    rate: float = 0.2
    seed: int = 0

    @property
    def units(self) -> int:
        return self.cell.units


class Generator(NamedTuple):
    """The state of the generator that says which units are left out."""

    word: Annotated[Word, "1"]


@check.register
def _(cell: Dropout):
    if not 0 <= cell.rate < 1:
        raise ConfigError(f"rate: {cell.rate}; Dropout leaves out 0 ≤ rate < 1 of the units")
    if isinstance(cell.cell, Dropout):
        raise ConfigError(f"cell: {cell} drops twice; use one Dropout with a higher rate")
    check(cell.cell)


@base.drops.register
def _(cell: Dropout):
    return True


@base.reads_output.register
def _(cell: Dropout):
    return base.reads_output(cell.cell)


@base.memory_of.register
def _(cell: Dropout):
    return Generator


@base.sizes.register
def _(cell: Dropout):
    return base.sizes(cell.cell)


@base.recurrent_rows.register
def _(cell: Dropout):
    return base.recurrent_rows(cell.cell)


@base.parameter_shapes.register
def _(cell: Dropout, dims):
    return base.parameter_shapes(cell.cell, dims)


@base.product_size.register
def _(cell: Dropout, dims):
    return base.product_size(cell.cell, dims)


@base.scratch_of.register
def _(cell: Dropout):
    return base.scratch_of(cell.cell)


@base.initialise.register
def _(cell: Dropout, rng, *arrays):
    base.initialise(cell.cell, rng, *arrays)


@base.activate.register
def activate(cell: Dropout, a, s_, s, A, B):
    base.activate(cell.cell, a, s_, s, A, B)


@base.mask.register
def mask(cell: Dropout, g):
    base.mask(cell.cell, g)


@base.drop.register
def drop(memory: Generator, cell, work, learning):
    shed = work.shed
    if not learning:
        zero(shed)
        return False
    seed_word(memory.word, cell.seed)
    for i in range(shed.size):
        dropped = uniform(memory.word) < cell.rate
        shed[i] = 1.0 if dropped else 1.0 - 1.0 / (1.0 - cell.rate)
    return True
