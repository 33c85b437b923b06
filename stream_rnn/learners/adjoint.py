"""One step of back-propagation through time, from stored partial derivatives."""

from ..codegen.blas import matvec
from . import base


@base.kernel
def pull_back(W, A, B, now, before, delta, J):
    """Take the adjoint of the state, σ = *now* (K, H), one record back, into *before*.

        δ[g,i] = Σ_k A[k,g,i] σ[k,i]                                             (1)
        σ'[l,i] = Σ_k B[k,l,i] σ[k,i],   σ'[0,j] += Σ_{g,i} W[j,g,i] δ[g,i]      (2)

    J is the number of recurrent rows of W, 0 or H.
    """
    K, G, H = A.shape
    for g in range(G):
        for i in range(H):
            delta[g, i] = A[0, g, i] * now[0, i]
        for k in range(1, K):
            for i in range(H):
                delta[g, i] += A[k, g, i] * now[k, i]
    for l in range(K):
        for i in range(H):
            before[l, i] = B[0, l, i] * now[0, i]
        for k in range(1, K):
            for i in range(H):
                before[l, i] += B[k, l, i] * now[k, i]
    if J:
        matvec(W[:J].reshape(J, G * H), delta.reshape(G * H), before[0], 1.0)
