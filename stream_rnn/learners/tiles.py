"""Eq. (1) of `rtrl` for a panel of parameters, summed in registers.

    S[k,i] = z ⊙ D[k,i] + Σ_{l≥1} B[k,l,i] S[l,i] + Σ_j M[j,k,i] S[0,j]          (1)

A BLAS product would write Σ_j M S to memory and two more passes would read it again; at
the sizes of online learning those passes cost as much as the product.
"""

import numpy as np
from numba.extending import overload

from ..codegen.dispatch import INNER
from ..codegen.tiles import propagate_tiles


def propagate(M, B, D, z, T, S):
    """S (K, H, C) by Eq. (1), in place.

    M (H, K, H), B (K, K, H), D (K, H, C), z (C,), all of one dtype; T (K, H, ·) is
    scratch of `codegen.tiles.COLUMNS` columns.
    """
    T = S.copy()
    S[...] = z * D + np.einsum("jki,jc->kic", M, T[0])
    for l in range(1, len(S)):
        S += B[:, l, :, None] * T[l]


@overload(propagate, jit_options=INNER)
def _compile_propagate(M, B, D, z, T, S):
    return lambda M, B, D, z, T, S: propagate_tiles(M, B, D, z, T, S)
