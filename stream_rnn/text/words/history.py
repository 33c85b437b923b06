"""What the contexts of words see: the last words, what they end with, how lines begin."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import scramble
from ...numerics.trees import Word, allocate

# Contexts: none (of the words used lately), endings, words in a row, one or two of them skipped,
# how the last two lines begin.
RECENT, END, TWO_ENDS, ONE, TWO, THREE, SKIP, ONE_THREE, LINES = range(9)
CONTEXTS = 9


class WordHistory(NamedTuple):
    """The last words as 64-bit hashes of their spelling, newest first."""

    words: Annotated[Word, "4"]
    ends: Annotated[Word, "4"]  # hashes of their endings
    line: Annotated[Word, "2"]  # first word of the line, of the one before
    keys: Annotated[Word, "contexts"]

    @classmethod
    def create(cls) -> "WordHistory":
        """The history before the first word."""
        return allocate(cls, {"contexts": CONTEXTS})


@inlined
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
    keys[RECENT] = np.uint64(0)
    keys[END] = scramble(a, np.uint64(1))
    keys[TWO_ENDS] = scramble(scramble(a, b), np.uint64(2))
    keys[ONE] = scramble(one, np.uint64(3))
    keys[TWO] = scramble(scramble(one, two), np.uint64(4))
    keys[THREE] = scramble(scramble(scramble(one, two), three), np.uint64(5))
    keys[SKIP] = scramble(two, np.uint64(6))
    keys[ONE_THREE] = scramble(scramble(one, three), np.uint64(7))
    keys[LINES] = scramble(scramble(history.line[0], history.line[1]), a)
