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
the end of a block the gradient runs back over it once and moves the weights, each by its
gradient over the root mean square of those before (β = .9999).  The output weights move at
every symbol, by plain gradient steps whose size falls as 0.1 / sqrt(1 + 1e-5 t); old text
may be learned once more (`network_replay`).  Sources: Hochreiter and Schmidhuber 1997
(LSTM); Ba, Kiros and Hinton 2016 (normalisation); lstm-compress and cmix (Knoll) for the
online setting.
"""

from typing import NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...numerics.float32 import F, uniform

LANES = 8  # float32 numbers that a vector holds
# Places in `Network.clock`.  The last four are `network_replay`'s.
POSITION, UPDATES, STEPS, REMEMBERED, HEAD, BLOCKS_LEFT, WAITING = range(7)
RATE, DECAY, OUTPUT_RATE, OUTPUT_DECAY, CLIP = range(5)  # places in `Network.rates`


class NetworkSpec(NamedTuple):
    """Size and step sizes of the network.

    ``units`` a layer, ``layers``, ``block`` symbols of truncated backpropagation, the step
    ``rate`` / sqrt(1 + ``decay`` · updates), the output's ``output_rate`` / sqrt(1 +
    ``output_decay`` · symbols), initial weights U(±``scale``), gradients of the state held
    within ±``clip``.  After every ``replay`` new blocks an old one of the last ``memory``
    symbols is learned once more; 0: none is.
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
    replay: int = 0
    memory: int = 1 << 20


class Network(NamedTuple):
    """All state of the network; L layers, H units, V symbols, T symbols a block; float32.

    H is the number of units rounded up to `LANES`, so that loops have no remainder; the
    weights, states and gradients of the units beyond ``size[0]`` are exactly 0 for ever.
    """

    recurrent: np.ndarray  # (L, 2H, 3H): rows of the own hidden state, then of the layer below
    recurrent_v: np.ndarray  # mean squares of the gradients
    lookup: np.ndarray  # (L, V, 3H)
    lookup_v: np.ndarray
    affine: np.ndarray  # (L, 3, 3H): b, γ, β
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
    clock: np.ndarray  # (7,) int64: position in the block, updates, symbols learned, ...
    memory: np.ndarray  # (M,) uint16: a ring of the symbols read, to be read again
    head_hidden: np.ndarray  # (LH,): the state of the second reading
    head_cell: np.ndarray  # (L, H)
    rates: np.ndarray  # (5,) float64
    norm: np.ndarray  # (1,) float64: of the last block's gradient, the output's apart
    size: np.ndarray  # (2,) int64: units without the padding, `replay`

    def weights(self) -> list[np.ndarray]:
        """The arrays that are learned."""
        return [self.recurrent, self.lookup, self.affine, self.output, self.output_bias]

    def gradient_norm(self) -> float:
        """Norm of the last block's gradient, the output's apart."""
        return float(self.norm[0])

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
            recurrent, zeros(*recurrent.shape), zeros(L, V, G), zeros(L, V, G),
            affine, zeros(L, 3, G),
            zeros(V, L * H), zeros(V), np.zeros(V, np.int64), np.zeros(T, np.int64),
            zeros(T + 1, L * H), zeros(L, T + 1, H), zeros(L, T, H), zeros(L, T, G),
            zeros(L, T, G), zeros(L, T, 3), zeros(L, T, G), zeros(T, L * H), zeros(V),
            zeros(8, max(V, G)), zeros(T, G), np.zeros(7, np.int64),
            np.zeros(spec.memory if spec.replay else 1, np.uint16), zeros(L * H), zeros(L, H),
            np.array([spec.rate, spec.decay, spec.output_rate, spec.output_decay, spec.clip]),
            np.zeros(1), np.array([units, spec.replay]),
        )  # fmt: skip
        draw_rows(network.lookup, units, 0, V, spec.scale, seed)
        return network

    def resized(self, spec: NetworkSpec, kept: np.ndarray, symbols: int, seed: int) -> "Network":
        """The network with room for `symbols` symbols: old symbol kept[i] is now symbol i, the
        other rows are as in a fresh network.  Symbols that are not kept become symbol 0."""
        new = Network.create(spec, symbols, seed)
        n = len(kept)
        for name in ("lookup", "lookup_v"):
            getattr(new, name)[:, :n] = getattr(self, name)[:, kept]
        for name in ("output", "output_bias", "touched", "p"):
            getattr(new, name)[:n] = getattr(self, name)[kept]
        new.p[0] += max(0.0, self.p.sum() - self.p[kept].sum())
        renamed = np.zeros(len(self.p), np.int64)
        renamed[kept] = np.arange(n)
        new.symbols[:] = renamed[self.symbols]
        new.memory[:] = renamed[self.memory]
        new.clock[:] = self.clock
        by_symbol = {"lookup", "lookup_v", "output", "output_bias", "touched", "p"}
        by_symbol |= {"symbols", "memory", "clock", "work"}
        return new._replace(**{k: v for k, v in self._asdict().items() if k not in by_symbol})


@entry
def draw_rows(lookup, units, first, last, scale, seed):
    """lookup[:, first:last] ~ U(±scale), each number a function of (seed, layer, row, column)."""
    L, _, G = lookup.shape
    for layer in range(L):
        for i in range(first, last):
            for gate in range(3):
                for j in range(units):
                    u = uniform(seed + 7919 * layer, i + 1, gate * units + j)
                    lookup[layer, i, gate * (G // 3) + j] = F(scale) * u
