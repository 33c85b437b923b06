"""Which arrays a network consists of, for a model with m inputs and O outputs.

Sizes are named by letters, as in the equations, and found here, in one place.
"""

from math import prod
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..cells.base import (
    memory_of,
    parameter_shapes,
    product_size,
    recurrent_rows,
    scratch_of,
)
from ..cells.base import sizes as sizes_of_cell
from ..learners.base import trace_of, work_of
from ..numerics.trees import Float, Int, Real, fields
from ..optimizers import base as optimizers
from .former import Former
from .model import Model
from .moments import Moments as ScaleMoments
from .network import Layer, LayerWork, Work


class State(NamedTuple):
    """All that a network remembers from one record to the next."""

    theta: Annotated[Real, "P"]  # [W of each layer (Z, G, H), V (R, O)]
    gradient: Annotated[Real, "P"]  # gathered since the last update
    saved: Annotated[Real, "2 P"]  # the initial parameters, and the last ones known to be good
    layers: tuple[Layer, ...]  # one for each cell
    memory: Any  # the optimizer's
    inputs: ScaleMoments
    targets: ScaleMoments
    counts: Annotated[Int, "4"]  # see `loop`
    sums: Annotated[Float, "1"]  # loss
    former: Former


class Layout(NamedTuple):
    """The arrays of a network, as `Field`s, and the shapes of its parameters."""

    state: State
    work: Work
    arrays: list[list[tuple[int, ...]]]  # shapes of the parameter arrays of each layer
    shapes: list[tuple[int, ...]]  # the same without layers, and the readout's


def lay_out(model: Model, inputs: int, outputs: int, *, skip: bool, dtype: np.dtype) -> Layout:
    """The arrays for m inputs and O outputs; with *skip* the readout sees the inputs too."""
    layers, works, arrays, m = [], [], [], inputs
    shapes: list[tuple[int, ...]] = []
    seen = inputs if skip else 0
    for cell in model.cells:
        sizes = _sizes_of(cell, m) | {"O": outputs, "R": cell.units + 1 + seen}  # if uppermost
        sizes["Q"] = sum(prod(s) for s in shapes)  # parameters below
        sizes["W"] = product_size(cell, sizes)
        layers.append(_layer(model.learner, cell, sizes, dtype))
        works.append(_layer_work(model.learner, cell, sizes, dtype))
        arrays.append(parameter_shapes(cell, sizes))
        shapes += arrays[-1]
        m = cell.units
    shapes.append((m + 1 + seen, outputs))
    sizes = {"m": inputs, "O": outputs, "R": m + 1 + seen, "P": sum(prod(s) for s in shapes)}
    optimizer = model.optimizer
    state = fields(
        *(State, sizes, dtype),
        layers=tuple(layers),
        memory=optimizers.memory_of(optimizer, sizes, shapes, dtype),
        targets=fields(ScaleMoments, {"m": outputs}),
    )
    scratch = fields(optimizers.scratch_of(optimizer), sizes, dtype)
    work = fields(Work, sizes, dtype, layers=tuple(works), optimizer=scratch)
    return Layout(state, work, arrays, shapes)


def _sizes_of(cell: Any, inputs: int) -> dict[str, int]:
    """Lengths by letter of a layer that reads so many *inputs*."""
    K, G = sizes_of_cell(cell)
    J = recurrent_rows(cell)
    return {"K": K, "G": G, "H": cell.units, "J": J, "Z": J + 1 + inputs, "D": inputs}


def _layer(learner: Any, cell: Any, sizes: dict[str, int], dtype: np.dtype) -> Layer:
    trace = fields(trace_of(learner, sizes), sizes, dtype)
    return fields(Layer, sizes, dtype, trace=trace, memory=fields(memory_of(cell), sizes, dtype))


def _layer_work(learner: Any, cell: Any, sizes: dict[str, int], dtype: np.dtype) -> LayerWork:
    of_cell = fields(scratch_of(cell), sizes, dtype)
    of_learner = fields(work_of(learner, sizes), sizes, dtype)
    return fields(LayerWork, sizes, dtype, cell=of_cell, learner=of_learner)
