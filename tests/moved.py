"""Arrays where an adversary wants them: no bit may depend on where they lie."""

import numpy as np

from stream_rnn.numerics import places, trees

PAGE = 4096


def at(offset: int, size: int) -> np.ndarray:
    """*size* zero bytes that begin *offset* bytes after the beginning of a page."""
    room = np.zeros(size + 4 * PAGE, np.uint8)
    start = -room.ctypes.data % PAGE + PAGE + offset
    return room[start : start + size]


def moved(array: np.ndarray, offset: int) -> np.ndarray:
    """A copy that begins there."""
    copy = at(offset, array.nbytes).view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def move_blocks(put, apart: int, offset: int) -> None:
    """Have blocks begin *offset* bytes into a page, and arrays in them lie *apart* bytes.

    *put* is `setattr`, or that of a monkeypatch.
    """
    put(trees, "MOAT", apart)
    for module in (trees, places):
        put(module, "block", lambda size: at(offset, size))
