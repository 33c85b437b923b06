"""Any cell with any learner as the network of a text predictor.

The network of `network` is written for one case: its own cell, truncated backpropagation,
symbols by lookup.  This member runs the package's engine instead, so that a GRU with RTRL
predicts text as well: its input is the newest symbol one-hot, its loss the cross-entropy of
the next.  It costs more, for a one-hot input is multiplied like any other.

A symbol has a slot, the place of its input and of its output, which it keeps when others
are forgotten and symbols are numbered anew.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...codegen.inlined import kernel
from ...engine.loop import absorb, infer
from ...engine.model import compose
from ...engine.online import OnlineNetwork
from ...losses import Softmax
from ...numerics.float32 import F
from ...numerics.trees import walk

READ, FAILED = range(2)  # places in `EngineNetwork.place`
NONE = -1


class EngineSpec(NamedTuple):
    """A cell or stack, a learner, an optimizer or chain: see `stream_rnn.engine.model`."""

    cell: Any
    learner: Any
    optimizer: Any


class EngineNetwork(NamedTuple):
    """The engine's parts, and what lies between them and symbols; V symbols."""

    model: Any
    state: Any
    work: Any
    x: np.ndarray  # (V,) float64: the newest symbol, one-hot by slot
    y: np.ndarray  # (V,) float64: scratch of targets
    out: np.ndarray  # (V,) float64: probabilities by slot
    p: np.ndarray  # (V,) float32: the prediction of the next symbol
    slots: np.ndarray  # (V,) int64: slot of a symbol
    place: np.ndarray  # (2,) int64: slot of the newest symbol; whether the engine failed

    @classmethod
    def around(cls, online: OnlineNetwork) -> "EngineNetwork":
        """The member of a network with V inputs and V outputs."""
        V = online.inputs
        return cls(
            online.model, online.state, online.work, np.zeros(V), np.zeros(V), np.zeros(V),
            np.zeros(V, F), np.arange(V), np.array([NONE, 0]),
        )  # fmt: skip

    def named(self) -> dict[str, np.ndarray]:
        """What is to be saved."""
        own = {name: getattr(self, name) for name in ("x", "p", "slots", "place")}
        return own | dict(walk(self.state))

    def memory(self) -> list[np.ndarray]:
        """What reading ahead changes."""
        state = self.state
        streams = [array for _, array in walk((state.layers, state.inputs))]
        return [*streams, state.counts, self.x, self.p, self.place]

    def weights(self) -> list[np.ndarray]:
        """The array that is learned."""
        return [self.state.theta]

    def gradient_norm(self) -> float:
        """Norm of the gradient gathered last."""
        return float(np.linalg.norm(self.state.gradient))


def online_network(spec: EngineSpec, symbols: int, seed: int) -> OnlineNetwork:
    """A fresh network with an input and an output for each symbol; raises `ConfigError`."""
    model = compose(spec.cell, spec.learner, spec.optimizer, Softmax(), scale=False)
    return OnlineNetwork(model, symbols, symbols, seed=seed)


def resized(
    online: OnlineNetwork, net: EngineNetwork, kept: np.ndarray, symbols: int
) -> EngineNetwork:
    """With room for `symbols` symbols: old symbol kept[i] is now symbol i, in its old slot."""
    if symbols > online.inputs:
        online.grow(symbols, symbols)
    new, n = EngineNetwork.around(online), len(kept)
    new.x[: len(net.x)] = net.x
    new.place[:] = net.place
    new.p[:n] = net.p[kept]
    new.p[0] += max(0.0, net.p.sum() - net.p[kept].sum())
    new.slots[:n] = net.slots[kept]
    new.slots[n:] = np.setdiff1d(np.arange(symbols), new.slots[:n])
    return new


@kernel
def has_failed(net):
    """Whether the last update left something that is not finite."""
    return net.place[FAILED] != 0


@kernel
def forward(net, symbol):
    """Read `symbol`."""
    if net.place[READ] >= 0:
        net.x[net.place[READ]] = 0.0
    net.place[READ] = net.slots[symbol]
    net.x[net.place[READ]] = 1.0


@kernel
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


@kernel
def learn(net, symbol):
    """Learn that `symbol` came next; what the engine makes of it is its own affair."""
    slot = net.slots[symbol]
    net.y[slot] = 1.0
    if not absorb(net.model, net.state, net.work, net.x, net.y):
        net.place[FAILED] = 1
    net.y[slot] = 0.0


@kernel
def stay(net):
    """Move past the newest symbol without learning."""
    for i in range(net.y.size):
        net.y[i] = math.nan
    absorb(net.model, net.state, net.work, net.x, net.y)
    for i in range(net.y.size):
        net.y[i] = 0.0


@kernel
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
