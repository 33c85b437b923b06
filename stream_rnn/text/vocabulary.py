"""The symbols seen so far, numbered from 1; symbol 0 stands for every one not seen yet."""

from typing import NamedTuple

import numpy as np

from ..codegen.inlined import kernel

SEEN, POSSIBLE, EVICTED, UNKNOWN_COUNT = range(4)  # places in `Vocabulary.size`


class Vocabulary(NamedTuple):
    """C codes (byte values, code points, word numbers), room for V - 1 of them."""

    index: np.ndarray  # (C,) int32: symbol of a code, or 0
    codes: np.ndarray  # (V,) int32: code of a symbol, or -1
    counts: np.ndarray  # (V,) int64: how often each was seen
    size: np.ndarray  # (4,) int64: symbols in use with 0; codes possible; evicted; newcomers met

    @classmethod
    def create(cls, codes: int, symbols: int, possible: int) -> "Vocabulary":
        """An empty vocabulary: only symbol 0 is in use."""
        return cls(
            np.zeros(codes, np.int32), np.full(symbols, -1, np.int32),
            np.zeros(symbols, np.int64), np.array([1, possible, 0, 0]),
        )  # fmt: skip

    def least_used(self, share: int = 8) -> np.ndarray:
        """The symbols to keep, in order, when one in `share` goes: the least used, then the
        newest among equals.  Symbol 0 stays."""
        seen = int(self.size[SEEN])
        order = np.argsort(-self.counts[1:seen], kind="stable") + 1
        kept = np.sort(order[: seen - 1 - max(1, (seen - 1) // share)])
        return np.concatenate([[0], kept])

    def resized(self, kept: np.ndarray, symbols: int) -> "Vocabulary":
        """The vocabulary with room for `symbols`: old symbol kept[i] is now symbol i.

        What goes is forgotten and counts as unseen again; the counts of the rest are halved
        when some go, so that a symbol of long ago does not stay for ever.
        """
        new = Vocabulary.create(len(self.index), symbols, int(self.size[POSSIBLE]))
        n, gone = len(kept), int(self.size[SEEN]) - len(kept)
        new.codes[:n] = self.codes[kept]
        new.counts[:n] = (self.counts[kept] + 1) // 2 if gone else self.counts[kept]
        new.index[new.codes[1:n]] = np.arange(1, n)
        new.size[:] = self.size
        new.size[SEEN] = n
        new.size[EVICTED] += gone
        return new


@kernel
def unseen(vocabulary):
    """How many possible symbols have not been seen, or were forgotten."""
    return vocabulary.size[POSSIBLE] - (vocabulary.size[SEEN] - 1)


@kernel
def is_full(vocabulary):
    """Whether a new symbol would need room first."""
    return vocabulary.size[SEEN] >= vocabulary.codes.size


@kernel
def admit(vocabulary, code):
    """Number a new symbol."""
    symbol = vocabulary.size[SEEN]
    vocabulary.index[code] = symbol
    vocabulary.codes[symbol] = code
    vocabulary.size[SEEN] += 1
    vocabulary.size[UNKNOWN_COUNT] += 1
    return symbol
