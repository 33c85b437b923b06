"""The Python side of the joint model: what is beyond compiled loops, growing and saving."""

import numpy as np

from ....errors import CheckpointError
from ....numerics.trees import load, walk
from ....text.contexts.tables import Tables, has_room
from ..symbols import FIRST
from . import beam
from .learn import entries, expect_again, learn, write_again
from .score import score
from .state import (
    BEAM,
    EMISSIONS,
    FIRST_ROOM,
    MOST_EMISSIONS,
    ORDER,
    RECORDS,
    create,
    enlarged,
    index_emissions,
)


class JointModel:
    """A joint n-gram model of numbered symbols, sources and targets of at most *longest*.

    *contexts* bounds what it remembers: that many contexts and as many counts more.
    """

    def __init__(self, longest: int, contexts: int):
        self.longest, self.contexts = longest, contexts
        self.state = create(FIRST_ROOM, FIRST + 32, longest)
        self.tables = Tables.create()
        self._scratch()

    def learn(self, source: np.ndarray, target: np.ndarray, sources: int, targets: int) -> None:
        """Learn a record; so many symbols of either side are known, END and its like included."""
        self._make_room(len(source), len(target), sources)
        if learn(self.state, self.tables, self.keys, source, target, targets):
            self._relearn()

    def best(self, source: np.ndarray, sources: int) -> list[tuple[np.ndarray, float]]:
        """The best targets with log p(source, target), most probable first."""
        self._make_room(0, 0, sources)
        state, texts, lengths = self.state, self.texts, self.lengths
        found = beam.decode(
            state, self.tables, self.keys, source, sources, texts, lengths, self.scores
        )
        return [(texts[i, : lengths[i]].copy(), float(self.scores[i])) for i in range(found)]

    def score(self, source: np.ndarray, target: np.ndarray, sources: int, targets: int) -> float:
        """log p(source, target)"""
        self._make_room(0, 0, sources)
        return float(score(self.state, self.tables, self.keys, source, target, sources, targets))

    def _make_room(self, source: int, target: int, sources: int) -> None:
        state = self.state
        emissions, symbols = len(state.counts), len(state.totals)
        # each arc of the lattice may be a new emission
        arcs = 3 * max(source, (target + 1) // 2) * (target + 1)
        wanted = min(MOST_EMISSIONS, int(state.clock[EMISSIONS]) + arcs)
        if wanted > emissions or sources > symbols:
            emissions = min(MOST_EMISSIONS, max(emissions, 1 << (wanted - 1).bit_length()))
            symbols = max(symbols, 1 << (sources - 1).bit_length())
            self.state = enlarged(state, emissions, symbols)
        if not has_room(self.tables, entries(self.state)):
            self.tables = self.tables.enlarged(entries(self.state), self.contexts)

    def _relearn(self) -> None:
        """Align the records of the youth anew, and count their paths from nothing."""
        expect_again(self.state)
        size = len(self.tables.slots)
        self.tables = Tables.create(size, len(self.tables.nodes))
        done = 0
        while done < len(self.state.ends) and (
            done := write_again(self.state, self.tables, self.keys, done)
        ) < int(self.state.clock[RECORDS]):
            self.tables = self.tables.enlarged(entries(self.state), self.contexts)

    def _scratch(self) -> None:
        self.keys = np.zeros(ORDER, np.uint64)
        self.texts = np.zeros((BEAM, self.longest), np.int32)
        self.lengths = np.zeros(BEAM, np.int64)
        self.scores = np.zeros(BEAM)

    # Saving -------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name."""
        named = dict(walk(self.state, "joint", scratch=False))
        del named["joint.places"]
        named |= walk(self.tables, "tables", scratch=False)
        return {name: array.copy() for name, array in named.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays()` of another model; raises `CheckpointError`."""
        try:
            emissions, symbols = len(arrays["joint.counts"]), len(arrays["joint.totals"])
            tables = Tables.create(len(arrays["tables.slots"]), len(arrays["tables.nodes"]))
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        state = create(emissions, symbols, self.longest)
        own = {n.removeprefix("joint."): a for n, a in arrays.items() if n.startswith("joint.")}
        load(state, own | {"places": state.places})
        load(tables, {n[7:]: a for n, a in arrays.items() if n.startswith("tables.")})
        index_emissions(state)
        self.state, self.tables = state, tables
