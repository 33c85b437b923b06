"""Elementary functions of the forecaster, in whatever precision they are given."""

from ..codegen.dispatch import loose_kernel


@loose_kernel
def clip(value, limit):
    """*value* limited to ±*limit*; not-a-number becomes 0, so that it cannot spread."""
    if value > limit:
        return limit
    if value < -limit:
        return -limit
    return value if value == value else 0.0 * limit


@loose_kernel
def squash(x):
    """tanh x by its (7, 6) Padé approximant, which vectorises; within 1e-4, and odd."""
    one = x - x + 1  # in the type of x
    x = min(5 * one, max(-5 * one, x))
    s = x * x
    above = x * (135135 * one + s * (17325 * one + s * (378 * one + s)))
    below = 135135 * one + s * (62370 * one + s * (3150 * one + s * (28 * one)))
    return min(one, max(-one, above / below))
