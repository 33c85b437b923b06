"""The members together: symbols to numbers, learning, and the best targets of both."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import CheckpointError
from ...numerics.trees import below, load, walk
from . import mixing
from .joint.member import JointModel
from .network.member import NetworkModel
from .symbols import Symbols

ASKED = 6  # candidates of the joint model that the network is asked about
EVERY, AT_FIRST = 4, 64  # every fourth record moves the weights, of the first ones each


class Transducer:
    """Learns targets of sources, all sequences of symbols of at most *longest*.

    *joint* or *network* may be None, but not both.
    """

    def __init__(self, symbols: int, joint: JointModel | None, network: NetworkModel | None):
        self.sources, self.targets = Symbols(symbols), Symbols(symbols)
        self.joint, self.network = joint, network
        self.mixing = mixing.create()
        self.learned = 0
        self._asked: tuple[Any, ...] = ()  # the last question, and what was found

    def learn(self, source: Sequence[Any], target: Sequence[Any]) -> None:
        """Learn a record."""
        a, b = self.sources.admit(source), self.targets.admit(target)
        both = self.joint is not None and self.network is not None
        if both and self.learned and (self.learned < AT_FIRST or self.learned % EVERY == 0):
            self._weigh(a, b)
        sizes = len(self.sources), len(self.targets)
        if self.joint is not None:
            self.joint.learn(a, b, *sizes)
        if self.network is not None:
            self.network.learn(a, b, *sizes)
        self.learned += 1

    def best(self, source: Sequence[Any]) -> dict[tuple, float]:
        """The best targets with their shares of the probability, most probable first."""
        if not self.learned:
            return {}
        found, f = self._candidates(self.sources.read(source))
        if not found:
            return {}
        p = self._shares(f)
        order = np.argsort(-p, kind="stable")
        return {self.targets.write(found[i]): float(p[i]) for i in order}

    def _shares(self, f: np.ndarray) -> np.ndarray:
        if self.joint and self.network:
            return mixing.shares(self.mixing, f)
        p = np.exp(f[:, 0 if self.joint else 1] - f[:, 0 if self.joint else 1].max())
        return p / p.sum()

    def _candidates(self, a: np.ndarray) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Targets, as numbers, and f (n, 3) of each."""
        if self.network is not None:
            self.network.make_room(len(self.sources), len(self.targets))
        question = (self.learned, len(self.sources), a.tobytes())
        if self._asked[:1] == (question,):
            return self._asked[1], self._asked[2]
        joint = self.joint.best(a, len(self.sources)) if self.joint else []
        network = self.network.best(a, len(self.targets)) if self.network else []
        first = {tuple(t.tolist()): s for t, s in joint[: ASKED if self.network else None]}
        second = {tuple(t.tolist()): s for t, s in network}
        found = list(first | second)
        f = self._features(a, found, first, second)
        self._asked = (question, found, f)
        return found, f

    def _features(self, a: np.ndarray, found: list, first: dict, second: dict) -> np.ndarray:
        """f (n, 3) of targets, from what the members have said already of some."""
        asked = {t: np.array(t, np.int32) for t in found}
        if self.joint is not None:
            sizes = len(self.sources), len(self.targets)
            first = first | {
                t: self.joint.score(a, asked[t], *sizes) for t in found if t not in first
            }
        if self.network is not None:
            new = [t for t in found if t not in second]
            second = second | dict(zip(new, self.network.score(a, [asked[t] for t in new])))
        rows = [(first.get(t, 0.0), second.get(t, 0.0), float(len(t))) for t in found]
        return np.array(rows).reshape(len(found), 3)

    def _weigh(self, a: np.ndarray, b: np.ndarray) -> None:
        """Move the weights of the members by how they see this record."""
        found, f = self._candidates(a)
        true = tuple(b.tolist())
        if true in found:
            mixing.learn(self.mixing, f, found.index(true))

    # Saving -------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name."""
        named = {"sources": self.sources.packed(), "targets": self.targets.packed()}
        named |= {n: a.copy() for n, a in walk(self.mixing, "mixing")}
        for name, member in self._members().items():
            named |= {f"{name}.{n}": array for n, array in member.arrays().items()}
        return named

    def load(self, arrays: dict[str, np.ndarray], learned: int) -> None:
        """Take over `arrays()` of another one; raises `CheckpointError`."""
        try:
            self.sources.unpack(arrays["sources"])
            self.targets.unpack(arrays["targets"])
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        load(self.mixing, below("mixing.", arrays))
        for name, member in self._members().items():
            member.load(below(f"{name}.", arrays))
        self.learned, self._asked = learned, ()

    def _members(self) -> dict[str, Any]:
        members = {"joint": self.joint, "network": self.network}
        return {name: member for name, member in members.items() if member is not None}
