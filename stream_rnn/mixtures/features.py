"""Fixed features of a record: 1, z, hat functions on a grid over each z, and products.

Products are z_i z_j (i > j), and with *hinges* max(0, z_i) z_j (i ≠ j), as many as fit, drawn at
random.  z is held within ±3 there.  A feature is named by two numbers, `names` (D, 2):

    (0, 0): 1     (1, i): z_i     (2 + g, i): hat g of z_i     (−1 − i, j): z_i z_j
    (−1 − m' − i, j): max(0, z_i) z_j, with m' = 65536
"""

import numpy as np

from ..codegen.dispatch import kernel

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


def names(inputs: int, most: int, hinges: bool, pairs: bool, seed: int) -> np.ndarray:
    """What each feature is, (D, 2)."""
    grid, count = sizes(inputs, most, hinges, pairs)
    every = np.arange(inputs)
    linear = np.stack([np.ones(inputs, np.int64), every], axis=1)
    hats = np.stack([np.tile(2 + np.arange(grid), inputs), every.repeat(grid)], axis=1)
    fixed = [np.zeros((1, 2), np.int64), linear, hats]
    return np.concatenate([*fixed, _products(inputs, count, hinges, seed)])


def _products(inputs: int, count: int, hinges: bool, seed: int) -> np.ndarray:
    """The names (count, 2) of products; which they are is drawn if not all have room."""
    if not count:
        return np.empty((0, 2), np.int64)
    pairs = inputs * (inputs - 1) // 2
    every = pairs * (3 if hinges else 1)
    drawn = count < every
    which = np.random.default_rng(seed).permutation(every)[:count] if drawn else np.arange(every)
    plain = which < pairs
    left = (1 + np.sqrt(1 + 8 * which)).astype(np.int64) // 2  # rows of a triangle
    right = which - left * (left - 1) // 2
    bent, other = np.divmod(which - pairs, inputs - 1)  # rows of a square without its diagonal
    other += other >= bent
    first = np.where(plain, -1 - left, -1 - HINGE - bent)
    return np.stack([first, np.where(plain, right, other)], axis=1)


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
