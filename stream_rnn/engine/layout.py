"""Which arrays a network consists of, for a model with m inputs and O outputs.

Sizes are named by letters, as in the equations, and resolved here, in one place.
"""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..cells.base import (
    memory_axes,
    parameter_shapes,
    product_size,
    recurrent_rows,
    scratch_axes,
    shape,
)
from ..learners.base import trace_axes, work_axes
from ..numerics.trees import INT, Axes, resolve
from ..optimizers.base import Moments, slots
from ..optimizers.kalman import Covariance, Kalman
from .adapt import Descent, Filter
from .model import Model
from .network import Layer, LayerWork, Work
from .scale import Moments as ScaleMoments


class State(NamedTuple):
    """All that a network remembers from one record to the next."""

    theta: np.ndarray  # (P,) = [W of each layer (Z, G, H), V (R, O)]
    gradient: np.ndarray  # (P,) gathered since the last update
    saved: np.ndarray  # (2, P): the initial parameters, and the last ones known to be good
    layers: tuple  # Layer for each cell
    memory: Any  # the optimizer's: Moments or Covariance
    inputs: ScaleMoments
    targets: ScaleMoments
    counts: np.ndarray  # (4,) see engine
    sums: np.ndarray  # (1,) loss


class Layout(NamedTuple):
    """The arrays of a network, as `Field`s, and the shapes of its parameters."""

    state: State
    work: Work
    arrays: list  # shapes of the parameter arrays of each layer
    shapes: list  # the same without layers, and the readout's


def lay_out(model: Model, inputs: int, outputs: int, *, skip: bool, dtype: np.dtype) -> Layout:
    """The arrays for m inputs and O outputs; with *skip* the readout sees the inputs too."""
    layers, works, shapes, arrays, m = [], [], [], [], inputs
    seen = inputs if skip else 0
    for cell in model.cells:
        K, G = shape(cell)
        H, J = cell.units, recurrent_rows(cell)
        dims = {"K": K, "G": G, "H": H, "J": J, "Z": J + 1 + m, "D": m}
        dims["Q"] = sum(prod(s) for s in shapes)  # parameters below
        dims |= {"O": outputs, "R": H + 1 + seen}  # if uppermost
        dims["W"] = product_size(cell, dims)
        trace, memory = trace_axes(model.learner, dims), memory_axes(cell)
        layers.append(resolve(Layer(Axes(("K", "H")), trace, memory), dims, dtype))
        scratch = scratch_axes(cell, dims), work_axes(model.learner, dims)
        works.append(resolve(LayerWork(*_LAYER_WORK, *scratch), dims, dtype))
        arrays.append(parameter_shapes(cell, dims))
        shapes += arrays[-1]
        m = H
    shapes.append((m + 1 + seen, outputs))
    dims = {"m": inputs, "O": outputs, "R": m + 1 + seen}
    dims["P"] = sum(prod(s) for s in shapes)
    memory, scratch = _optimizer_fields(model.optimizer, dims, shapes, dtype)
    head, tail = resolve(_PARAMETERS, dims, dtype), resolve(_RUNNING, dims, dtype)
    state = State(*head, tuple(layers), memory, *tail)
    vectors = resolve(_VECTORS, dims, dtype)
    return Layout(state, Work(tuple(works), *vectors, scratch), arrays, shapes)


def _optimizer_fields(optimizer, dims: dict[str, int], shapes: list[tuple[int, ...]], dtype):
    """Fields of the optimizer's memory and of its scratch."""
    if isinstance(optimizer, Kalman):
        layers = []
        for Z, G, H in shapes[:-1]:
            sizes = {"L": Z * (Z + 1) // 2, "G": G, "H": H}
            layers.append(resolve(Axes(("L", "G", "H")), sizes, dtype))
        sizes = dims | {"Q": dims["R"] * (dims["R"] + 1) // 2}
        rest = (Axes(("Q", "O")), Axes(("O",), np.float64), Axes(("2",), INT))
        memory = Covariance(tuple(layers), *resolve(rest, sizes, dtype))
        return memory, resolve(Filter(*[Axes(("P",))] * 3), dims, dtype)
    sizes = dims | {"M": sum(slots(link) for link in optimizer)}
    memory = Moments(Axes(("M", "P")), Axes(("M",), INT), Axes(("1",), INT))
    return resolve(memory, sizes, dtype), Descent()


# Of `State`: theta, gradient and saved; then inputs, targets, counts and sums.
_PARAMETERS = (Axes(("P",)), Axes(("P",)), Axes(("2", "P")))
_RUNNING = (
    ScaleMoments(*[Axes(("m",), np.float64)] * 3),
    ScaleMoments(*[Axes(("O",), np.float64)] * 3),
    Axes(("4",), INT),
    Axes(("1",), np.float64),
)

# Of `Work`: x, y, r, o, p and e.
_VECTORS = tuple(Axes((letter,)) for letter in "mOROOO")

# Of `LayerWork`: all but what cell and learner say.
_LAYER_WORK = (
    Axes(("Z",)),
    Axes(("G", "H")),
    Axes(("K", "H")),
    Axes(("K", "G", "H")),
    Axes(("K", "K", "H")),
    Axes(("H",)),
    Axes(("J",)),
    Axes(("H",)),
    Axes(("H",)),
    Axes(("W",)),
    Axes(("W",)),
)
