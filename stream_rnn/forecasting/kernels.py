"""How the forecaster's inner loops are compiled."""

from collections.abc import Callable
from typing import Any

from ..codegen import dispatch

#: LLVM may reorder sums, contract to fused multiply-adds and use reciprocals, but must
#: keep NaN and infinity, because the guards of the filters test for them.
FAST = {"reassoc", "contract", "arcp", "nsz", "afn"}


def kernel(function: Callable) -> Any:
    """`stream_rnn.codegen.dispatch.kernel` for loops whose sums may be reordered.

    The same machine code runs for one record and for a chunk, so reordering never makes
    the two differ.
    """
    return dispatch.kernel(function, fastmath=FAST)


@kernel
def clip(value, limit):
    """*value* limited to ±*limit*; not-a-number becomes 0, so that it cannot spread."""
    if value > limit:
        return limit
    if value < -limit:
        return -limit
    return value if value == value else 0.0 * limit


@kernel
def squash(x):
    """tanh x by its (7, 6) Padé approximant, which vectorises; within 1e-4, and odd."""
    one = x - x + 1  # in the type of x
    x = min(5 * one, max(-5 * one, x))
    s = x * x
    above = x * (135135 * one + s * (17325 * one + s * (378 * one + s)))
    below = 135135 * one + s * (62370 * one + s * (3150 * one + s * (28 * one)))
    return min(one, max(-one, above / below))
