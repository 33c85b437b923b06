"""How rare a value of a field is, by how often those before it were as rare.

Of n records the value v was met c_v times.  With N_1 values that were met once,

    p(v) = (½ + Σ c_u over values u with c_u ≤ 2 c_v) / (n + 1),   c_v > 0                 (1)
    p(v) = (½ + N_1) / (n + 1),                                    c_v = 0

is the share of records whose value is hardly more frequent; that of a new one is estimated as
by Good (1953).  −log p is 0 for usual values, also where every record has another value or all
are alike, and large for one that differs from its field.  Counts are grouped as in a histogram of
eight bins an octave, so that a value costs constant time.
"""

from collections.abc import Hashable
from math import log

import msgspec
import numpy as np

from .values import MOST

BINS = 8  # an octave
LONGEST = 64 * BINS


class Rarity:
    """The values of one field and how often they were met, the *most* last ones at least.

    >>> rarity = Rarity()
    >>> for n in range(100):
    ...     rarity.learn("even" if n % 2 else "odd")
    >>> round(rarity.surprise("odd"), 1), round(rarity.surprise("neither"), 1)
    (0.0, 5.3)
    """

    def __init__(self, most: int = MOST):
        self.most = most
        self.seen = 0
        self.young: dict[str, int] = {}
        self.old: dict[str, int] = {}
        self.mass = [0] * LONGEST  # records by the bin of the count of their value

    def count(self, value: str) -> int:
        """How often it was met."""
        found = self.young.get(value)
        return self.old.get(value, 0) if found is None else found

    def surprise(self, value: str) -> float:
        """−log p of Eq. (1), by the records before."""
        count = self.count(value)
        alike = bin_of(count) + BINS if count else bin_of(1)
        return log((self.seen + 1) / (sum(self.mass[: alike + 1]) + 0.5))

    def learn(self, value: str) -> None:
        """Take in a record's value."""
        count = self.count(value)
        if value not in self.young:
            if len(self.young) >= self.most:  # see `values.Values`
                self.old, self.young = self.young, {}
            self.old.pop(value, None)
        self.young[value] = count + 1
        self.seen += 1
        self.mass[bin_of(count + 1)] += count + 1
        if count:
            self.mass[bin_of(count)] -= count

    # State --------------------------------------------------------------------------------

    def packed(self) -> np.ndarray:
        """All of it as bytes (n,)."""
        last = max((n for n, mass in enumerate(self.mass) if mass), default=-1) + 1
        kept = self.seen, self.young, self.old, self.mass[:last]
        return np.frombuffer(msgspec.msgpack.encode(kept), np.uint8).copy()

    def load(self, packed: np.ndarray) -> None:
        """Take over what `packed` gave."""
        self.seen, self.young, self.old, mass = msgspec.msgpack.decode(packed.tobytes())
        self.mass[:] = [*mass, *[0] * (LONGEST - len(mass))]


def bin_of(count: int) -> int:
    """Twice the count is `BINS` further.

    >>> [bin_of(count) for count in (1, 2, 3, 4, 5, 8)]
    [8, 16, 20, 24, 26, 32]
    """
    octave = count.bit_length()
    return octave * BINS + ((count * BINS >> (octave - 1)) & (BINS - 1))


Rarities = dict[Hashable, Rarity]
