"""Which values a field has had: each has a slot, in bounded memory.

Values are kept in two generations (a clock with one hand; Corbató 1968).  A value that is met
moves into the young one; when that is full, the old one is given up, its slots are free for
others, and the young one is old.  So the values that were met last are kept, and each step takes
constant time on average.
"""

from typing import Any
from zlib import crc32

MOST = 50_000  # values in a generation
LONGEST = 64  # characters that are kept of a value; the rest counts by its checksum


def text_of(value: Any) -> str:
    """A value as the text by which it is known."""
    text = value if type(value) is str else str(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}…{len(text)}:{crc32(text.encode('utf-8', 'replace')):08x}"


class Slots:
    """Numbers for values of all fields; those that were given back are given out again."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.used = 0

    def take(self) -> int:
        if self.free:
            return self.free.pop()
        self.used += 1
        return self.used - 1


class Values:
    """The values of one field by their slots.

    >>> slots = Slots()
    >>> values = Values(2)
    >>> [values.meet(v, slots) for v in ("a", "b", "a", "c", "a")]  # (slot, whether it is new)
    [(0, True), (1, True), (0, False), (2, True), (0, False)]
    >>> values.meet("d", slots), values.find("b")  # given up: "a" and "c" were met after it
    ((1, True), -1)
    """

    def __init__(self, most: int = MOST):
        self.most = most
        self.young: dict[str, int] = {}
        self.old: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def find(self, value: str) -> int:
        """The slot of a value, -1 if it has none."""
        slot = self.young.get(value)
        return self.old.get(value, -1) if slot is None else slot

    def meet(self, value: str, slots: Slots) -> tuple[int, bool]:
        """The slot of a value, and whether it is new in it."""
        slot = self.young.get(value)
        if slot is not None:
            return slot, False
        if len(self.young) >= self.most:
            slots.free += self.old.values()
            self.old, self.young = self.young, {}
        slot = self.old.pop(value, None)
        fresh = slot is None
        if slot is None:
            slot = slots.take()
        self.young[value] = slot
        return slot, fresh
