"""What a cell is.

A gated cell is a pointwise function of its unit's own pre-activations and own state,

    s[:, i] = φ(a[:, i], s₋[:, i]),                                            (1)

with z = [h₋, 1, x] (Z,), Z = J + 1 + m, J = H, pre-activations a = zᵀW (G, H), parameters
W (Z, G, H), state s (K, H) and hidden state h = s[0].  Besides s it reports

    A (K, G, H) = ∂s[k, i] / ∂a[g, i]
    B (K, K, H) = ∂s[k, i] / ∂s₋[l, i]   at fixed a.

Learners see only W, z, A and B.  A pre-activation reads a contiguous slice of z; the
rows of W outside it are zero and `mask` keeps them so.  A cell whose units do not feed
each other is diagonal: J = 0, z = [1, x], and its recurrence lives in φ alone.  Weights
with which a unit reads its own state are then pre-activations that read only the 1.
"""

from functools import singledispatch
from typing import Any

import numpy as np

from ..codegen.dispatch import generic


@generic
def activate(cell, a, s_, s, A, B):
    """Evaluate Eq. (1) and its partial derivatives; writes s, A and B."""


@generic
def mask(cell, g):
    """Zero, in the gradient g (Z, G, H), what no pre-activation reads."""


@generic
def make_weights(scratch, theta, at, work):
    """Write W into work.W, for a cell in whose parameters, from θ[at] on, it is not contained."""


@generic
def parameter_count(scratch, work):
    """How many parameters the layer has in θ."""


@generic
def take_back(scratch, at, work, g):
    """Turn dL/dW, in work.g, into derivatives of the layer's own parameters, in g (P,)."""


@generic
def drop(memory, cell, work, learning):
    """Choose what the layer hands upward, in work.shed (H,); whether it is not all."""


@make_weights.register
def plain_make_weights(scratch: (), theta, at, work):  # type: ignore[syntax]
    pass


@parameter_count.register
def plain_parameter_count(scratch: (), work):  # type: ignore[syntax]
    return work.z.size * work.a.size


@take_back.register
def plain_take_back(scratch: (), at, work, g):  # type: ignore[syntax]
    pass


@drop.register
def plain_drop(memory: (), cell, work, learning):  # type: ignore[syntax]
    return False


@singledispatch
def sizes(cell) -> tuple[int, int]:
    """(K, G): state components and pre-activations per unit of *cell*."""
    raise TypeError(f"{cell!r} is not a cell; the cells are in stream_rnn.cells.CELLS")


@singledispatch
def recurrent_rows(cell) -> int:
    """J: rows of W that read h₋; H, or 0 in a cell whose units do not feed each other."""
    return cell.units


@singledispatch
def parameter_shapes(cell, dims: dict[str, int]) -> list[tuple[int, ...]]:
    """The shapes of the layer's parameter arrays, as they lie in θ."""
    return [(dims["Z"], dims["G"], dims["H"])]


@singledispatch
def product_size(cell, dims: dict[str, int]) -> int:
    """Z·G·H in a cell whose W is made by `make_weights`; 0 where it is part of θ."""
    return 0


@singledispatch
def scratch_of(cell) -> Any:
    """The class of the scratch of a cell whose parameters are not simply W: see `make_weights`."""
    return ()


@singledispatch
def memory_of(cell) -> Any:
    """The class of what a cell remembers beside s."""
    return ()


@singledispatch
def reads_output(cell) -> bool:
    """Whether the network's output is fed back to the cell, so that it has to be the last."""
    return False


@singledispatch
def drops(cell) -> bool:
    """Whether the layer leaves out some of what it hands upward: see `drop`."""
    return False


@singledispatch
def initialise(cell, rng: np.random.Generator, W: np.ndarray) -> None:
    """Draw the initial parameters W (Z, G, H), or those of `parameter_shapes`, in place."""
    raise TypeError(f"{cell!r} is not a cell; the cells are in stream_rnn.cells.CELLS")


def draw(rng: np.random.Generator, W: np.ndarray, gain: float, orthogonal: bool) -> None:
    """Fan-in initialisation: every pre-activation starts with variance gain.

    Input and recurrent weights are uniform with variance gain / fan-in, the fan-in being
    the part of z that they read (Glorot & Bengio 2010, He et al. 2015); with *orthogonal*
    the recurrent block of each pre-activation is a random orthogonal matrix times √gain
    (Saxe et al. 2014).  Biases are 0.
    """
    _, G, H = W.shape
    W[:H] = rng.uniform(-1, 1, (H, G, H)) * np.sqrt(3 * gain / (2 * H))
    W[H] = 0
    draw_inputs(rng, W[H + 1 :], gain / 2)
    if orthogonal:
        for g in range(G):
            q, r = np.linalg.qr(rng.standard_normal((H, H)))
            W[:H, g] = q * np.sign(np.diag(r)) * np.sqrt(gain)


def draw_inputs(rng: np.random.Generator, W: np.ndarray, gain: float) -> None:
    """Input weights (m, G, H) alone: uniform with variance gain / m."""
    W[...] = rng.uniform(-1, 1, W.shape) * np.sqrt(3 * gain / max(len(W), 1))
