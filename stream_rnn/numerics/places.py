"""Where arrays lie, so that no bit depends on it.

A compiled loop over two arrays is made twice: in vectors, and one element after another for the
case that the arrays lie so close that a vector of the one would reach into the other.  Where sums
may be reordered the two round differently.  So whatever lies near an array has to follow from
sizes alone: arrays that belong together share a block, and a block has a moat around it, wider
than any loop reaches, that keeps away what the heap puts beside it, inputs and outputs included.
"""

import numpy as np

LINE = 64  # bytes of a cache line; no vector of a row then lies in two
MOAT = 1024  # bytes; the widest loop takes 8 vectors of 64 bytes at once


def block(size: int) -> np.ndarray:
    """*size* zero bytes that begin where a cache line does, with a moat on either side."""
    room = np.zeros(MOAT + LINE + size + MOAT, np.uint8)
    start = MOAT + -(room.ctypes.data + MOAT) % LINE
    return room[start : start + size]


def aligned(shape: tuple[int, ...], dtype: type | np.dtype) -> np.ndarray:
    """Zeros in a block of their own."""
    dtype = np.dtype(dtype)
    return block(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize).view(dtype).reshape(shape)
