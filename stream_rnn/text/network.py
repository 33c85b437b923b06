"""The recurrent network: a coupled-gate LSTM over symbols, trained by truncated backpropagation.

One layer, at one symbol s with hidden state h and cell c (H,)::

    z  = h W + U[s] + b                       (3H,)  forget gate, candidate, output gate
    n  = z_g / sqrt(mean(z_g²) + 1e-5)        for each of the three gates g        (1)
    a  = γ n + β
    f, g, o = σ(a_f), tanh(a_g), σ(a_o)
    c' = f c + (1 - f) g                                                           (2)
    h' = o tanh(c')
    p  = softmax(V [h', 1])                   over the symbols seen, and row 0: a new one

A one-hot input is the row U[s], never a product.  A layer above the first also reads the
hidden state below it; the output reads all layers.  Blocks of T symbols are disjoint: at
the end of a block the gradient runs back over it once and Adam (β = .025, .9999) moves
the weights.  The output weights move at every symbol, by plain gradient steps whose size
falls as 0.1 / sqrt(1 + 1e-5 t).  Sources: Hochreiter and Schmidhuber 1997 (LSTM); Ba, Kiros
and Hinton 2016 (normalisation); lstm-compress and cmix (Knoll) for the online setting.
"""

import math
from typing import NamedTuple

import numpy as np

from stream_rnn.text.numerics import (
    F,
    add_combination,
    add_into,
    add_outer,
    add_product,
    add_scaled,
    copy_into,
    dot,
    fill,
    inlined,
    kernel,
    rows_dot,
    sigmoid,
    softmax_into,
    sum_into,
    tanh,
    uniform,
)

LANES = 32  # float32 numbers that vector loops take at a time
BETA1, BETA2, EPSILON = 0.025, 0.9999, 1e-6
POSITION, UPDATES, STEPS = range(3)  # places in `Network.clock`
RATE, DECAY, OUTPUT_RATE, OUTPUT_DECAY, CLIP = range(5)  # places in `Network.rates`


class NetworkSpec(NamedTuple):
    """Size and step sizes of the network.

    ``units`` a layer, ``layers``, ``block`` symbols of truncated backpropagation, Adam's
    ``rate`` / sqrt(1 + ``decay`` · updates), the output's ``output_rate`` / sqrt(1 +
    ``output_decay`` · symbols), initial weights U(±``scale``), gradients of the state held
    within ±``clip``.
    """

    units: int = 90
    layers: int = 1
    block: int = 24
    rate: float = 0.003
    decay: float = 5e-5
    output_rate: float = 0.1
    output_decay: float = 1e-5
    scale: float = 0.1
    clip: float = 10.0


class Network(NamedTuple):
    """All state of the network; L layers, H units, V symbols, T symbols a block; float32.

    H is the number of units rounded up to `LANES`, so that loops have no remainder; the
    weights, states and gradients of the units beyond ``size[0]`` are exactly 0 for ever.
    """

    recurrent: np.ndarray  # (L, 2H, 3H): rows of the own hidden state, then of the layer below
    recurrent_m: np.ndarray
    recurrent_v: np.ndarray
    lookup: np.ndarray  # (L, V, 3H)
    lookup_m: np.ndarray
    lookup_v: np.ndarray
    affine: np.ndarray  # (L, 3, 3H): b, γ, β
    affine_m: np.ndarray
    affine_v: np.ndarray
    output: np.ndarray  # (V, LH)
    output_bias: np.ndarray  # (V,)
    touched: np.ndarray  # (V,) int64: the update that last moved a lookup row
    symbols: np.ndarray  # (T,) int64: inputs of the block
    hidden: np.ndarray  # (T+1, LH): h of all layers; row 0 is carried over from the last block
    cell: np.ndarray  # (L, T+1, H)
    squashed: np.ndarray  # (L, T, H): tanh(c)
    gates: np.ndarray  # (L, T, 3H): f, g, o
    normed: np.ndarray  # (L, T, 3H): n
    scale: np.ndarray  # (L, T, 3): 1 / rms of each gate
    slope: np.ndarray  # (L, T, 3H): dLoss/dz
    pull: np.ndarray  # (T, LH): dLoss/dh through the output
    p: np.ndarray  # (V,): the prediction of the next symbol
    work: np.ndarray  # (8, max(V, 3H)): scratch
    rowwork: np.ndarray  # (T, 3H): scratch
    clock: np.ndarray  # (3,) int64: position in the block, updates, symbols learned
    rates: np.ndarray  # (5,) float64
    size: np.ndarray  # (1,) int64: units without the padding

    @classmethod
    def create(cls, spec: NetworkSpec, symbols: int, seed: int) -> "Network":
        """A fresh network with room for `symbols` symbols, its weights drawn from `seed`."""
        L, T, V, units = spec.layers, spec.block, symbols, spec.units
        H = -(-units // LANES) * LANES
        G = 3 * H
        real = np.tile(np.arange(H) < units, 3)

        def zeros(*shape):
            return np.zeros(shape, F)

        rng = np.random.default_rng(seed)
        recurrent = zeros(L, 2, H, G)
        drawn = rng.uniform(-spec.scale, spec.scale, (L, 2, units, 3 * units))
        recurrent[:, :, :units, real] = drawn
        recurrent = recurrent.reshape(L, 2 * H, G)
        affine = zeros(L, 3, G)
        affine[:, 0, :units] = 1  # the forget gate starts open
        affine[:, 1, real] = 1
        network = cls(
            recurrent, zeros(*recurrent.shape), zeros(*recurrent.shape),
            zeros(L, V, G), zeros(L, V, G), zeros(L, V, G),
            affine, zeros(L, 3, G), zeros(L, 3, G),
            zeros(V, L * H), zeros(V), np.zeros(V, np.int64), np.zeros(T, np.int64),
            zeros(T + 1, L * H), zeros(L, T + 1, H), zeros(L, T, H), zeros(L, T, G),
            zeros(L, T, G), zeros(L, T, 3), zeros(L, T, G), zeros(T, L * H), zeros(V),
            zeros(8, max(V, G)), zeros(T, G), np.zeros(3, np.int64),
            np.array([spec.rate, spec.decay, spec.output_rate, spec.output_decay, spec.clip]),
            np.array([units]),
        )  # fmt: skip
        draw_rows(network.lookup, units, 0, V, spec.scale, seed)
        return network

    def resized(self, spec: NetworkSpec, kept: np.ndarray, symbols: int, seed: int) -> "Network":
        """The network with room for `symbols` symbols: old symbol kept[i] is now symbol i, the
        other rows are as in a fresh network.  Symbols that are not kept become symbol 0."""
        new = Network.create(spec, symbols, seed)
        n = len(kept)
        for name in ("lookup", "lookup_m", "lookup_v"):
            getattr(new, name)[:, :n] = getattr(self, name)[:, kept]
        for name in ("output", "output_bias", "touched", "p"):
            getattr(new, name)[:n] = getattr(self, name)[kept]
        new.p[0] += max(0.0, self.p.sum() - self.p[kept].sum())
        renamed = np.zeros(len(self.p), np.int64)
        renamed[kept] = np.arange(n)
        new.symbols[:] = renamed[self.symbols]
        new.clock[:] = self.clock
        by_symbol = {"lookup", "lookup_m", "lookup_v", "output", "output_bias", "touched", "p"}
        by_symbol |= {"symbols", "clock", "work"}
        return new._replace(**{k: v for k, v in self._asdict().items() if k not in by_symbol})


@kernel
def draw_rows(lookup, units, first, last, scale, seed):
    """lookup[:, first:last] ~ U(±scale), each number a function of (seed, layer, row, column)."""
    L, _, G = lookup.shape
    for layer in range(L):
        for i in range(first, last):
            for gate in range(3):
                for j in range(units):
                    u = uniform(seed + 7919 * layer, i + 1, gate * units + j)
                    lookup[layer, i, gate * (G // 3) + j] = F(scale) * u


@kernel
def normalise(z, H, units, normed, scale):
    """Eq. (1) for the three gates in z (3H,); the mean is over the units, not the padding."""
    for k in range(3):
        x, n = z[k * H : k * H + H], normed[k * H : k * H + H]
        r = F(1) / F(math.sqrt(dot(x, x, H) / F(units) + F(1e-5)))
        scale[k] = r
        for j in range(H):
            n[j] = x[j] * r


@kernel
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


@kernel
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


@kernel
def output_step(net):
    """Step size of the output weights."""
    return F(net.rates[OUTPUT_RATE] / math.sqrt(1 + net.rates[OUTPUT_DECAY] * net.clock[STEPS]))


@kernel
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


@kernel
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


@kernel
def add_clipped(x, y, bound, n, out):
    """out[:n] = x + y held within ±bound"""
    for i in range(n):
        out[i] = x[i] + min(max(y[i], -bound), bound)


@kernel
def adam(w, m, v, g, n, a, correction):
    """One Adam step on w[:n]; a = step / (1-β1^u), correction = 1 / (1-β2^u); ε in the root."""
    for i in range(n):
        x = g[i]
        first = F(BETA1) * m[i] + F(1 - BETA1) * x
        second = F(BETA2) * v[i] + F(1 - BETA2) * x * x
        m[i] = first
        v[i] = second
        w[i] -= a * first / F(math.sqrt(second * correction + F(EPSILON)))


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
def move_matrix(net, layer, inputs, first, length, row0, a, correction):
    """Adam on rows row0.. of a recurrent matrix; row i's gradient is Σ_k inputs[k, i] slope[k].

    ``inputs`` (T+1, LH) is read from column ``first``; the gradient of a row is made,
    used and forgotten while it is in the nearest cache.
    """
    G = net.lookup.shape[2]
    H = G // 3
    gradient, weight = net.work[0], net.work[5]
    W, M, S = net.recurrent[layer], net.recurrent_m[layer], net.recurrent_v[layer]
    slope = net.slope[layer]
    for i in range(H):
        fill(F(0), G, gradient)
        for k in range(length):
            weight[k] = inputs[k, first + i]
        add_combination(weight, slope, length, G, gradient)
        adam(W[row0 + i], M[row0 + i], S[row0 + i], gradient, G, a, correction)


@inlined
def move_lookup(net, layer, length, a, correction):
    """Adam on the lookup rows used in the block; an idle row's second moment decays first."""
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
            decay = F(BETA2 ** np.float64(update - 1 - net.touched[s]))
            v = net.lookup_v[layer, s]
            add_scaled(decay - F(1), v, G, v)
            adam(net.lookup[layer, s], net.lookup_m[layer, s], v, net.rowwork[k], G, a, correction)


@kernel
def learn_block(net, length):
    """Backpropagate over the block of `length` symbols and move all weights but the output."""
    L, _, G = net.lookup.shape
    H = G // 3
    net.clock[UPDATES] += 1
    u = np.float64(net.clock[UPDATES])
    step = net.rates[RATE] / math.sqrt(1 + net.rates[DECAY] * u)
    a = F(step / (1 - BETA1**u))
    correction = F(1 / (1 - BETA2**u))
    for layer in range(L - 1, -1, -1):
        backward_layer(net, layer, length)
        for i in range(3):
            adam(
                net.affine[layer, i], net.affine_m[layer, i], net.affine_v[layer, i],
                net.work[2 + i], G, a, correction,
            )  # fmt: skip
        if layer > 0:
            move_matrix(net, layer, net.hidden[1:], layer * H - H, length, H, a, correction)
        move_matrix(net, layer, net.hidden, layer * H, length, 0, a, correction)
        move_lookup(net, layer, length, a, correction)
    for k in range(length):
        net.touched[net.symbols[k]] = net.clock[UPDATES]


@kernel
def carry_over(net, e):
    """Start a new block from the state after position e."""
    net.clock[POSITION] = 0
    L, _, H = net.cell.shape
    copy_into(net.hidden[e], L * H, net.hidden[0])
    for layer in range(L):
        copy_into(net.cell[layer, e], H, net.cell[layer, 0])


@kernel
def adopt_row(net, symbol):
    """A symbol's output row starts as a copy of row 0, the row that foretold it."""
    copy_into(net.output[0], net.output.shape[1], net.output[symbol])
    net.output_bias[symbol] = net.output_bias[0]


@inlined
def next_position(net):
    """Go on in the block; at its end, learn it and start another."""
    net.clock[STEPS] += 1
    net.clock[POSITION] += 1
    T = net.symbols.size
    if net.clock[POSITION] == T:
        learn_block(net, T)
        carry_over(net, T)


@kernel
def stay(net):
    """Make the state after the newest symbol the one before the next, without learning."""
    e = net.clock[POSITION]
    L, _, H = net.cell.shape
    copy_into(net.hidden[e + 1], L * H, net.hidden[e])
    for layer in range(L):
        copy_into(net.cell[layer, e + 1], H, net.cell[layer, e])
