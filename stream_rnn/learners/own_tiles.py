"""The equations of `own_rows` in one pass each, with what the rows share held in registers.

    T[k,c] = Σ_l D[k,l] T[l,c] + A[k] z[c]      element by element                (1)
    g[c]   = w T[c]                                                               (2)

The rows c share D, A and w, so that each is read once for all rows.
"""

import numpy as np
from numba.extending import overload

from ..codegen.columns import carry_columns, weigh_columns
from ..codegen.dispatch import INNER


def carry_rows(D, A, z, T):
    """T (K, Z, n) by Eq. (1), in place, for K of 1 or 2; D (K, K, n), A (K, n), z (Z,)."""
    T[...] = np.einsum("kln,lcn->kcn", D, T) + A[:, None] * z[:, None]


@overload(carry_rows, jit_options=INNER)
def _compile_carry_rows(D, A, z, T):
    return lambda D, A, z, T: carry_columns(D, A, z, T)


def weigh_rows(w, T, g):
    """g (Z, n) by Eq. (2); w (n,), T (Z, n)."""
    g[...] = w * T


@overload(weigh_rows, jit_options=INNER)
def _compile_weigh_rows(w, T, g):
    return lambda w, T, g: weigh_columns(w, T, g)
