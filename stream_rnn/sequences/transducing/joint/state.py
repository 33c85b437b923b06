"""What the joint model remembers, and its dictionary of emissions."""

from typing import Annotated, NamedTuple

import numpy as np

from ....codegen.dispatch import entry
from ....codegen.inlined import inlined
from ....numerics.float32 import scramble
from ....numerics.growing import into_corner
from ....numerics.trees import SCRATCH, Float, Int, Int32, allocate, walk

ORDER = 6  # pairs that a probability is about: five before, and the one itself
DISCOUNT = 0.8
BEAM = 12
FIRST_ROOM = 1 << 10  # emissions a fresh model has room for
MOST_EMISSIONS = 0xFFFF  # `Tables` keep symbols in 16 bits
BUFFER = 4096  # records that are aligned anew while the model is young
BUFFER_SYMBOLS = 1 << 16  # and their symbols, of either side
EMISSIONS, TARGETS, RECORDS, SOURCE_END, TARGET_END, ALIGNED = range(6)  # places in `clock`


class Beam(NamedTuple):
    """Scratch of decoding: b partial targets, with the way each came."""

    scores: Annotated[Float, "b", SCRATCH]
    recent: Annotated[Int32, "b 5", SCRATCH]
    best: Annotated[Float, "b", SCRATCH]  # of the next step, best first
    parent: Annotated[Int32, "b", SCRATCH]
    token: Annotated[Int32, "b", SCRATCH]
    position: Annotated[Int, "b", SCRATCH]  # in a given target
    next_position: Annotated[Int, "b", SCRATCH]
    next_recent: Annotated[Int32, "b 5", SCRATCH]
    spelled: Annotated[Int32, "4L", SCRATCH]
    parents: Annotated[Int32, "2L b", SCRATCH]
    tokens: Annotated[Int32, "2L b", SCRATCH]
    symbols: Annotated[Int, "256", SCRATCH]
    p: Annotated[Float, "256", SCRATCH]
    place: Annotated[Int32, "E", SCRATCH]


class Joint(NamedTuple):
    """E emissions, S source symbols, sequences up to L (and, with padding, L) symbols.

    An emission is a source symbol with the nought to two target symbols that it writes; 0 is
    none of them, and stands before the first.
    """

    emitted: Annotated[Int32, "E 3"]  # source symbol, first and second target symbol or 0
    places: Annotated[Int32, "I"]  # open addressing by the three
    counts: Annotated[Float, "E"]  # expected number of occurrences
    totals: Annotated[Float, "S"]  # the same by source symbol
    clock: Annotated[Int, "6"]
    sources: Annotated[Int32, "B"]  # the records of the youth, one after another
    targets: Annotated[Int32, "B"]
    ends: Annotated[Int32, "R 2"]
    alpha: Annotated[Float, "L+1 L+1", SCRATCH]
    beta: Annotated[Float, "L+1 L+1", SCRATCH]
    arc_p: Annotated[Float, "L L+1 3", SCRATCH]
    weigh: Annotated[Float, "L+1 3", SCRATCH]
    padded: Annotated[Int32, "L", SCRATCH]
    path: Annotated[Int32, "L", SCRATCH]
    beam: Beam


def create(emissions: int, symbols: int, longest: int) -> Joint:
    """An empty model with room for so many emissions, source symbols, and symbols a sequence."""
    index = 1 << (2 * emissions - 1).bit_length()
    sizes = {"E": emissions, "I": index, "S": symbols, "L": longest, "b": BEAM}
    model: Joint = allocate(Joint, sizes | {"B": BUFFER_SYMBOLS, "R": BUFFER})
    model.clock[EMISSIONS] = 1
    return model


def enlarged(old: Joint, emissions: int, symbols: int) -> Joint:
    """The same with room for more."""
    longest = len(old.path)
    new = create(emissions, symbols, longest)
    for name, array in walk(old, scratch=False):
        if name != "places":
            into_corner(array, dict(walk(new))[name])
    index_emissions(new)
    return new


@entry
def index_emissions(joint):
    """Fill the index from the emissions."""
    joint.places[:] = 0
    for token in range(1, joint.clock[EMISSIONS]):
        a, b, c = joint.emitted[token]
        joint.places[place_of(joint, a, b, c)] = token


@inlined
def place_of(joint, a, b, c):
    """Where the index has the emission of b and c by a, or the free place where it would."""
    mask = joint.places.size - 1
    key = (np.uint64(a) << np.uint64(42)) ^ (np.uint64(b) << np.uint64(21)) ^ np.uint64(c)
    i = np.int64(scramble(key, np.uint64(77)) & np.uint64(mask))
    while True:
        token = joint.places[i]
        if token == 0:
            return i
        if (
            joint.emitted[token, 0] == a
            and joint.emitted[token, 1] == b
            and joint.emitted[token, 2] == c
        ):
            return i
        i = (i + 1) & mask


@inlined
def admit(joint, a, b, c):
    """The number of an emission, a new one if it has none; 0 where no room is left."""
    i = place_of(joint, a, b, c)
    token = joint.places[i]
    if token == 0 and joint.clock[EMISSIONS] < joint.counts.size:
        token = np.int32(joint.clock[EMISSIONS])
        joint.clock[EMISSIONS] += 1
        joint.emitted[token, 0], joint.emitted[token, 1], joint.emitted[token, 2] = a, b, c
        joint.counts[token] = 0
        joint.places[i] = token
    return token
