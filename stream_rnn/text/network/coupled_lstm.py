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
may be learned once more (`replay`).  Sources: Hochreiter and Schmidhuber 1997
(LSTM); Ba, Kiros and Hinton 2016 (normalisation); lstm-compress and cmix (Knoll) for the
online setting.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...errors import ConfigError
from ...numerics.float32 import F, uniform
from ...numerics.growing import keep
from ...numerics.trees import SCRATCH, SYMBOLS, Float, Float32, Int, UInt16, allocate

LANES = 8  # float32 numbers that a vector holds
# Places in `Network.clock`.  The last four are those of `replay`.
POSITION, UPDATES, STEPS, REMEMBERED, HEAD, BLOCKS_LEFT, WAITING = range(7)
RATE, DECAY, OUTPUT_RATE, OUTPUT_DECAY, CLIP = range(5)  # places in `Network.rates`


# What reading ahead changes; everything else moves by learning only.
CURSOR = ("symbols", "hidden", "cell", "squashed", "gates", "normed", "scale", "p")


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

    def with_units(self, units: int) -> "NetworkSpec":
        """So many units a layer; raises `ConfigError`."""
        if units < 1:
            raise ConfigError(f"units: {units}; the network needs at least 1")
        return self._replace(units=units)


class Network(NamedTuple):
    """All state of the network; L layers, H units, V symbols, T symbols a block.


    H is the number of units rounded up to `LANES`, so that loops have no remainder; the
    weights, states and gradients of the units beyond ``size[0]`` are exactly 0 for ever.
    """

    recurrent: Annotated[Float32, "L 2H 3H"]  # rows of the own hidden state, then of that below
    recurrent_v: Annotated[Float32, "L 2H 3H"]  # mean squares of the gradients
    lookup: Annotated[Float32, "L V 3H"]
    lookup_v: Annotated[Float32, "L V 3H"]
    affine: Annotated[Float32, "L 3 3H"]  # b, γ, β
    affine_v: Annotated[Float32, "L 3 3H"]
    output: Annotated[Float32, "V LH"]
    output_bias: Annotated[Float32, "V"]
    touched: Annotated[Int, "V"]  # the update that last moved a lookup row
    symbols: Annotated[Int, "T", SYMBOLS]  # inputs of the block
    hidden: Annotated[Float32, "T+1 LH"]  # h of all layers; row 0 is of the last block
    cell: Annotated[Float32, "L T+1 H"]
    squashed: Annotated[Float32, "L T H"]  # tanh(c)
    gates: Annotated[Float32, "L T 3H"]  # f, g, o
    normed: Annotated[Float32, "L T 3H"]  # n
    scale: Annotated[Float32, "L T 3"]  # 1 / rms of each gate
    slope: Annotated[Float32, "L T 3H"]  # dLoss/dz
    pull: Annotated[Float32, "T LH"]  # dLoss/dh through the output
    p: Annotated[Float32, "V"]  # the prediction of the next symbol
    work: Annotated[Float32, "8 W", SCRATCH]
    rowwork: Annotated[Float32, "T 3H", SCRATCH]
    clock: Annotated[Int, "7"]  # position in the block, updates, symbols learned, ...
    memory: Annotated[UInt16, "M", SYMBOLS]  # a ring of the symbols read, to be read again
    head_hidden: Annotated[Float32, "LH"]  # the state of the second reading
    head_cell: Annotated[Float32, "L H"]
    rates: Annotated[Float, "5"]
    norm: Annotated[Float, "1"]  # of the last block's gradient, the output's apart
    size: Annotated[Int, "2"]  # units without the padding, `replay`

    def weights(self) -> list[np.ndarray]:
        """The arrays that are learned."""
        return [self.recurrent, self.lookup, self.affine, self.output, self.output_bias]

    def gradient_norm(self) -> float:
        """Norm of the last block's gradient, the output's apart."""
        return float(self.norm[0])

    @classmethod
    def create(cls, spec: NetworkSpec, symbols: int, seed: int) -> "Network":
        """A fresh network with room for `symbols` symbols, its weights drawn from `seed`."""
        units = spec.units
        new = allocate(cls, sizes_of(spec, symbols))
        L, H = spec.layers, new.cell.shape[2]
        real = np.tile(np.arange(H) < units, 3)
        rng = np.random.default_rng(seed)
        drawn = rng.uniform(-spec.scale, spec.scale, (L, 2, units, 3 * units))
        new.recurrent.reshape(L, 2, H, 3 * H)[:, :, :units, real] = drawn
        new.affine[:, 0, :units] = 1  # the forget gate starts open
        new.affine[:, 1, real] = 1
        new.rates[:] = spec.rate, spec.decay, spec.output_rate, spec.output_decay, spec.clip
        new.size[:] = units, spec.replay
        draw_rows(new.lookup, units, 0, symbols, spec.scale, seed)
        return new

    def resized(self, spec: NetworkSpec, kept: np.ndarray, symbols: int, seed: int) -> "Network":
        """The network with room for `symbols` symbols: old symbol kept[i] is now symbol i, the
        other rows are as in a fresh network.  Symbols that are not kept become symbol 0."""
        new = Network.create(spec, symbols, seed)
        keep(self, new, kept)
        new.p[0] += max(0.0, self.p.sum() - self.p[kept].sum())
        return new


def sizes_of(spec: NetworkSpec, symbols: int) -> dict[str, int]:
    """Lengths by letter, with room for `symbols` symbols."""
    L, H = spec.layers, -(-spec.units // LANES) * LANES
    memory = spec.memory if spec.replay else 1
    sizes = {"L": L, "H": H, "T": spec.block, "V": symbols, "M": memory}
    return sizes | {"LH": L * H, "W": max(symbols, 3 * H)}


class NetworkHost:
    """Makes the network of a `NetworkSpec`."""

    reads_words = True

    def __init__(self, spec: NetworkSpec, seed: int):
        self.spec, self.seed = spec, seed

    def create(self, symbols: int) -> Network:
        """A fresh network with room for `symbols` symbols."""
        return Network.create(self.spec, symbols, self.seed)

    def resized(self, net: Network, kept: np.ndarray, symbols: int) -> Network:
        """With room for `symbols` symbols: old symbol kept[i] is now symbol i."""
        return net.resized(self.spec, kept, symbols, self.seed)

    def restored(self, net: Network) -> bool:
        """Whether an update had failed: none does."""
        return False

    def refresh(self, net: Network, seen: int, full: bool) -> None:
        """All that the next update reads is in the state."""

    def cursor(self, net: Network) -> list[np.ndarray]:
        """What reading ahead changes."""
        return [getattr(net, name) for name in CURSOR]

    def renamed(self, prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays of a checkpoint by today's names, which are those of 0.1.0."""
        return arrays


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
