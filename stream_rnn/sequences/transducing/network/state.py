"""Parameters of the network and what a record brings forth.

H units read in each direction, D = 2H write; A source and V target symbols.  Every pre-activation
is a row of a lookup table, that of the symbol, plus zᵀW with z = [h₋, 1] or [h₋, 1, context].
"""

from math import prod
from typing import Annotated, Any, NamedTuple

import numpy as np

from ....cells.base import initialise, mask, sizes
from ....numerics.places import aligned
from ....numerics.trees import Float, Float32, Int, fields, replaced, walk, zeros
from ....optimizers.base import Moments


class Weights(NamedTuple):
    """All that is learned."""

    ahead: Annotated[Float32, "H+1 G H"]  # the reader from the first symbol to the last
    ahead_lookup: Annotated[Float32, "A G H"]
    back: Annotated[Float32, "H+1 G H"]  # from the last to the first
    back_lookup: Annotated[Float32, "A G H"]
    writer: Annotated[Float32, "Z G D"]  # Z = D + 1 + D
    writer_lookup: Annotated[Float32, "V G D"]
    query: Annotated[Float32, "D D"]
    output: Annotated[Float32, "V R"]  # R = 2D + 1: of [h, context, 1]


class Layer(NamedTuple):
    """A layer over T steps."""

    z: Annotated[Float32, "T z"]
    a: Annotated[Float32, "G h"]
    s: Annotated[Float32, "T+1 K h"]
    A: Annotated[Float32, "T K G h"]
    B: Annotated[Float32, "T K K h"]
    delta: Annotated[Float32, "T G h"]  # dL/da
    sigma: Annotated[Float32, "2 K h"]  # dL/ds of a step and of the one before
    reads: Annotated[Float32, "G h"]  # 1 where a pre-activation reads the input, else 0


class Record(NamedTuple):
    """What a record brings forth: n source symbols, END included, and T target symbols."""

    ahead: Layer
    back: Layer
    writer: Layer
    notes: Annotated[Float32, "T D"]  # of the reader, on each source symbol
    d_notes: Annotated[Float32, "T D"]
    attention: Annotated[Float32, "T T"]
    queries: Annotated[Float32, "T D"]
    d_queries: Annotated[Float32, "T D"]
    hidden: Annotated[Float32, "T D"]
    r: Annotated[Float32, "T R"]  # [h, context, 1]
    d_r: Annotated[Float32, "T R"]
    e: Annotated[Float32, "T V"]  # p − y
    context: Annotated[Float32, "D"]
    d_context: Annotated[Float32, "D"]
    inputs: Annotated[Int, "T"]  # of the writer: END, and the target before each step


class Beam(NamedTuple):
    """Scratch of decoding: b partial targets."""

    s: Annotated[Float32, "b K D"]
    context: Annotated[Float32, "b D"]
    next_s: Annotated[Float32, "b K D"]
    next_context: Annotated[Float32, "b D"]
    p: Annotated[Float32, "b V"]
    scores: Annotated[Float, "b"]
    best: Annotated[Float, "b"]
    parent: Annotated[Int, "b"]
    symbol: Annotated[Int, "b"]
    parents: Annotated[Int, "T b"]
    symbols: Annotated[Int, "T b"]


class Network(NamedTuple):
    """All of it; `Weights` are views of the vectors (P,) beside them."""

    weights: Weights
    mean: Weights  # θ̄, which predicts
    gradient: Weights
    moments: tuple[Weights, Weights]  # Adam's
    theta: np.ndarray
    theta_mean: np.ndarray
    g: np.ndarray
    memory: Moments
    record: Record
    beam: Beam
    steps: np.ndarray  # (1,): records learned


def sizes_of(cell: Any, sources: int, targets: int, longest: int, beam: int) -> dict[str, int]:
    """Lengths by letter."""
    K, G = sizes(cell)
    H, D = cell.units, 2 * cell.units
    own = {"H": H, "D": D, "G": G, "K": K, "A": sources, "V": targets, "T": longest + 1}
    return own | {"Z": 2 * D + 1, "R": 2 * D + 1, "b": beam}


def create(cell: Any, sources: int, targets: int, longest: int, beam: int) -> Network:
    """A network of zeros with room for so many symbols of either side."""
    lengths = sizes_of(cell, sources, targets, longest, beam)
    H, D = lengths["H"], lengths["D"]
    weights = fields(Weights, lengths)
    (theta, own), (theta_mean, mean), (g, gradient) = (together(weights) for _ in range(3))
    rows, moments = together((weights, weights))
    counted = aligned((2,), np.int64), aligned((1,), np.int64), aligned((1,), np.int64)
    memory = Moments(rows.reshape(2, theta.size), counted[0], counted[1])
    reader = fields(Layer, lengths | {"h": H, "z": H + 1})
    writer = fields(Layer, lengths | {"h": D, "z": lengths["Z"]})
    record = fields(Record, lengths, ahead=reader, back=reader, writer=writer)
    work, beams = zeros((record, fields(Beam, lengths)))
    for layer in (work.ahead, work.back, work.writer):
        layer.reads[...] = reads_input(cell, layer.reads.shape[1])
    return Network(
        own, mean, gradient, moments, theta, theta_mean, g, memory, work, beams, counted[2]
    )


def reads_input(cell: Any, units: int) -> np.ndarray:
    """(G, units): which pre-activations read inputs, as the cell's `mask` says."""
    g = np.ones((units + 2, sizes(cell)[1], units), np.float32)
    mask(cell, g)
    return g[-1]


def together(tree: Any) -> tuple[np.ndarray, Any]:
    """Zeros for a tree of float32 fields, and the vector that they lie in."""
    size = sum(-(-prod(field.shape) // 16) * 16 for _, field in walk(tree))
    buffer, arrays = aligned((size,), np.float32), []
    at = 0
    for _, field in walk(tree):
        arrays.append(buffer[at : at + prod(field.shape)].reshape(field.shape))
        at += -(-prod(field.shape) // 16) * 16  # a cache line
    return buffer, replaced(tree, arrays)


def draw_weights(cell: Any, weights: Weights, seed: int) -> None:
    """Initial parameters, those of layers as the cell draws its own."""
    rng = np.random.default_rng(seed)
    for W in (weights.ahead, weights.back, weights.writer):
        initialise(cell._replace(units=W.shape[2]), rng, W)
    D = len(weights.query)
    weights.query[...] = rng.uniform(-1, 1, (D, D)) * np.sqrt(3 / D)
    for n, table in enumerate(weights[1:4:2] + weights[5:8:2]):
        for row, values in enumerate(table):  # each by itself: not changed by room for more
            drawn = np.random.default_rng([seed, n, row]).uniform(-1, 1, values.shape)
            values[...] = drawn * np.sqrt(1.5 if values.ndim == 2 else 3 / len(values))
            if values.ndim == 2:
                values *= reads_input(cell, values.shape[1])
    weights.output[:, -1] = 0


def saved(network: Network) -> dict[str, np.ndarray]:
    """What is saved of it, by name."""
    kept = {name: getattr(network, name) for name in ("weights", "mean", "moments", "steps")}
    arrays = dict(walk(tuple(kept.values())))
    named = {f"{list(kept)[int(n[0])]}{n[1:]}": array for n, array in arrays.items()}
    return named | {"memory.steps": network.memory.steps, "memory.clips": network.memory.clips}
