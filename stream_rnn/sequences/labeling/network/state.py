"""Parameters of the network and what a sentence brings forth.

D readers (1, or 2: from the first token on, and from the last) of H units each read inputs of d
numbers; L labels.  Every reader has z = [h₋, 1, x] as cells have it (`cells.base`), Z = J + 1 + d.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ....cells.base import initialise, recurrent_rows, sizes
from ....numerics import trees
from ....numerics.trees import Float32, Int32
from ...sparse.adagrad import AdaGrad
from ...sparse.table import Table


class Weights(NamedTuple):
    """All that is learned but the inputs' table."""

    readers: Annotated[Float32, "D Z G H"]
    output: Annotated[Float32, "L R"]  # R = D H + 1: of [→h, ←h, 1]


class Pass(NamedTuple):
    """What a sentence of at most T tokens, with F features each, brings forth."""

    rows: Annotated[Int32, "T F"]
    x: Annotated[Float32, "T d"]
    z: Annotated[Float32, "D T Z"]  # in the order of reading, as s, A, B and delta
    a: Annotated[Float32, "G H"]
    s: Annotated[Float32, "D T+1 K H"]
    A: Annotated[Float32, "D T K G H"]
    B: Annotated[Float32, "D T K K H"]
    delta: Annotated[Float32, "D T G H"]  # dL/da
    sigma: Annotated[Float32, "2 K H"]  # dL/ds of a step and of the one before
    r: Annotated[Float32, "T R"]  # [→h, ←h, 1]
    d_r: Annotated[Float32, "T R"]
    d_x: Annotated[Float32, "T d"]
    e: Annotated[Float32, "T L"]  # dL/do


class Network(NamedTuple):
    """All of it, as kernels take it."""

    cell: Any
    rule: AdaGrad
    table: Table  # rows of d numbers, whose sum is the input
    weights: Weights
    squares: Weights  # of the gradients so far
    gradient: Weights
    work: Pass


def lengths(cell: Any, readers: int, width: int, labels: int) -> dict[str, int]:
    """Lengths by letter."""
    K, G = sizes(cell)
    H, J = cell.units, recurrent_rows(cell)
    own = {"D": readers, "H": H, "G": G, "K": K, "Z": J + 1 + width, "d": width}
    return own | {"L": labels, "R": readers * H + 1}


def weights_of(cell: Any, readers: int, width: int, labels: int) -> Weights:
    """Zeros."""
    made: Weights = trees.allocate(Weights, lengths(cell, readers, width, labels))
    return made


def work_of(cell: Any, readers: int, width: int, labels: int, tokens: int, features: int) -> Pass:
    """Room for sentences of so many tokens."""
    more = {"T": tokens, "F": features}
    made: Pass = trees.allocate(Pass, lengths(cell, readers, width, labels) | more)
    return made


def draw(cell: Any, weights: Weights, seed: int) -> None:
    """Initial parameters: readers as the cell draws its own, a row of the output by its number."""
    rng = np.random.default_rng(seed)
    for W in weights.readers:
        initialise(cell, rng, W)
    for label, row in enumerate(weights.output):  # each by itself: not changed by room for more
        drawn = np.random.default_rng([seed, label]).uniform(-1, 1, row.size - 1)
        row[:-1] = drawn * np.sqrt(3 / row.size)
