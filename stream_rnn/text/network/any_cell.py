"""Any cell with any learner as the network of a text predictor.

The network of `network` is written for one case: its own cell, truncated backpropagation,
symbols by lookup.  This member runs the package's engine instead, so that a GRU with RTRL
predicts text as well: its input is the newest symbol one-hot, its loss the cross-entropy of
the next.  It costs more, for a one-hot input is multiplied like any other.

A symbol has a slot, the place of its input and of its output, which it keeps when others
are forgotten and symbols are numbered anew.
"""

import math
from typing import Annotated, Any, NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...codegen.inlined import inlined
from ...engine.layout import State
from ...engine.loop import absorb, infer
from ...engine.model import compose
from ...engine.online import OnlineNetwork
from ...errors import ConfigError
from ...losses import Softmax
from ...numerics.float32 import F
from ...numerics.trees import SCRATCH, Float, Float32, Int, fields, walk, zeros
from ...specs import to_table

READ, FAILED = range(2)  # places in `EngineNetwork.place`
NONE = -1


class EngineSpec(NamedTuple):
    """A cell or stack, a learner, an optimizer or chain: see `stream_rnn.engine.model`."""

    cell: Any
    learner: Any
    optimizer: Any

    def with_units(self, units: int) -> "EngineSpec":
        """Raises `ConfigError`: the cell says it."""
        raise ConfigError(f"units: {units}; give them in the cell, e.g. GRU({units})")

    def tables(self) -> dict[str, Any]:
        """Its parts as tables of a configuration."""
        return {name: to_table(part) for name, part in self._asdict().items()}


class EngineNetwork(NamedTuple):
    """The engine's parts, and what lies between them and symbols; V symbols."""

    model: Annotated[Any, SCRATCH]
    state: Any
    work: Annotated[Any, SCRATCH]
    x: Annotated[Float, "V"]  # the newest symbol, one-hot by slot
    y: Annotated[Float, "V", SCRATCH]  # of targets
    out: Annotated[Float, "V", SCRATCH]  # probabilities by slot
    p: Annotated[Float32, "V"]  # the prediction of the next symbol
    slots: Annotated[Int, "V"]  # slot of a symbol
    place: Annotated[Int, "2"]  # slot of the newest symbol; whether the engine failed

    @classmethod
    def around(cls, online: OnlineNetwork) -> "EngineNetwork":
        """The member of a network with V inputs and V outputs."""
        V = online.inputs
        new = zeros(fields(cls, {"V": V}, model=None, state=None, work=None))
        new.slots[:], new.place[:] = np.arange(V), (NONE, 0)
        return new._replace(model=online.model, state=online.state, work=online.work)

    def weights(self) -> list[np.ndarray]:
        """The array that is learned."""
        return [self.state.theta]

    def gradient_norm(self) -> float:
        """Norm of the gradient gathered last."""
        return float(np.linalg.norm(self.state.gradient))


class EngineHost:
    """Makes and keeps the network of an `EngineSpec`; raises `ConfigError`."""

    reads_words = False

    def __init__(self, spec: EngineSpec, seed: int):
        self.model = compose(spec.cell, spec.learner, spec.optimizer, Softmax(), scale=False)
        self.seed = seed

    def create(self, symbols: int) -> EngineNetwork:
        """A fresh network with an input and an output for each symbol."""
        self.online = OnlineNetwork(self.model, symbols, symbols, seed=self.seed)
        return EngineNetwork.around(self.online)

    def resized(self, net: EngineNetwork, kept: np.ndarray, symbols: int) -> EngineNetwork:
        """With room for `symbols` symbols: old symbol kept[i] is now symbol i, in its old slot."""
        if symbols > self.online.inputs:
            self.online.grow(symbols, symbols)
        new, n = EngineNetwork.around(self.online), len(kept)
        new.x[: len(net.x)] = net.x
        new.place[:] = net.place
        new.p[:n] = net.p[kept]
        new.p[0] += max(0.0, net.p.sum() - net.p[kept].sum())
        new.slots[:n] = net.slots[kept]
        new.slots[n:] = np.setdiff1d(np.arange(symbols), new.slots[:n])
        return new

    def restored(self, net: EngineNetwork) -> bool:
        """Go back to what was good, if an update has failed; whether one had."""
        if not net.place[FAILED]:
            return False
        self.online.roll_back()
        net.place[FAILED] = 0
        return True

    def refresh(self, net: EngineNetwork, seen: int, full: bool) -> None:
        """Fill the scratch, which is not part of the state."""
        refresh(net, seen, full)

    def cursor(self, net: EngineNetwork) -> list[np.ndarray]:
        """What reading ahead changes."""
        streams = [array for _, array in walk((net.state.layers, net.state.inputs))]
        return [*streams, net.state.counts, net.x, net.p, net.place]

    def renamed(self, prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays of 0.1.0, which had those of the engine beside its own, by today's names."""
        old = {f"{prefix}.{name}" for name in State._fields}
        return {
            n.replace(f"{prefix}.", f"{prefix}.state.", 1)
            if ".".join(n.split(".")[:2]) in old
            else n: array
            for n, array in arrays.items()
        }


@inlined
def has_failed(net):
    """Whether the last update left something that is not finite."""
    return net.place[FAILED] != 0


@inlined
def forward(net, symbol):
    """Read `symbol`."""
    if net.place[READ] >= 0:
        net.x[net.place[READ]] = 0.0
    net.place[READ] = net.slots[symbol]
    net.x[net.place[READ]] = 1.0


@inlined
def predict(net, seen, full):
    """p[:seen]: the engine's probabilities, divided by those of all symbols in use."""
    infer(net.model, net.state, net.work, net.x, net.out)
    first = 1 if full else 0
    total = 0.0
    for s in range(first, seen):
        total += net.out[net.slots[s]]
    net.p[0] = F(0)
    scale = 1.0 / max(total, 1e-300)
    for s in range(first, seen):
        net.p[s] = F(net.out[net.slots[s]] * scale)


@inlined
def learn(net, symbol):
    """Learn that `symbol` came next; what the engine makes of it is its own affair."""
    slot = net.slots[symbol]
    net.y[slot] = 1.0
    if not absorb(net.model, net.state, net.work, net.x, net.y):
        net.place[FAILED] = 1
    net.y[slot] = 0.0


@inlined
def stay(net):
    """Move past the newest symbol without learning."""
    for i in range(net.y.size):
        net.y[i] = math.nan
    absorb(net.model, net.state, net.work, net.x, net.y)
    for i in range(net.y.size):
        net.y[i] = 0.0


@inlined
def adopt_column(net, symbol):
    """A symbol's output weights start as those of symbol 0, which foretold it."""
    V, R = net.y.size, net.work.r.size
    first = net.state.theta.size - R * V
    new, zero = net.slots[symbol], net.slots[0]
    for r in range(R):
        net.state.theta[first + r * V + new] = net.state.theta[first + r * V + zero]


@entry
def refresh(net, seen, full):
    """Predict again, to fill the scratch that the next update reads."""
    predict(net, seen, full)
