"""What the contexts see: the newest symbols, the words and the line, hashed.

A context is a 64-bit key.  `KEYS` names them all; members pick theirs by place.  Symbols
enter as codes (a byte's value, a character's code point, a word's number).
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...errors import ConfigError, suggest
from ...numerics.float32 import scramble
from ...numerics.trees import Int, Word, allocate

REACH = 8  # newest symbols kept
WORD, LAST_WORD, WORD_BEFORE = range(3)  # places in `History.words`
COLUMN, FIRST = range(2)  # places in `History.line`

KEYS = (
    "order1", "order2", "order3", "order4", "order5", "order6", "order7", "order8",
    "word", "word+last", "word+before", "line", "skip1:2", "skip1:3", "1,3",
    "after1", "after2", "word+first", "pair",
)  # fmt: skip
# Places of all but the orders, the first `REACH` of them.
(
    WORD_KEY,
    WORD_LAST,
    WORD_EARLIER,
    LINE,
    SKIP2,
    SKIP3,
    ONE_THREE,
    AFTER1,
    AFTER2,
    WORD_FIRST,
    PAIR,
) = range(REACH, len(KEYS))


def places(names: tuple[str, ...]) -> list[int]:
    """Where the contexts of these names lie; raises `ConfigError`."""
    for name in names:
        if name not in KEYS:
            raise ConfigError(f"contexts: {name!r} is not one; {suggest(name, KEYS)}")
    return [KEYS.index(name) for name in names]


class History(NamedTuple):
    """The newest symbols and what is derived from them."""

    recent: Annotated[Word, "8"]  # codes + 1, newest first; 0 before the start
    words: Annotated[Word, "3"]  # hashes of the word begun, the one before, and before that
    line: Annotated[Int, "2"]  # column, code of the line's first symbol
    after1: Annotated[Word, "256"]  # what followed the last uses of a symbol
    after2: Annotated[Word, "65536"]  # the same for a pair of symbols
    keys: Annotated[Word, "keys"]

    @classmethod
    def create(cls) -> "History":
        """The history before the first symbol; its keys are still to be made."""
        return allocate(cls, {"keys": len(KEYS)})


@inlined
def fold(code):
    """Lower case for ASCII letters, 0 for what ends a word (letters, ' and non-ASCII are in)."""
    if 65 <= code <= 90:
        return code + 32
    if 97 <= code <= 122 or code >= 128 or code == 39:
        return code
    return 0


@inlined
def observe(history, code):
    """Move on by one symbol and make the keys of the new position."""
    recent, words, line = history.recent, history.words, history.line
    one = (recent[0] - np.uint64(1)) & np.uint64(255)
    two = (one << np.uint64(8)) | ((recent[1] - np.uint64(1)) & np.uint64(255))
    seen = np.uint64(code & 255)
    history.after1[one] = (history.after1[one] << np.uint64(8) | seen) & np.uint64(0xFFFF)
    history.after2[two] = (history.after2[two] << np.uint64(8) | seen) & np.uint64(0xFFFF)
    for i in range(REACH - 1, 0, -1):
        recent[i] = recent[i - 1]
    recent[0] = np.uint64(code + 1)
    letter = fold(code)
    if letter > 0:
        words[WORD] = scramble(words[WORD], np.uint64(letter + 1))
    elif words[WORD] != np.uint64(0):
        words[WORD_BEFORE] = words[LAST_WORD]
        words[LAST_WORD] = words[WORD]
        words[WORD] = np.uint64(0)
    if code == 10:
        line[COLUMN] = 0
        line[FIRST] = 0
    else:
        line[COLUMN] += 1
        if line[COLUMN] == 1:
            line[FIRST] = code
    make_keys(history)


@inlined
def make_keys(history):
    """Hash every context of the current position."""
    keys, recent = history.keys, history.recent
    h = np.uint64(0)
    for i in range(REACH):
        h = scramble(h ^ recent[i], np.uint64(i + 1))
        keys[i] = h
    one = recent[0]
    word, last, before = history.words
    if word != np.uint64(0):
        keys[WORD_KEY] = scramble(word, np.uint64(77))
        keys[WORD_LAST] = scramble(scramble(word, last), np.uint64(78))
        keys[WORD_EARLIER] = scramble(scramble(word, before), np.uint64(79))
    else:
        keys[WORD_KEY] = scramble(last, one + np.uint64(1000))
        keys[WORD_LAST] = scramble(scramble(last, before), one + np.uint64(3000))
        keys[WORD_EARLIER] = scramble(before, one + np.uint64(7000))
    column = np.uint64(min(history.line[COLUMN], 255))
    first = np.uint64(history.line[FIRST])
    keys[LINE] = scramble(first * np.uint64(2097152) + one, column + np.uint64(6000))
    two, three, four = recent[1], recent[2], recent[3]
    keys[SKIP2] = scramble(scramble(two, three), np.uint64(11))
    keys[SKIP3] = scramble(scramble(scramble(two, three), four), np.uint64(12))
    keys[ONE_THREE] = scramble(scramble(one, three), np.uint64(13))
    a = (one - np.uint64(1)) & np.uint64(255)
    b = (a << np.uint64(8)) | ((two - np.uint64(1)) & np.uint64(255))
    keys[AFTER1] = scramble(history.after1[a], one + np.uint64(4000))
    keys[AFTER2] = scramble(history.after2[b], scramble(one, two) + np.uint64(5000))
    keys[WORD_FIRST] = scramble(scramble(word, first), one + np.uint64(8000))
    keys[PAIR] = scramble(scramble(one, two), np.uint64(14))
