"""The network backward: output steps at every symbol, the rest at the end of a block."""

import math

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import (
    F,
    add_columns,
    add_combination,
    add_into,
    add_outer,
    add_product,
    add_scaled,
    copy_into,
    dot,
    fill,
    rows_dot,
)
from .coupled_lstm import CLIP, DECAY, OUTPUT_DECAY, OUTPUT_RATE, POSITION, RATE, STEPS, UPDATES

BETA, EPSILON = 0.9999, 1e-6
TILE = 320  # columns of a block's slopes that the nearest cache holds


@inlined
def output_step(net):
    """Step size of the output weights."""
    return F(net.rates[OUTPUT_RATE] / math.sqrt(1 + net.rates[OUTPUT_DECAY] * net.clock[STEPS]))


@inlined
def learn_output(net, target, seen):
    """One gradient step of the output; dLoss/dh is taken before the weights move."""
    e = net.clock[POSITION]
    h = net.hidden[e + 1]
    width = h.size
    pull, error = net.pull[e], net.work[1]
    copy_into(net.p, seen, error)
    error[target] -= F(1)
    fill(F(0), width, pull)
    add_combination(error, net.output, seen, width, pull)
    step = output_step(net)
    add_outer(-step, error, h, seen, width, net.output)
    add_scaled(-step, error, seen, net.output_bias)


@inlined
def local_slope(H, units, gain, normed, scale, gates, before, squashed, dh, dc, clip, dz, da):
    """Back through Eq. (2) and Eq. (1): dh, dc -> dz (3H,), the new dc, and da = dLoss/da."""
    f, g, o = gates[:H], gates[H : 2 * H], gates[2 * H :]
    df, dg, do = da[:H], da[H : 2 * H], da[2 * H :]
    for j in range(H):
        do[j] = squashed[j] * dh[j] * o[j] * (F(1) - o[j])
    for j in range(H):
        dc[j] += dh[j] * o[j] * (F(1) - squashed[j] * squashed[j])
    for j in range(H):
        dg[j] = dc[j] * (F(1) - f[j]) * (F(1) - g[j] * g[j])
    for j in range(H):
        df[j] = (before[j] - g[j]) * dc[j] * f[j] * (F(1) - f[j])
    for j in range(H):
        dc[j] = min(max(dc[j] * f[j], -clip), clip)
    for k in range(3):
        a, b = k * H, k * H + H
        x, y, n, d = dz[a:b], da[a:b], normed[a:b], gain[a:b]
        r = scale[k]
        for j in range(H):
            x[j] = y[j] * d[j] * r
        s = dot(x, n, H) / F(units)
        for j in range(H):
            x[j] -= s * n[j]


@inlined
def add_clipped(x, y, bound, n, out):
    """out[:n] = x + y held within ±bound"""
    for i in range(n):
        out[i] = x[i] + min(max(y[i], -bound), bound)


@inlined
def move(w, v, g, n, step, correction):
    """w[:n] -= step · g / √(v' · correction + ε), v' the decaying mean of g².

    This is Adam without the first moment: at β1 = .025, which suits the task, it is the
    gradient itself but for noise, and costs a third of the memory traffic.
    """
    for i in range(n):
        x = g[i]
        second = F(BETA) * v[i] + F(1 - BETA) * x * x
        v[i] = second
        w[i] -= step * x / F(math.sqrt(second * correction + F(EPSILON)))


@inlined
def backward_layer(net, layer, length):
    """Gradients of one layer over the block: fills slope, adds to `pull` of the layer below.

    Returns nothing; the sums over time of the affine gradients are left in work[2:5].
    """
    G = net.lookup.shape[2]
    H = G // 3
    clip = F(net.rates[CLIP])
    gain = net.affine[layer, 1]
    dh, dc, back, da = net.work[0], net.work[5], net.work[6], net.work[7]
    bias_sum, gain_sum, shift_sum = net.work[2], net.work[3], net.work[4]
    for x in (bias_sum, gain_sum, shift_sum, dc, back):
        fill(F(0), G, x)
    for k in range(length - 1, -1, -1):
        pull = net.pull[k, layer * H : layer * H + H]
        add_clipped(pull, back, clip, H, dh)
        dz, normed = net.slope[layer, k], net.normed[layer, k]
        local_slope(
            H, net.size[0], gain, normed, net.scale[layer, k], net.gates[layer, k],
            net.cell[layer, k], net.squashed[layer, k], dh, dc, clip, dz, da,
        )  # fmt: skip
        add_into(dz, G, bias_sum)
        add_product(da, normed, G, gain_sum)
        add_into(da, G, shift_sum)
        if k > 0:
            rows_dot(net.recurrent[layer], dz, H, G, back)
        if layer > 0:
            rows_dot(net.recurrent[layer, H:], dz, H, G, dh)
            below = net.pull[k, layer * H - H : layer * H]
            add_into(dh, H, below)


@inlined
def move_matrix(net, layer, inputs, first, length, row0, step, correction):
    """Move rows row0.. of a recurrent matrix; row i's gradient is Σ_k inputs[k, i] slope[k].

    ``inputs`` (T+1, LH) is read from column ``first``.  Columns are taken in tiles, so that
    the slopes stay in the nearest cache while all rows read them.
    """
    G = net.lookup.shape[2]
    H = G // 3
    gradient, weight = net.work[0], net.work[5]
    W, S = net.recurrent[layer], net.recurrent_v[layer]
    slope = net.slope[layer]
    for a in range(0, G, TILE):
        b = min(a + TILE, G)
        for i in range(H):
            fill(F(0), b - a, gradient)
            for k in range(length):
                weight[k] = inputs[k, first + i]
            add_columns(weight, slope, length, a, b, gradient)
            net.norm[0] += np.float64(dot(gradient, gradient, b - a))
            r = row0 + i
            move(W[r][a:b], S[r][a:b], gradient, b - a, step, correction)


@inlined
def move_lookup(net, layer, length, step, correction):
    """Move the lookup rows used in the block; an idle row's second moment decays first."""
    G = net.lookup.shape[2]
    update = net.clock[UPDATES]
    for k in range(length):
        s = net.symbols[k]
        home = 0  # the symbol's first place in the block gathers the row's gradient
        while net.symbols[home] != s:
            home += 1
        if home == k:
            copy_into(net.slope[layer, k], G, net.rowwork[k])
        else:
            add_into(net.slope[layer, k], G, net.rowwork[home])
    for k in range(length):
        s = net.symbols[k]
        home = 0
        while net.symbols[home] != s:
            home += 1
        if home == k:
            decay = F(BETA ** np.float64(update - 1 - net.touched[s]))
            v = net.lookup_v[layer, s]
            add_scaled(decay - F(1), v, G, v)
            net.norm[0] += np.float64(dot(net.rowwork[k], net.rowwork[k], G))
            move(net.lookup[layer, s], v, net.rowwork[k], G, step, correction)


@inlined
def learn_block(net, length):
    """Backpropagate over the block of `length` symbols and move all weights but the output."""
    L, _, G = net.lookup.shape
    H = G // 3
    net.clock[UPDATES] += 1
    u = np.float64(net.clock[UPDATES])
    step = F(net.rates[RATE] / math.sqrt(1 + net.rates[DECAY] * u))
    correction = F(1 / (1 - BETA**u))
    net.norm[0] = 0.0
    for layer in range(L - 1, -1, -1):
        backward_layer(net, layer, length)
        for i in range(3):
            net.norm[0] += np.float64(dot(net.work[2 + i], net.work[2 + i], G))
            move(net.affine[layer, i], net.affine_v[layer, i], net.work[2 + i], G, step, correction)
        if layer > 0:
            move_matrix(net, layer, net.hidden[1:], layer * H - H, length, H, step, correction)
        move_matrix(net, layer, net.hidden, layer * H, length, 0, step, correction)
        move_lookup(net, layer, length, step, correction)
    for k in range(length):
        net.touched[net.symbols[k]] = net.clock[UPDATES]
    net.norm[0] = math.sqrt(net.norm[0])


@inlined
def adopt_row(net, symbol):
    """A symbol's output row starts as a copy of row 0, the row that foretold it."""
    copy_into(net.output[0], net.output.shape[1], net.output[symbol])
    net.output_bias[symbol] = net.output_bias[0]
