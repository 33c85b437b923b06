"""Which exact learner is the fastest."""

from ..cells.base import recurrent_rows, sizes
from ..learners.block_rtrl import BlockRTRL
from ..learners.rtrl import RTRL

BREAK_EVEN = 2**16  # K G H⁴, the work of RTRL without inputs, at which both cost the same


def fastest_exact(cells):
    """The learner for ``learner="auto"``: exact, and the fastest for these cells.

    RTRL where no layer's units feed each other, for it costs O(P) there, and in small
    layers; BlockRTRL as soon as one layer has K G H⁴ ≥ 2¹⁶: LSTM from 10 units on, GRU
    from 12, Elman from 16.  Measured, float32, µs a record with 10 inputs, RTRL against
    BlockRTRL: LSTM of 8 units 5.1 and 4.9, 10: 8.1 and 7.6, 16: 21 and 13, 32: 188 and 61;
    GRU of 12: 6.6 and 6.6, 16: 12.9 and 8.8; Elman of 12: 2.4 and 3.3, 16: 4.8 and 3.8.
    """
    for cell in cells:
        K, G = sizes(cell)
        if recurrent_rows(cell) and K * G * cell.units**4 >= BREAK_EVEN:
            return BlockRTRL()
    return RTRL()
