"""A recurrent layer over a sequence of symbols, of any cell; equations as in `cells.base`.

    a_t = U[x_t] + z_tᵀW,  s_t = φ(a_t, s_{t−1})                                        (1)

Backwards, with σ_t = ∂L/∂s_t, δ_t = ∂L/∂a_t (`learners.adjoint`):

    ∂L/∂W = Σ_t z_t δ_t,  ∂L/∂U[x] = Σ_{t: x_t = x} δ_t                                 (2)
"""

from ....cells.base import activate, mask
from ....codegen.blas import matmul_tn, vecmat
from ....codegen.dispatch import kernel
from ....numerics.linalg import copy


@kernel
def step(cell, W, row, context, s_, z, a, s, A, B):
    """Eq. (1); *context* is the rest of z, if z is longer than [h₋, 1]."""
    H = s_.shape[1]
    copy(s_[0], z[:H])
    z[H] = 1
    copy(context, z[H + 1 :])
    copy(row.reshape(row.size), a.reshape(a.size))
    vecmat(z, W.reshape(z.size, a.size), a.reshape(a.size), 1.0)
    activate(cell, a, s_, s, A, B)


@kernel
def accumulate(cell, layer, symbols, n, backwards, g, g_lookup):
    """Eq. (2) over n steps, added to what g and g_lookup hold; *backwards*: step 0 is the last."""
    G, H = layer.a.shape
    matmul_tn(layer.z[:n], layer.delta[:n].reshape(n, G * H), g.reshape(g.shape[0], G * H), 0.0)
    mask(cell, g)
    for t in range(n):
        row = g_lookup[symbols[n - 1 - t if backwards else t]]
        for gate in range(G):
            for i in range(H):
                row[gate, i] += layer.reads[gate, i] * layer.delta[t, gate, i]
