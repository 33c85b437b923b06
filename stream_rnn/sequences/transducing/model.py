"""The members together: symbols to numbers, learning, and the best targets of both."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import CheckpointError
from ...numerics.trees import below
from .joint.member import JointModel
from .symbols import Symbols


class Transducer:
    """Learns targets of sources, all sequences of symbols of at most *longest*."""

    def __init__(self, longest: int, symbols: int, contexts: int):
        self.sources, self.targets = Symbols(symbols), Symbols(symbols)
        self.joint = JointModel(longest, contexts)
        self.learned = 0

    def learn(self, source: Sequence[Any], target: Sequence[Any]) -> None:
        """Learn a record."""
        a, b = self.sources.admit(source), self.targets.admit(target)
        self.joint.learn(a, b, len(self.sources), len(self.targets))
        self.learned += 1

    def best(self, source: Sequence[Any]) -> dict[tuple, float]:
        """The best targets with their shares of the probability, most probable first."""
        if not self.learned:
            return {}
        a = self.sources.read(source)
        found = self.joint.best(a, len(self.sources))
        scores = np.array([score for _, score in found])
        p = np.exp(scores - scores.max(initial=-np.inf))
        p /= p.sum()
        return {self.targets.write(t): float(q) for (t, _), q in zip(found, p, strict=True)}

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name."""
        named = {f"joint.{name}": array for name, array in self.joint.arrays().items()}
        named["sources"], named["targets"] = self.sources.packed(), self.targets.packed()
        return named

    def load(self, arrays: dict[str, np.ndarray], learned: int) -> None:
        """Take over `arrays()` of another one; raises `CheckpointError`."""
        try:
            self.sources.unpack(arrays["sources"])
            self.targets.unpack(arrays["targets"])
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        self.joint.load(below("joint.", arrays))
        self.learned = learned
