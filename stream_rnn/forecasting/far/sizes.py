"""How far the series goes in so many steps: the unit of what is forecast from the last value.

unit_h² ← unit_h² + rate·((S[t] − S[t−h])² − unit_h²)
"""

from ...codegen.dispatch import loose_kernel
from ..inputs.scale import CHANGE_FLOOR, follow


@loose_kernel
def observe(size, past, t):
    """Take in record *t* (from 0), ``past[0]``; ``size`` (H,) are unit²."""
    for j in range(min(len(size), t)):
        size[j] = follow(size[j], past[0] - past[j + 1], max(CHANGE_FLOOR, 1.0 / (t - j)))
