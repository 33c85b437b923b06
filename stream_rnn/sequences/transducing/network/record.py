"""log p(target | source) of one record, and its exact gradient.

The reader's notes on symbol j are k_j = [→h_j, ←h_j]; its last states are the writer's first.
With x_0 = END, x_t = y_{t−1}, and c_{−1} = 0 the writer makes

    s_t = φ(U[x_t] + [h_{t−1}, 1, c_{t−1}]ᵀW, s_{t−1}),   c_t = attend(h_t)              (1)
    p_t = softmax(O [h_t, c_t, 1]),   L = −Σ_t ln p_t[y_t],   y_T = END                  (2)

Everything is differentiated through the whole sequence.
"""

import math

import numpy as np

from ....codegen.blas import matmul, matmul_nt, matmul_tn, matvec
from ....codegen.dispatch import kernel
from ....learners.adjoint import pull_back
from ....numerics.linalg import copy, zero
from ..symbols import END
from .attention import attend, attend_back
from .recurrence import accumulate, step


@kernel
def read(cell, weights, record, source):
    """The reader over the source, whose last symbol is END: notes, and the writer's first state."""
    n = source.size
    K, H = record.ahead.s.shape[1:]
    ahead, back = record.ahead, record.back
    nothing = ahead.z[0, :0]
    zero(ahead.s[0].reshape(K * H))
    zero(back.s[0].reshape(K * H))
    for t in range(n):
        u = n - 1 - t
        step(
            cell, weights.ahead, weights.ahead_lookup[source[t]], nothing, ahead.s[t],
            ahead.z[t], ahead.a, ahead.s[t + 1], ahead.A[t], ahead.B[t],
        )  # fmt: skip
        step(
            cell, weights.back, weights.back_lookup[source[u]], nothing, back.s[t],
            back.z[t], back.a, back.s[t + 1], back.A[t], back.B[t],
        )  # fmt: skip
        copy(ahead.s[t + 1, 0], record.notes[t, :H])
        copy(back.s[t + 1, 0], record.notes[u, H:])
    for k in range(K):
        copy(ahead.s[n, k], record.writer.s[0, k, :H])
        copy(back.s[n, k], record.writer.s[0, k, H:])


@kernel
def write(cell, attention, weights, record, n, target):
    """Equations (1) and (2) after `read`, for a target that ends with END; returns L."""
    T = target.size
    writer, r = record.writer, record.r
    D = writer.a.shape[1]
    V = record.e.shape[1]
    zero(record.context)
    for t in range(T):
        x = target[t - 1] if t > 0 else END
        record.inputs[t] = x
        before = r[t - 1, D : 2 * D] if t > 0 else record.context
        step(
            cell, weights.writer, weights.writer_lookup[x], before, writer.s[t],
            writer.z[t], writer.a, writer.s[t + 1], writer.A[t], writer.B[t],
        )  # fmt: skip
        h = writer.s[t + 1, 0]
        copy(h, r[t, :D])
        copy(h, record.hidden[t])
        attend(
            attention, weights.query, record.notes, n, h, record.queries[t],
            record.attention[t], r[t, D : 2 * D],
        )  # fmt: skip
        r[t, 2 * D] = 1
    matmul_nt(r[:T], weights.output, record.e[:T], 0.0)
    loss = 0.0
    for t in range(T):
        loss -= log_softmax(record.e[t], V, target[t])
    return loss


@kernel
def log_softmax(o, V, y):
    """Turn o (V,) into softmax(o); returns ln of its y-th number."""
    top = o[0]
    for v in range(V):
        top = max(top, o[v])
    total = np.float32(0.0)
    at = o[y] - top
    for v in range(V):
        o[v] = np.exp(o[v] - top)
        total += o[v]
    for v in range(V):
        o[v] /= total
    return at - math.log(total)


@kernel
def differentiate(cell, attention, weights, record, source, target, g):
    """Write ∂L/∂(all weights) into g, which is 0, after `read` and `write`."""
    n, T = source.size, target.size
    writer = record.writer
    K, D = writer.s.shape[1:]
    for t in range(T):
        record.e[t, target[t]] -= 1
    matmul_tn(record.e[:T], record.r[:T], g.output, 0.0)
    matmul(record.e[:T], weights.output, record.d_r[:T], 0.0)
    for j in range(n):
        zero(record.d_notes[j])
    zero(record.d_context)
    zero(writer.sigma.reshape(2 * K * D))
    contexts = weights.writer[D + 1 :].reshape(D, writer.a.size)
    for t in range(T - 1, -1, -1):
        now, before = writer.sigma[t % 2], writer.sigma[1 - t % 2]
        for i in range(D):
            now[0, i] += record.d_r[t, i]
            record.d_context[i] += record.d_r[t, D + i]
        attend_back(
            attention, weights.query, record.notes, n, record.queries[t], record.attention[t],
            record.d_context, record.d_queries[t], record.d_notes, now[0],
        )  # fmt: skip
        delta = writer.delta[t]
        pull_back(weights.writer, writer.A[t], writer.B[t], now, before, delta, D)
        matvec(contexts, delta.reshape(delta.size), record.d_context, 0.0)
    matmul_tn(record.hidden[:T], record.d_queries[:T], g.query, 0.0)
    accumulate(cell, writer, record.inputs, T, False, g.writer, g.writer_lookup)
    for k in range(K):
        first = writer.sigma[1, k]  # after step 0: ∂L/∂s of the first state
        copy(first[: D // 2], record.ahead.sigma[(n - 1) % 2, k])
        copy(first[D // 2 :], record.back.sigma[(n - 1) % 2, k])
    reader_back(weights.ahead, record.ahead, record.d_notes, n, False)
    reader_back(weights.back, record.back, record.d_notes, n, True)
    accumulate(cell, record.ahead, source, n, False, g.ahead, g.ahead_lookup)
    accumulate(cell, record.back, source, n, True, g.back, g.back_lookup)


@kernel
def reader_back(W, layer, d_notes, n, backwards):
    """σ and δ of a reader, from its last step to its first."""
    H = layer.a.shape[1]
    for t in range(n - 1, -1, -1):
        now, before = layer.sigma[t % 2], layer.sigma[1 - t % 2]
        at, part = (n - 1 - t, H) if backwards else (t, 0)
        for i in range(H):
            now[0, i] += d_notes[at, part + i]
        pull_back(W, layer.A[t], layer.B[t], now, before, layer.delta[t], H)
