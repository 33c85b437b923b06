"""The network forward: read a symbol, predict the next; see `coupled_lstm` for the equations."""

import math

from ...codegen.inlined import inlined
from ...numerics.float32 import (
    F,
    add_combination,
    add_into,
    copy_into,
    dot,
    rows_dot,
    sigmoid,
    softmax_into,
    sum_into,
    tanh,
)
from .coupled_lstm import POSITION


@inlined
def normalise(z, H, units, normed, scale):
    """Eq. (1) for the three gates in z (3H,); the mean is over the units, not the padding."""
    for k in range(3):
        x, n = z[k * H : k * H + H], normed[k * H : k * H + H]
        r = F(1) / F(math.sqrt(dot(x, x, H) / F(units) + F(1e-5)))
        scale[k] = r
        for j in range(H):
            n[j] = x[j] * r


@inlined
def activate(H, affine, normed, gates, before, cell, squashed, hidden):
    """Eq. (2): gates, cell and hidden state of one layer.

    One store a loop, and no index that could be negative: either would stop LLVM from
    vectorising (too many overlap checks; Python's wrap-around).
    """
    gain, shift = affine[1], affine[2]
    f, g, o = gates[:H], gates[H : 2 * H], gates[2 * H :]
    for j in range(gates.size):
        gates[j] = normed[j] * gain[j] + shift[j]
    for j in range(H):
        f[j] = sigmoid(f[j])
    for j in range(H):
        g[j] = tanh(g[j])
    for j in range(H):
        o[j] = sigmoid(o[j])
    for j in range(H):
        cell[j] = f[j] * before[j] + (F(1) - f[j]) * g[j]
    for j in range(H):
        squashed[j] = tanh(cell[j])
    for j in range(H):
        hidden[j] = o[j] * squashed[j]


@inlined
def forward(net, symbol):
    """Read `symbol` at the block's position e: hidden[e], cell[e] -> hidden[e+1], cell[e+1]."""
    L, _, G = net.lookup.shape
    H = G // 3
    e = net.clock[POSITION]
    net.symbols[e] = symbol
    z = net.work[0]
    for layer in range(L):
        row, bias = net.lookup[layer, symbol], net.affine[layer, 0]
        sum_into(row, bias, G, z)
        own = net.hidden[e, layer * H : layer * H + H]
        add_combination(own, net.recurrent[layer], H, G, z)
        if layer > 0:
            below = net.hidden[e + 1, layer * H - H : layer * H]
            add_combination(below, net.recurrent[layer, H:], H, G, z)
        normalise(z, H, net.size[0], net.normed[layer, e], net.scale[layer, e])
        activate(
            H, net.affine[layer], net.normed[layer, e], net.gates[layer, e], net.cell[layer, e],
            net.cell[layer, e + 1], net.squashed[layer, e],
            net.hidden[e + 1, layer * H : layer * H + H],
        )  # fmt: skip


@inlined
def predict(net, seen, full):
    """p[:seen] = softmax of the output, from the hidden state after the newest symbol.

    If `full`, no symbol is left to be new: p[0] = 0.
    """
    h = net.hidden[net.clock[POSITION] + 1]
    logit = net.work[1]
    rows_dot(net.output, h, seen, h.size, logit)
    add_into(net.output_bias, seen, logit)
    if full:
        logit[0] = F(-1e30)
    softmax_into(logit, seen, net.p)
    if full:
        net.p[0] = F(0)


@inlined
def stay(net):
    """Make the state after the newest symbol the one before the next, without learning."""
    e = net.clock[POSITION]
    L, _, H = net.cell.shape
    copy_into(net.hidden[e + 1], L * H, net.hidden[e])
    for layer in range(L):
        copy_into(net.cell[layer, e + 1], H, net.cell[layer, e])


@inlined
def carry_over(net, e):
    """Start a new block from the state after position e."""
    net.clock[POSITION] = 0
    L, _, H = net.cell.shape
    copy_into(net.hidden[e], L * H, net.hidden[0])
    for layer in range(L):
        copy_into(net.cell[layer, e], H, net.cell[layer, 0])
