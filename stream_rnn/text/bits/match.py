"""The match model: where the newest bytes occurred before, and what followed them there."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import scramble
from ...numerics.trees import Int, UInt8, fields, zeros

NOW, POINTER, LENGTH = range(3)  # places in `Match.place`
LONGEST = 40  # a match found is verified up to this length
BUCKETS = 32  # classes of match length


class Match(NamedTuple):
    """A ring of the last bytes and, by hash of the last `least`, where they occurred last."""

    ring: Annotated[UInt8, "R"]  # R a power of two
    heads: Annotated[Int, "h"]  # position after the last occurrence, 0 for none
    place: Annotated[Int, "3"]  # bytes seen, position of the expected byte, length (0: none)
    least: Annotated[Int, "1"]  # shortest match that counts

    @classmethod
    def fields(cls, ring: int = 1 << 21, heads: int = 1 << 18) -> "Match":
        """Its arrays, to be allocated with others."""
        return fields(cls, {"R": ring, "h": heads})

    @classmethod
    def create(cls, ring: int = 1 << 21, heads: int = 1 << 18, least: int = 8) -> "Match":
        """A match model that has seen nothing."""
        new = zeros(cls.fields(ring, heads))
        new.least[0] = least
        return new


@inlined
def expected(match):
    """The byte that followed last time, or -1."""
    if match.place[LENGTH] == 0:
        return -1
    return np.int64(match.ring[match.place[POINTER] & (match.ring.size - 1)])


@inlined
def length_bucket(match):
    """0..31, growing with the length of the match."""
    n = match.place[LENGTH]
    return min(n, 15) if n < 16 else min(16 + (n - 16) // 4, 31)


@inlined
def common_suffix(ring, a, b, most):
    """How many bytes before positions a and b agree, up to `most`."""
    mask = ring.size - 1
    n = 0
    while n < most and ring[(a - n - 1) & mask] == ring[(b - n - 1) & mask]:
        n += 1
    return n


@inlined
def advance(match, byte):
    """Append `byte`; go on with the match if it was expected, else look for another."""
    ring, place = match.ring, match.place
    hit = expected(match) == byte
    ring[place[NOW] & (ring.size - 1)] = byte
    place[NOW] += 1
    place[POINTER] += 1
    place[LENGTH] = min(place[LENGTH] + 1, 65535) if hit else 0
    now, least = place[NOW], match.least[0]
    if now < least:
        return
    h = np.uint64(0)
    for i in range(least):
        h = scramble(h, np.uint64(ring[(now - 1 - i) & (ring.size - 1)]) + np.uint64(1))
    head = np.int64(h >> np.uint64(33)) & (match.heads.size - 1)
    if place[LENGTH] == 0:
        found = match.heads[head]
        if found > 0 and now - found < ring.size - LONGEST:
            n = common_suffix(ring, found, now, min(LONGEST, found))
            if n >= least:
                place[POINTER] = found
                place[LENGTH] = n
    match.heads[head] = now
