"""Elementary functions of the forecaster, in whatever precision they are given."""

from ..codegen.dispatch import loose_kernel
from ..codegen.inlined import anew
from ..numerics.activations import rational_tanh


@loose_kernel
def clip(value, limit):
    """*value* limited to ±*limit*; not-a-number becomes 0, so that it cannot spread."""
    if value > limit:
        return limit
    if value < -limit:
        return -limit
    return value if value == value else 0.0 * limit


tanh = loose_kernel(anew(rational_tanh))
