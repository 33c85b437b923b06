"""A trained network that reads a sequence and predicts at its end.

The context (hidden state, traces) starts anew with every sequence.  The loss is that of the last
step alone, so parameters change between sequences only, and within one the gradient is exact: by
RTRL, which keeps no step, or by `TBPTT` with a window as long as the sequence, which is
back-propagation through all of it.
"""

from typing import Any

import numpy as np

from ...codegen.denormals import flush_denormals, restore_denormals
from ...codegen.dispatch import compiled, generic
from ...engine.loop import infer
from ...engine.model import Model
from ...engine.online import OnlineNetwork
from ...engine.scale import observe
from ...numerics.linalg import copy
from ...numerics.trees import below


@compiled
def glance(bound, X, out):
    """The prediction (O,) at the end of the rows X (T, m), without traces."""
    model, state, work = bound.model, bound.state, bound.work
    setting = flush_denormals()
    for t in range(X.shape[0]):
        infer(model, state, work, X[t], out)
        move(state.layers, work.layers)
        observe(model.input_scale, state.inputs, X[t])
    restore_denormals(setting)


@generic
def move(layers, works):
    """Carry the state of every layer over to this record."""


@move.register
def moved(layers: (), works):  # type: ignore[syntax]
    pass


@move.register
def move_layer(layers: tuple, works):
    s = layers[0].s
    copy(works[0].s.reshape(s.size), s.reshape(s.size))
    move(layers[1:], works[1:])


class SequenceNetwork:
    """A network for sequences of m channels with O classes, or one number.

    The last step of an open sequence is held back, as its target comes after it.
    """

    def __init__(
        self, model: Model, task: Any, inputs: int, outputs: int, *, seed: int, reverse: bool
    ):
        self.numbers, self.reverse = not task.discrete, reverse
        self.network = OnlineNetwork(model, inputs, outputs, seed=seed, skip=True)
        self.begin()

    def begin(self) -> None:
        """Open a sequence; what was open is dropped."""
        self.network.context[:] = 0
        self.held = np.empty((0, self.network.inputs))

    def read(self, X: np.ndarray) -> None:
        """Take steps X (T, m) into the open sequence, the last of them with the next call."""
        rows = np.concatenate([self.held, X]) if len(self.held) else X
        if self.reverse:
            self.held = rows
            return
        if len(rows) > 1:
            self._run(rows[:-1], None)
        self.held = rows[-1:].copy()

    def predict(self) -> np.ndarray:
        """The prediction (O,) if the open sequence ends here."""
        return self._glance(self.held[::-1] if self.reverse else self.held)

    def look(self, X: np.ndarray) -> np.ndarray:
        """The prediction (O,) for a whole sequence X (T, m), which leaves no trace."""
        kept = self.network.context.copy()
        self.network.context[:] = 0
        made = self._glance(X[::-1] if self.reverse else X)
        self.network.context[:] = kept
        return made

    def end(self, target: np.ndarray | None) -> np.ndarray:
        """Predict the open sequence, then learn it with *target* (O,) unless that is None."""
        rows = self.held[::-1] if self.reverse else self.held
        if self.reverse and len(rows) > 1:
            self._run(rows[:-1], None)
        made = self._run(rows[-1:], target)[-1]
        return self._probabilities(made)

    def _run(self, rows: np.ndarray, target: np.ndarray | None) -> np.ndarray:
        Y = np.full((len(rows), self.network.outputs), np.nan)
        if target is not None:
            Y[-1] = target
        return self.network.prequential(np.ascontiguousarray(rows), Y)

    def _glance(self, rows: np.ndarray) -> np.ndarray:
        """Predict at the end of *rows*, and put back whatever has moved."""
        network = self.network
        layers = [layer.s for layer in network.state.layers]
        plain = all(layer.memory == () for layer in network.state.layers)
        touched = [*layers, *network.state.inputs] if plain else [network.words]
        kept = [array.copy() for array in touched]
        rows, out = np.ascontiguousarray(rows), np.empty(network.outputs)
        if plain:
            glance(network._bound, rows, out)
        else:
            out = self._run(rows, None)[-1]
        for array, before in zip(touched, kept, strict=True):
            array[...] = before
        return self._probabilities(out)

    def _probabilities(self, p: np.ndarray) -> np.ndarray:
        if self.numbers:
            return p
        total = p.sum()
        return p / total if total > 0 else np.full(len(p), 1 / len(p))

    def grow(self, inputs: int, outputs: int) -> None:
        """Append channels, between sequences, or classes."""
        self.network.grow(inputs, outputs)
        if inputs != self.held.shape[1]:
            self.held = np.empty((0, inputs))

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        return {f"network.{n}": a for n, a in self.network.arrays().items()} | {"held": self.held}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless they fit."""
        self.network.load(below("network.", arrays))
        self.held = np.array(arrays["held"])
