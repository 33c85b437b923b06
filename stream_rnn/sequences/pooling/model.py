"""Sequences at work on arrays: a reader, members over its summaries, and trained networks."""

from typing import Any

import numpy as np

from ...engine.model import Model
from ...mixtures.mixture import Mixture
from ...numerics.trees import below
from . import bank, columns
from .network import SequenceNetwork
from .reader import SECOND, Reader


class SequenceModel:
    """For sequences of m channels; C classes, or one number.

    X (T, m) is float64, NaN standing for a missing value.  A sequence is `begin`, any number of
    `read`, and `end`; `look` predicts a whole one and changes nothing.  Predictions are those of
    `mixtures.mixture`: (C,) probabilities, or (2,) median and mean.

    >>> from stream_rnn.mixtures.base import Classes
    >>> model, rng = SequenceModel(Classes(), None, 1, 2, reservoir=8), np.random.default_rng(0)
    >>> right = 0
    >>> for n in range(60):
    ...     X = np.cumsum(rng.normal(size=(20, 1)), 0) + (n % 2) * np.arange(20)[:, None]
    ...     model.begin()
    ...     model.read(X)
    ...     right += model.end(n % 2).argmax() == n % 2
    >>> bool(right > 45)
    True
    """

    def __init__(
        self,
        task: Any,
        network: Model | None,
        inputs: int,
        outputs: int,
        *,
        reservoir: int = 64,
        both: bool = False,
        seed: int = 0,
    ):
        self.task, self.inputs, self.outputs = task, inputs, outputs
        self.numbers = not task.discrete
        self.reader = Reader(reservoir, inputs, seed=seed, both=both)
        directions = [] if network is None else [False, True][: 2 if both else 1]
        self.networks = [
            SequenceNetwork(network, task, inputs, outputs, seed=seed + SECOND * back, reverse=back)
            for back in directions
            if network is not None
        ]
        specs = bank.members(task, self.reader.states, len(directions))
        self.names = bank.names(task, len(directions))
        self.mixture = Mixture(specs, None, task, self._width, outputs, seed)

    @property
    def _width(self) -> int:
        return columns.width(self.reader.states, self.inputs)

    def begin(self) -> None:
        """Open a sequence; what was open is dropped."""
        self.reader.begin()
        for network in self.networks:
            network.begin()

    def read(self, X: np.ndarray) -> None:
        """Take steps X (T, m) into the open sequence."""
        X = np.ascontiguousarray(X, np.float64)
        self.reader.read(X)
        for network in self.networks:
            network.read(X)

    def predict(self) -> np.ndarray:
        """The prediction if the open sequence ends here; nothing changes."""
        made = [network.predict() for network in self.networks]
        return self.mixture.predict(self.reader.summary(), self._outside(made))[0]

    def look(self, X: np.ndarray) -> np.ndarray:
        """The prediction for a whole sequence X (T, m); nothing changes."""
        X = np.ascontiguousarray(X, np.float64)
        made = [network.look(X) for network in self.networks]
        return self.mixture.predict(self.reader.look(X), self._outside(made))[0]

    def end(self, y: float | None, outputs: int | None = None) -> np.ndarray:
        """Predict the open sequence, then learn it with y, unless that is None.

        With more *outputs* than are known, y is a class that is met for the first time.
        """
        first = None
        if outputs is not None and outputs > self.outputs:
            first = self.predict()
            self.grow(self.inputs, outputs)
        target = self._target(y)
        made = [network.end(target) for network in self.networks]
        y = np.nan if y is None else float(y)
        judged = None if first is None else np.array([np.nan])  # nobody could have known it
        summary, theirs = self.reader.summary(), self._outside(made)
        out = self.mixture.prequential(summary, np.array([y]), theirs, judged)[0]
        self.reader.commit()
        self.begin()
        return out if first is None else first

    def _outside(self, made: list[np.ndarray]) -> np.ndarray | None:
        return np.array(made)[None] if made else None

    def _target(self, y: float | None) -> np.ndarray | None:
        if y is None or y != y:
            return None
        return np.array([y]) if self.numbers else 1.0 * (np.arange(self.outputs) == y)

    def grow(self, inputs: int, outputs: int) -> None:
        """Append classes, or, between two sequences, channels."""
        if inputs != self.inputs:
            self.reader.grow(inputs)
        for network in self.networks:
            network.grow(inputs, outputs)
        self.inputs, self.outputs = inputs, outputs
        self.mixture.grow(self._width, outputs)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        found = {f"reader.{n}": a for n, a in self.reader.arrays().items()}
        found |= {f"mixture.{n}": a for n, a in self.mixture.arrays().items()}
        for k, network in enumerate(self.networks):
            found |= {f"network.{k}.{n}": a for n, a in network.arrays().items()}
        return found

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless they fit."""
        self.reader.load(below("reader.", arrays))
        self.mixture.load(below("mixture.", arrays))
        for k, network in enumerate(self.networks):
            network.load(below(f"network.{k}.", arrays))
