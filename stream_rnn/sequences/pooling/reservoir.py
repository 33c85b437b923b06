"""A recurrent cell that is drawn at random and stays as it is (Jaeger 2001; Maass et al. 2002).

What is learned is the readout alone, which least squares does exactly.  The summary of a sequence
is its last state h_T and the mean of h_1 … h_T: of the two either alone fails on some data.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ...cells.base import activate, initialise, recurrent_rows, sizes
from ...codegen.dispatch import kernel
from ...numerics.linalg import combine_rows, copy
from ...numerics.trees import Float, Float32


class Weights(NamedTuple):
    """See `cells.base`."""

    W: Annotated[Float32, "Z G H"]


class Passage(NamedTuple):
    """Where a sequence has got to."""

    s: Annotated[Float32, "K H"]
    total: Annotated[Float, "H"]  # Σ h


class Step(NamedTuple):
    """Scratch of one step."""

    z: Annotated[Float32, "Z"]
    a: Annotated[Float32, "G H"]
    s: Annotated[Float32, "K H"]
    A: Annotated[Float32, "K G H"]
    B: Annotated[Float32, "K K H"]


def sizes_of(cell: Any, channels: int) -> dict[str, int]:
    """Lengths by letter for m channels."""
    K, G = sizes(cell)
    return {"K": K, "G": G, "H": cell.units, "Z": recurrent_rows(cell) + 1 + channels}


def draw(cell: Any, W: np.ndarray, known: int, fan_in: int, seed: int) -> None:
    """Draw W (Z, G, H), but for the rows of the first *known* channels if there are some.

    Every channel's rows come from a seed of their own, at the scale of *fan_in* channels, so
    that those of a channel are the same whenever it appears.
    """
    first = recurrent_rows(cell) + 1
    drawn = np.zeros((first + fan_in, *W.shape[1:]))
    initialise(cell, np.random.default_rng(seed), drawn)
    if not known:
        W[:first] = drawn[:first]
    for j in range(known, len(W) - first):
        one = np.zeros((first + fan_in, *W.shape[1:]))
        initialise(cell, np.random.default_rng((seed, j)), one)
        W[first + j] = one[first + j % fan_in]


@kernel
def clear(passage):
    """A sequence without steps."""
    for k in range(passage.s.shape[0]):
        for i in range(passage.s.shape[1]):
            passage.s[k, i] = 0
    for i in range(passage.total.size):
        passage.total[i] = 0


@kernel
def take(cell, W, passage, step, x):
    """One step x (m,) in standard units."""
    Z, G, H = W.shape
    J = Z - 1 - x.size
    copy(passage.s[0], step.z[:J])
    step.z[J] = 1
    copy(x, step.z[J + 1 :])
    combine_rows(step.z, W.reshape(Z, G * H), step.a.reshape(G * H))
    activate(cell, step.a, passage.s, step.s, step.A, step.B)
    copy(step.s.reshape(step.s.size), passage.s.reshape(step.s.size))
    for i in range(H):
        passage.total[i] += passage.s[0, i]


@kernel
def write(passage, steps, out):
    """Last state and mean of the states: (2 H,)."""
    H = passage.total.size
    for i in range(H):
        out[i] = passage.s[0, i]
        out[H + i] = passage.total[i] / max(steps, 1)
