"""Attributes of a word: itself, its affixes and its shape, as keys."""

import numpy as np

from ..sparse.keys import key_of
from ..sparse.shapes import shape

AFFIX = 5  # the longest
MOST_WORDS = 1 << 16  # whose attributes are kept

#: Names of the attributes, in the order of their columns.
NAMES = (
    "word", "lower", "shape",
    *(f"prefix {n}" for n in range(1, AFFIX + 1)),
    *(f"suffix {n}" for n in range(1, AFFIX + 1)),
)  # fmt: skip
COLUMN = {name: column for column, name in enumerate(NAMES)}


def attributes(word: str) -> list[int]:
    """The keys of a word's attributes; 0 for an affix that the word is too short for."""
    lower = word.lower()
    affixes = [lower[:n] if len(lower) >= n else None for n in range(1, AFFIX + 1)]
    affixes += [lower[-n:] if len(lower) >= n else None for n in range(1, AFFIX + 1)]
    texts = [word, lower, shape(word), *affixes]
    return [0 if text is None else key_of(text) for text in texts]


class Words:
    """The attributes of words, computed once while a word is among the newest `MOST_WORDS`."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._keys = np.zeros((256, len(NAMES)), np.uint64)

    def __call__(self, words: list[str]) -> np.ndarray:
        """Attributes (T, A) of a sentence."""
        rows = self._rows
        if len(rows) + len(words) > MOST_WORDS:
            rows.clear()
        places = []
        for word in words:
            place = rows.get(word)
            if place is None:
                place = rows[word] = len(rows)
                if place == len(self._keys):
                    self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
                self._keys[place] = attributes(word)
            places.append(place)
        return self._keys[places]
