"""Words as symbols: how text is cut into them, and their numbers."""

import re
import zlib
from typing import Any

import numpy as np

from ...errors import BadRecord

WORD = re.compile(r"\n|[^\W_]+(?:['\u2019][^\W_]+)*|[^\w\s]|_")
NO_SPACE_BEFORE = frozenset(".,;:!?)]}'\u2019\n")
ENDING = 3  # letters that stand for what kind of word it is


class Words:
    """A run of letters and digits, with apostrophes inside; any other sign; a newline.

    Words are numbered as they appear, in `codes` numbers; the numbers of words that the
    vocabulary forgot are given out again.

    >>> Words.split("We know't, we know't.\\n")
    ['We', "know't", ',', 'we', "know't", '.', '\\n']
    """

    most = 16384

    def __init__(self, most: int | None = None):
        self.most = most or self.most
        self.codes = min(4 * self.most + 1024, 1 << 18)
        self.words: list[str | None] = []
        self.numbers: dict[str, int] = {}
        self._free: list[int] = []

    @property
    def chunk(self) -> int:
        """How many words can be encoded before `release` is called again."""
        return self.codes - 2 * self.most

    @staticmethod
    def split(text: str | bytes) -> list[str]:
        """The words of a text, newlines included, spaces not."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        return WORD.findall(text)

    def number(self, word: str) -> int:
        """The code of a word, a new one if it has none."""
        code = self.numbers.get(word)
        if code is None:
            code = self._free.pop() if self._free else len(self.words)
            if code == len(self.words):
                self.words.append(word)
            else:
                self.words[code] = word
            self.numbers[word] = code
        return code

    def release(self, in_use: np.ndarray) -> None:
        """Take back the numbers of words that the vocabulary does not know (in_use == 0)."""
        for code, word in enumerate(self.words):
            if word is not None and in_use[code] == 0:
                del self.numbers[word]
                self.words[code] = None
                self._free.append(code)

    def code(self, symbol: Any) -> int:
        """The code of one word; raises `BadRecord`."""
        if not isinstance(symbol, str) or self.split(symbol) != [symbol]:
            raise BadRecord(f"symbol: {symbol!r} is not one word, one sign or a newline")
        return self.number(symbol)

    def symbol(self, code: int) -> str:
        """The word of a code."""
        word = self.words[code]
        return "" if word is None else word

    def text(self, codes: list[int]) -> str:
        """The words with spaces between them where text has spaces."""
        parts: list[str] = []
        for word in map(self.symbol, codes):
            if parts and word not in NO_SPACE_BEFORE and parts[-1] != "\n":
                parts.append(" ")
            parts.append(word)
        return "".join(parts)

    def save(self) -> np.ndarray:
        """All words by number, as bytes; a space between them, which no word contains."""
        joined = " ".join("" if word is None else word for word in self.words)
        return np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8).copy()

    def load(self, saved: np.ndarray, free: list[int]) -> None:
        """Undo `save`."""
        text = saved.tobytes().decode("utf-8", "surrogatepass")
        self.words = [word or None for word in text.split(" ")] if text else []
        self.numbers = {w: code for code, w in enumerate(self.words) if w is not None}
        self._free = list(free)

    @property
    def free(self) -> list[int]:
        """Numbers to be given out again, last first."""
        return list(self._free)


def hash_of(word: str) -> int:
    """A 64-bit hash of the spelling, the same on every machine."""
    data = word.encode("utf-8", "surrogatepass")
    return zlib.crc32(data) << 32 | zlib.crc32(data[::-1], 0x5BD1E995)


def ending_of(word: str) -> int:
    """A hash of the ending, with whether the word is capitalised; signs stand for themselves."""
    if not word[0].isalnum():
        return hash_of(word)
    kind = "0" if word[0].isdigit() else "A" if word[0].isupper() else "a"
    ending = word.lower() if len(word) <= ENDING else word.lower()[-ENDING:]
    return hash_of(kind + ending)
