"""Eq. (1) of `own_rows` in one pass, with a unit's decay and partials held in registers.

    T[k,c] = Σ_l D[k,l] T[l,c] + A[k] z[c]      element by element                (1)

The rows c share D and A, so that each is read once for all rows.
"""

import numpy as np
from numba.extending import overload

from ..codegen.columns import carry_columns
from ..dispatch import INNER


def carry_rows(D, A, z, T):
    """T (K, Z, n) by Eq. (1), in place, for K of 1 or 2; D (K, K, n), A (K, n), z (Z,)."""
    T[...] = np.einsum("kln,lcn->kcn", D, T) + A[:, None] * z[:, None]


@overload(carry_rows, jit_options=INNER)
def _compile_carry_rows(D, A, z, T):
    return lambda D, A, z, T: carry_columns(D, A, z, T)
