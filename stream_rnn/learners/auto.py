"""Which exact learner is the fastest."""

from ..cells.base import recurrent_rows, shape
from .block_rtrl import BlockRTRL
from .rtrl import RTRL

BREAK_EVEN = 2**15  # K G H⁴, the work of RTRL without inputs, at which both cost the same


def fastest_exact(cells):
    """The learner for ``learner="auto"``: exact, and the fastest for these cells.

    RTRL where no layer's units feed each other, for it costs O(P) there, and in small
    layers; BlockRTRL as soon as one layer has K G H⁴ ≥ 2¹⁵: LSTM from 8 units on, GRU
    from 10, Elman from 14.  Measured, float32, µs a record of LSTM with 10 inputs, RTRL
    against BlockRTRL: 8 units 6.0 and 5.2, 16 units 26 and 14, 32 units 362 and 70.
    """
    for cell in cells:
        K, G = shape(cell)
        if recurrent_rows(cell) and K * G * cell.units**4 >= BREAK_EVEN:
            return BlockRTRL()
    return RTRL()
