"""A labeler at work: its table, its transitions, and room for what comes."""

from typing import Any

import numpy as np

from ...errors import CheckpointError
from ...numerics import trees
from ..sparse import table as tables
from ..sparse.adagrad import AdaGrad
from ..sparse.table import FORGOTTEN, ROWS
from . import learning
from .learning import Sentence, Transitions
from .network.member import NetworkMember
from .templates import Compiled

SHORTEST = 64  # tokens that there is always room for
FEWEST = 4  # labels


class Chain:
    """A linear-chain field over at most *most* features, the scores of a network, or both."""

    def __init__(
        self,
        templates: Compiled,
        rule: AdaGrad,
        most: int,
        network: NetworkMember | None = None,
        sparse: bool = True,
    ):
        self.templates, self.rule, self.most = templates, rule, most
        self.network, self.sparse = network, sparse
        self.features = 1 + len(templates.keys)
        self.table = tables.create(min(most, tables.LEAST), FEWEST)
        self.transitions = _transitions(FEWEST)
        self._work = learning.workspace(SHORTEST, self.features, FEWEST)

    @property
    def labels(self) -> int:
        """How many labels there is room for."""
        return len(self.transitions.weights) - 1

    @property
    def size(self) -> tuple[int, int]:
        """Features known, and forgotten."""
        return int(self.table.size[ROWS]), int(self.table.size[FORGOTTEN])

    def predict(self, sentence: Sentence, count: int) -> np.ndarray:
        """The most probable labels (T,) of the first *count*."""
        path = np.zeros(len(sentence.starts) - 1, np.int64)
        work = self._room(len(path))
        learning.predict(
            self.table, self.transitions, self.templates, *self._read(sentence, False), count,
            work, path,
        )  # fmt: skip
        return path

    def distribution(self, sentence: Sentence, count: int) -> np.ndarray:
        """Probabilities (T, count) of each token's label."""
        p = np.zeros((len(sentence.starts) - 1, count))
        work = self._room(len(p))
        learning.distribution(
            self.table, self.transitions, self.templates, *self._read(sentence, False), count,
            work, p,
        )  # fmt: skip
        return p

    def learn(self, sentence: Sentence, labels: np.ndarray, count: int) -> tuple[np.ndarray, float]:
        """Predict the labels, then learn the true ones; the prediction, and its loss in nats."""
        path = np.zeros(len(labels), np.int64)
        self._grow(count)
        network, sentence, sparse = self._read(sentence, True)
        drawn = self.features if sparse.attributes.shape[1] else 0
        more = len(labels) * drawn + len(sparse.keys)
        self.table = tables.with_room(self.table, more, self.most)
        work = self._room(len(labels))
        loss = learning.learn(
            self.table, self.transitions, self.templates, network, sentence, sparse, labels, count,
            self.rule, work, path,
        )  # fmt: skip
        return path, float(loss)

    def _read(self, sentence: Sentence, learning: bool) -> tuple[Any, Sentence, Sentence]:
        """The network, or (); the sentence as it reads it, and as the sparse features do."""
        sparse = sentence if self.sparse else without_features(sentence)
        if self.network is None:
            return (), sentence, sparse
        return self.network.for_sentence(sentence, self.labels, learning), sentence, sparse

    def _room(self, tokens: int) -> learning.Work:
        have = len(self._work.scores)
        if tokens > have or self._work.error.size != self.labels:
            room = max(have, 1 << max(0, tokens - 1).bit_length())
            self._work = learning.workspace(room, self.features, self.labels)
        return self._work

    def _grow(self, labels: int) -> None:
        """Room for more labels, half as many again; those so far keep their places."""
        have = self.labels
        if labels <= have:
            return
        room = max(labels, have + have // 2)
        room += -room % FEWEST
        self.table = tables.resized(self.table, len(self.table.keys), room)
        new = _transitions(room)
        for old, target in zip(self.transitions, new, strict=True):
            target[:have, :have] = old[:have, :have]
            target[room, :have], target[:have, room] = old[have, :have], old[:have, have]
        self.transitions = new

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all that is to be saved, by name."""
        held = {f"table.{name}": a for name, a in tables.saved(self.table).items()}
        held |= {f"transitions.{n}": a.copy() for n, a in trees.walk(self.transitions)}
        network = {} if self.network is None else self.network.arrays()
        return held | {f"network.{name}": a for name, a in network.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays`; raises `CheckpointError` unless they fit."""
        try:
            room = len(arrays["transitions.weights"]) - 1
            table = tables.restored(trees.below("table.", arrays), min(self.most, tables.LEAST))
            if self.network is not None:
                self.network.load(trees.below("network.", arrays))
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}; it is of another model") from None
        if table.weights.shape[1] != room or len(table.uses) > max(self.most, tables.LEAST):
            raise CheckpointError("the checkpoint's weights and transitions do not fit each other")
        transitions = _transitions(room)
        trees.load(transitions, trees.below("transitions.", arrays))
        self.table, self.transitions = table, transitions
        self._work = learning.workspace(SHORTEST, self.features, room)


def _transitions(labels: int) -> Transitions:
    made: Transitions = trees.allocate(Transitions, {"S": labels + 1})
    return made


def without_features(sentence: Sentence) -> Sentence:
    """As many tokens, of which nothing is known."""
    starts = np.zeros_like(sentence.starts)
    return Sentence(sentence.attributes[:, :0], starts, sentence.keys[:0], sentence.values[:0])
