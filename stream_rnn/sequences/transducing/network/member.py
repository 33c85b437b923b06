"""The Python side of the encoder–decoder: room for symbols, decoding, saving."""

from typing import Any, NamedTuple

import numpy as np

from ....errors import CheckpointError
from ....numerics.growing import into_corner
from ....numerics.linalg import limit_blas_threads
from ..symbols import END, FIRST
from . import beam
from .attention import Attention, Summary
from .learn import gradient, learn, read_source, score
from .state import Network, create, draw_weights, saved

FIRST_SYMBOLS = FIRST + 29
BEAM = 4


class Rates(NamedTuple):
    """How the parameters move, see `learn`."""

    rate: float = 0.003
    delay: float = 2000.0
    least: float = 3e-4
    clip: float = 1.0
    floor: float = 0.001
    gamma: float = 8.0


DEFAULT = Rates()


class NetworkModel:
    """An encoder–decoder over numbered symbols, sources and targets of at most *longest*."""

    def __init__(self, cell: Any, attention: bool, longest: int, seed: int, rates: Rates = DEFAULT):
        limit_blas_threads()
        self.cell, self.longest, self.seed = cell, longest, seed
        self.attention = Attention() if attention else Summary()
        self.rates = np.array(rates, np.float64)
        self._lay_out(FIRST_SYMBOLS, FIRST_SYMBOLS)
        self._draw(self.network)

    def learn(self, source: np.ndarray, target: np.ndarray, sources: int, targets: int) -> float:
        """Learn a record; −ln p(target | source) before it."""
        self.make_room(sources, targets)
        return float(
            learn(self.cell, self.attention, self.network, self.rates, ended(source), ended(target))
        )

    def best(
        self, source: np.ndarray, targets: int, width: int = BEAM
    ) -> list[tuple[np.ndarray, float]]:
        """The best targets with ln p(target | source), most probable first; 1: greedy."""
        texts, lengths = self.texts, self.lengths
        found = beam.decode(
            self.cell, self.attention, self.network, ended(source), targets, width,
            texts, lengths, self.scores,
        )  # fmt: skip
        return [(texts[i, : lengths[i]].copy(), float(self.scores[i])) for i in range(found)]

    def score(self, source: np.ndarray, targets: list[np.ndarray]) -> list[float]:
        """ln p(target | source) of each target."""
        source = ended(source)
        read_source(self.cell, self.network, source)
        network, n = self.network, len(source)
        return [score(self.cell, self.attention, network, ended(t), n) for t in targets]

    def gradient(self, source: np.ndarray, target: np.ndarray) -> float:
        """−ln p(target | source) by θ, with its gradient left in `network.gradient`."""
        return float(
            gradient(self.cell, self.attention, self.network, ended(source), ended(target))
        )

    def _lay_out(self, sources: int, targets: int) -> None:
        self.network = create(self.cell, sources, targets, self.longest, BEAM)
        self.texts = np.zeros((BEAM, self.longest), np.int32)
        self.lengths = np.zeros(BEAM, np.int64)
        self.scores = np.zeros(BEAM)

    def _draw(self, network: Network) -> None:
        draw_weights(self.cell, network.weights, self.seed)
        network.theta_mean[:] = network.theta

    def make_room(self, sources: int, targets: int) -> None:
        """Room for so many symbols of either side; what is learned stays."""
        old = self.network
        rows, columns = len(old.weights.ahead_lookup), len(old.weights.writer_lookup)
        if sources <= rows and targets <= columns:
            return
        self._lay_out(max(rows, room(sources)), max(columns, room(targets)))
        self._draw(self.network)
        for name, array in saved(old).items():
            into_corner(array, saved(self.network)[name])

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name."""
        return {name: array.copy() for name, array in saved(self.network).items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays()` of another one; raises `CheckpointError`."""
        try:
            rows = len(arrays["weights.ahead_lookup"]), len(arrays["weights.writer_lookup"])
            new = create(self.cell, *rows, self.longest, BEAM)
            for name, array in saved(new).items():
                array[...] = arrays[name]
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is of another network: {error}") from None
        self.network = new


def room(symbols: int) -> int:
    """For so many symbols, a power of two."""
    return 1 << (symbols - 1).bit_length()


def ended(symbols: np.ndarray) -> np.ndarray:
    """The sequence and END, int64."""
    return np.append(symbols, END).astype(np.int64)
