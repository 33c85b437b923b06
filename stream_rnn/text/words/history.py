"""What the contexts of words see: the last words, what they end with, how lines begin."""

from typing import NamedTuple

import numpy as np

from ...codegen.inlined import kernel
from ...numerics.float32 import scramble

CONTEXTS = 9  # keys; `word_mixture` says of what


class WordHistory(NamedTuple):
    """The last words as 64-bit hashes of their spelling, newest first."""

    words: np.ndarray  # (4,) uint64
    ends: np.ndarray  # (4,) uint64: hashes of their endings
    line: np.ndarray  # (2,) uint64: first word of the line, of the one before
    keys: np.ndarray  # (9,) uint64

    @classmethod
    def create(cls) -> "WordHistory":
        """The history before the first word."""
        return cls(*(np.zeros(n, np.uint64) for n in (4, 4, 2, CONTEXTS)))


@kernel
def observe(history, word, end, newline):
    """Move on by one word and make the keys of the contexts."""
    for i in range(3, 0, -1):
        history.words[i] = history.words[i - 1]
        history.ends[i] = history.ends[i - 1]
    history.words[0] = word
    history.ends[0] = end
    if newline:
        history.line[1] = history.line[0]
        history.line[0] = np.uint64(0)
    elif history.line[0] == np.uint64(0):
        history.line[0] = word
    one, two, three = history.words[0], history.words[1], history.words[2]
    a, b = history.ends[0], history.ends[1]
    keys = history.keys
    keys[0] = np.uint64(0)
    keys[1] = scramble(a, np.uint64(1))
    keys[2] = scramble(scramble(a, b), np.uint64(2))
    keys[3] = scramble(one, np.uint64(3))
    keys[4] = scramble(scramble(one, two), np.uint64(4))
    keys[5] = scramble(scramble(scramble(one, two), three), np.uint64(5))
    keys[6] = scramble(two, np.uint64(6))
    keys[7] = scramble(scramble(one, three), np.uint64(7))
    keys[8] = scramble(scramble(history.line[0], history.line[1]), a)
