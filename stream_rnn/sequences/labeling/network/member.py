"""The Python side of the network: room for sentences and labels, saving."""

from typing import Any

import numpy as np

from ....numerics import growing, trees
from ....numerics.linalg import limit_blas_threads
from ...sparse import table as tables
from ...sparse.adagrad import AdaGrad
from . import state
from .sentence import READ
from .state import Network

WIDTH = 32  # numbers that a feature is read as
RULE = AdaGrad(0.05, 0.01, 0.003)


class NetworkMember:
    """A network that scores labels; the table of its inputs has at most *most* features."""

    def __init__(self, cell: Any, readers: int, most: int, labels: int, seed: int):
        limit_blas_threads()
        self.cell, self.readers, self.most, self.seed = cell, readers, most, seed
        self.table = tables.create(min(most, tables.LEAST), WIDTH)
        self._lay_out(labels)

    def _lay_out(self, labels: int) -> None:
        """A fresh network for so many labels."""
        self.labels = labels
        made = (state.weights_of(self.cell, self.readers, WIDTH, labels) for _ in range(3))
        self.weights, self.squares, self._gradient = made
        state.draw(self.cell, self.weights, self.seed)
        self._work = self._room(1)

    def _room(self, tokens: int) -> state.Pass:
        return state.work_of(self.cell, self.readers, WIDTH, self.labels, tokens, len(READ))

    def for_sentence(self, sentence: Any, labels: int, learning: bool) -> Network:
        """The network with room for a sentence and its labels, and what it brings if *learning*."""
        tokens = len(sentence.starts) - 1
        if labels > self.labels:
            self._grow(labels)
        if tokens > len(self._work.x):
            self._work = self._room(1 << (tokens - 1).bit_length())
        if learning:
            drawn = len(READ) if sentence.attributes.shape[1] else 0
            more = tokens * drawn + len(sentence.keys)
            self.table = tables.with_room(self.table, more, self.most)
        return Network(
            self.cell, RULE, self.table, self.weights, self.squares, self._gradient, self._work
        )

    def _grow(self, labels: int) -> None:
        old = self.weights, self.squares
        self._lay_out(labels)
        for before, now in zip(old, (self.weights, self.squares), strict=True):
            growing.extend(before, now)

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all that is to be saved, by name."""
        held = {f"table.{name}": a for name, a in tables.saved(self.table).items()}
        for name, tree in (("weights", self.weights), ("squares", self.squares)):
            held |= {f"{name}.{n}": a.copy() for n, a in trees.walk(tree)}
        return held

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays`; raises `CheckpointError` unless they fit, KeyError if one lacks."""
        table = tables.restored(trees.below("table.", arrays), min(self.most, tables.LEAST))
        self._lay_out(len(arrays["weights.output"]))
        trees.load(self.weights, trees.below("weights.", arrays))
        trees.load(self.squares, trees.below("squares.", arrays))
        self.table = table
