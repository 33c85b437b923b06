"""The symbols seen so far, numbered from 1; symbol 0 stands for every one not seen yet."""

from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.inlined import inlined
from ..numerics.growing import keep
from ..numerics.trees import SCRATCH, Int, Int32, allocate

SEEN, POSSIBLE, EVICTED, UNKNOWN_COUNT = range(4)  # places in `Vocabulary.size`


class Vocabulary(NamedTuple):
    """C codes (byte values, code points, word numbers), room for V - 1 of them."""

    index: Annotated[Int32, "C", SCRATCH]  # type: ignore[assignment]  # symbol of a code, or 0: follows from the codes
    codes: Annotated[Int32, "V"]  # code of a symbol, or -1
    counts: Annotated[Int, "V"]  # how often each was seen
    size: Annotated[Int, "4"]  # symbols in use with 0; codes possible; evicted; newcomers met

    @classmethod
    def create(cls, codes: int, symbols: int, possible: int) -> "Vocabulary":
        """An empty vocabulary: only symbol 0 is in use."""
        new = allocate(cls, {"C": codes, "V": symbols})
        new.codes[:] = -1
        new.size[:] = 1, possible, 0, 0
        return new

    def index_codes(self) -> None:
        """Fill `index`."""
        n = int(self.size[SEEN])
        self.index[:] = 0
        self.index[self.codes[1:n]] = np.arange(1, n)

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
        keep(self, new, kept)
        if gone:
            new.counts[:n] = (new.counts[:n] + 1) // 2
        new.size[SEEN] = n
        new.size[EVICTED] += gone
        new.index_codes()
        return new


@inlined
def unseen(vocabulary):
    """How many possible symbols have not been seen, or were forgotten."""
    return vocabulary.size[POSSIBLE] - (vocabulary.size[SEEN] - 1)


@inlined
def is_full(vocabulary):
    """Whether a new symbol would need room first."""
    return vocabulary.size[SEEN] >= vocabulary.codes.size


@inlined
def admit(vocabulary, code):
    """Number a new symbol."""
    symbol = vocabulary.size[SEEN]
    vocabulary.index[code] = symbol
    vocabulary.codes[symbol] = code
    vocabulary.size[SEEN] += 1
    vocabulary.size[UNKNOWN_COUNT] += 1
    return symbol
