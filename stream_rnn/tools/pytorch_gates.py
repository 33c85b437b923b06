"""A layer's weights in PyTorch's order of gates, and back."""

from functools import singledispatch
from typing import Any

import numpy as np

from ..cells import GRU, LSTM, Elman

GATES = {LSTM: 4, GRU: 3, Elman: 1}  # what has a counterpart, with its gates there


def gates_of(cell: Any) -> int:
    return GATES[type(cell)]


@singledispatch
def unpack(cell: Any, W: np.ndarray) -> tuple[np.ndarray, ...]:
    """W (Z, G, H) as (weight_ih, weight_hh, bias_ih, bias_hh)."""
    H = W.shape[2]
    return _columns(W[H:], W[:H], np.zeros(W[H].size, W.dtype))


@unpack.register
def _(cell: GRU, W: np.ndarray) -> tuple[np.ndarray, ...]:
    """r, z, n read [1, x]; r, z, k read [h, 1]."""
    H = W.shape[2]
    bias_hh = np.concatenate([np.zeros(2 * H, W.dtype), W[H, 3]])
    return _columns(W[H:, :3], W[:H, [0, 1, 3]], bias_hh)


def _columns(inputs: Any, recurrent: Any, bias_hh: np.ndarray) -> tuple[np.ndarray, ...]:
    columns = inputs.reshape(len(inputs), -1)
    flat = recurrent.reshape(len(recurrent), -1)
    return columns[1:].T, flat.T, columns[0].copy(), bias_hh


def pack(cell: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any) -> np.ndarray:
    """The inverse of `unpack`."""
    H, m, gates = weight_hh.shape[1], weight_ih.shape[1], gates_of(cell)
    inputs = weight_ih.T.reshape(m, gates, H)
    recurrent = weight_hh.T.reshape(H, gates, H)
    return _joined(cell, inputs, recurrent, bias_ih.reshape(gates, H), bias_hh.reshape(gates, H))


@singledispatch
def _joined(cell: Any, inputs: Any, recurrent: Any, bi: Any, bh: Any) -> np.ndarray:
    """W (Z, G, H) of weights (m, gates, H) and (H, gates, H), and both biases (gates, H)."""
    return np.concatenate([recurrent, (bi + bh)[None], inputs])


@_joined.register
def _(cell: GRU, inputs: Any, recurrent: Any, bi: Any, bh: Any) -> np.ndarray:
    m, _, H = inputs.shape
    W = np.zeros((H + 1 + m, 4, H), inputs.dtype)
    W[:H, :2], W[:H, 3] = recurrent[:, :2], recurrent[:, 2]
    W[H, :2], W[H, 2], W[H, 3] = bi[:2] + bh[:2], bi[2], bh[2]
    W[H + 1 :, :3] = inputs
    return W
