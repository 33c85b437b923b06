"""Sentences of the past to learn from once more: a uniform sample of all, of bounded size.

Algorithm R (Vitter 1985): the n-th sentence takes the place of one of *most* with the probability
most/n, so that each of the past is as likely to be kept as any other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from ...numerics.randomness import seed_word, uniform

Kept = tuple[list[Any], list[int]]  # tokens and the numbers of their labels


class Rehearsal:
    """At most *most* sentences; what is drawn follows from how many have been seen."""

    def __init__(self, most: int):
        self.most = most
        self._kept: list[Kept] = []
        self._seen = 0
        self._word = np.zeros(1, np.uint64)
        seed_word(self._word, 1)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, tokens: Sequence[Any], labels: Sequence[int]) -> None:
        """Take in a sentence, perhaps."""
        self._seen += 1
        place = len(self._kept) if len(self._kept) < self.most else self._below(self._seen)
        if place < self.most:
            copied = [dict(token) if isinstance(token, Mapping) else token for token in tokens]
            self._kept[place : place + 1] = [(copied, list(labels))]

    def draw(self) -> Kept:
        """One of those that are kept."""
        return self._kept[self._below(len(self._kept))]

    def _below(self, n: int) -> int:
        return int(uniform(self._word) * n)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; the sentences as JSON."""
        packed = msgspec.json.encode(self._kept, enc_hook=_plain)
        return {
            "sentences": np.frombuffer(packed, np.uint8).copy(),
            "seen": np.array([self._seen]),
            "word": self._word.copy(),
        }

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over `arrays`; raises KeyError if one is missing."""
        self._kept = msgspec.json.decode(arrays["sentences"].tobytes(), type=list[Kept])
        self._seen = int(arrays["seen"][0])
        self._word[:] = arrays["word"]


def _plain(value: Any) -> str | float:
    """NumPy's texts and numbers as Python's."""
    return str(value) if isinstance(value, str) else float(value)
