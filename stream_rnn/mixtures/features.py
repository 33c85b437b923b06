"""Fixed features of a record: 1, z, hat functions on a grid over each z, and products.

Products are z_i z_j (i > j), and with *hinges* max(0, z_i) z_j (i ≠ j), as many as fit, drawn at
random.  z is held within ±3 there.  A feature is named by two numbers, `names` (D, 2):

    (0, 0): 1     (1, i): z_i     (2 + g, i): hat g of z_i     (−1 − i, j): z_i z_j
    (−1 − m' − i, j): max(0, z_i) z_j, with m' = 65536
"""

import functools
from math import sqrt

import numpy as np

from ..codegen.dispatch import entry, kernel

REACH = 1.75  # the grid of hats spans ± this
GRID = 8
HELD = np.float32(3.0)
HINGE = 1 << 16


def sizes(inputs: int, most: int, hinges: bool, pairs: bool) -> tuple[int, int]:
    """(hats a column, products) for *inputs* columns and at most *most* features."""
    grid = min(GRID, (most - 1 - inputs) // inputs) if 0 < inputs < most else 0
    grid = grid if grid >= 3 else 0
    couples = inputs * (inputs - 1) // 2 * (3 if hinges else 1)
    room = most - 1 - inputs - inputs * grid
    return grid, max(0, min(couples, room)) if pairs else 0


def name(inputs: int, most: int, hinges: bool, pairs: bool, seed: int, names: np.ndarray) -> None:
    """Write into *names* (D, 2) what each feature is."""
    grid, count = sizes(inputs, most, hinges, pairs)
    spell(inputs, grid, _drawn(inputs, count, hinges, seed), names)


@functools.lru_cache(4)  # members of a mixture draw the same
def _drawn(inputs: int, count: int, hinges: bool, seed: int) -> np.ndarray:
    """The numbers (count,) of products: pairs first; drawn at random if not all have room."""
    every = inputs * (inputs - 1) // 2 * (3 if hinges else 1)
    if count == every:
        return np.arange(every)
    return np.random.default_rng(seed).permutation(every)[:count].copy()


@entry
def spell(inputs, grid, products, names):
    """The names (D, 2) of all features; *products* are told by number."""
    names[0, 0], names[0, 1] = 0, 0
    at = 1 + inputs
    for i in range(inputs):
        names[1 + i, 0], names[1 + i, 1] = 1, i
        for g in range(grid):
            names[at, 0], names[at, 1] = 2 + g, i
            at += 1
    pairs = inputs * (inputs - 1) // 2
    for k in range(products.size):
        which = products[k]
        if which < pairs:  # of a triangle, by rows
            i = int(1 + sqrt(1 + 8 * which)) // 2
            names[at + k, 0], names[at + k, 1] = -1 - i, which - i * (i - 1) // 2
        else:  # of a square without its diagonal
            i, j = (which - pairs) // (inputs - 1), (which - pairs) % (inputs - 1)
            names[at + k, 0], names[at + k, 1] = -1 - HINGE - i, j + (j >= i)


@kernel
def expand(grid, products, z, phi):
    """Write the features of z (m,) into *phi* (D,); *products* are their last names."""
    m = z.size
    phi[0] = 1
    for i in range(m):
        phi[1 + i] = max(-HELD, min(HELD, z[i]))
    at = 1 + m
    if grid > 0:
        step = np.float32(2 * REACH / (grid - 1))
        for i in range(m):
            u = max(np.float32(0), min(np.float32(grid - 1), (z[i] + np.float32(REACH)) / step))
            for g in range(grid):
                phi[at + g] = 0
            low = min(int(u), grid - 2)
            phi[at + low] = 1 - (u - low)
            phi[at + low + 1] = u - low
            at += grid
    for k in range(products.shape[0]):
        i = -1 - products[k, 0]
        left = phi[1 + i] if i < HINGE else max(np.float32(0), phi[1 + i - HINGE])
        phi[at + k] = left * phi[1 + products[k, 1]]
