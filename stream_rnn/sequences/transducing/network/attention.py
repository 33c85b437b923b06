"""What the writer sees of the source, by how it looks.

`Attention` (Luong et al. 2015, "general"): a query of the state weighs the reader's notes k_j,

    q = hᵀW,  α = softmax_j(q·k_j / √D),  context = Σ_j α_j k_j                          (1)

`Summary`: no attention; the context is always the reader's last states, of either direction.
"""

import math
from typing import NamedTuple

import numpy as np

from ....codegen.blas import matvec, vecmat
from ....codegen.dispatch import generic
from ....numerics.linalg import copy, zero


class Attention(NamedTuple):
    """Eq. (1)."""


class Summary(NamedTuple):
    """The source's last states only."""


@generic
def attend(attention, W, notes, n, h, q, alpha, context):
    """Write the context (D,) of state h (D,) from notes (n, D); q (D,) and alpha (n,) stay."""


@generic
def attend_back(attention, W, notes, n, q, alpha, d_context, d_q, d_notes, d_h):
    """From ∂L/∂context: writes d_q, adds to d_notes and to d_h (D,)."""


@attend.register
def attend_by_query(attention: Attention, W, notes, n, h, q, alpha, context):
    D = h.size
    vecmat(h, W, q, 0.0)
    scale = np.float32(1.0 / math.sqrt(D))
    matvec(notes[:n], q, alpha[:n], 0.0)
    top = alpha[0]
    for j in range(n):
        top = max(top, alpha[j])
    total = np.float32(0.0)
    for j in range(n):
        alpha[j] = np.exp(scale * (alpha[j] - top))
        total += alpha[j]
    for j in range(n):
        alpha[j] /= total
    vecmat(alpha[:n], notes[:n], context, 0.0)


@attend_back.register
def attend_back_by_query(attention: Attention, W, notes, n, q, alpha, d_context, d_q, d_notes, d_h):
    """With g_j = d_context·k_j: ∂L/∂(q·k_j) = α_j (g_j − Σ α g) / √D."""
    D = q.size
    scale = np.float32(1.0 / math.sqrt(D))
    mean = np.float32(0.0)
    for j in range(n):
        g = np.float32(0.0)
        for i in range(D):
            g += d_context[i] * notes[j, i]
        mean += alpha[j] * g
    zero(d_q)
    for j in range(n):
        g = np.float32(0.0)
        for i in range(D):
            g += d_context[i] * notes[j, i]
        e = alpha[j] * (g - mean) * scale
        for i in range(D):
            d_q[i] += e * notes[j, i]
            d_notes[j, i] += e * q[i] + alpha[j] * d_context[i]
    matvec(W, d_q, d_h, 1.0)


@attend.register
def summarise(attention: Summary, W, notes, n, h, q, alpha, context):
    half = h.size // 2
    copy(notes[n - 1, :half], context[:half])
    copy(notes[0, half:], context[half:])


@attend_back.register
def summarise_back(attention: Summary, W, notes, n, q, alpha, d_context, d_q, d_notes, d_h):
    half = q.size // 2
    zero(d_q)
    for i in range(half):
        d_notes[n - 1, i] += d_context[i]
        d_notes[0, half + i] += d_context[half + i]
