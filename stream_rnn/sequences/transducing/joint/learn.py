"""One record through the joint model, and the records of its youth once more."""

from ....codegen.dispatch import entry, kernel
from ....codegen.inlined import inlined
from ....text.contexts.tables import has_room
from ..symbols import END
from .lattice import align, expect
from .ngram import count, lengthened
from .state import (
    ALIGNED,
    EMISSIONS,
    ORDER,
    RECORDS,
    SOURCE_END,
    TARGET_END,
    TARGETS,
)

ROUNDS = 3  # of expectations over the records of the youth, each time they have doubled
FIRST_ROUNDS = 32  # records
FADED = 1 / 16


@kernel
def write_path(joint, tables, keys, n):
    """Count the n pairs of the path and the end after them."""
    recent = joint.beam.recent[0]
    for k in range(ORDER - 1):
        recent[k] = 0
    for i in range(n + 1):
        for k in range(ORDER - 1):
            keys[k + 1] = lengthened(keys[k], recent[k])
        a = joint.padded[i] if i < n else END
        token = joint.path[i] if i < n else 0
        count(tables, keys, a, token)
        for k in range(ORDER - 2, 0, -1):
            recent[k] = recent[k - 1]
        recent[0] = token


@entry
def learn(joint, tables, keys, source, target, targets):
    """Learn a record; whether those of the youth are due for another alignment.

    *targets* target symbols are known.  While there is room the record is kept, to be aligned
    anew when twice as many are there.
    """
    clock = joint.clock
    clock[TARGETS] = targets
    expect(joint, source, target)
    n = align(joint, source, target)
    if n >= 0:
        write_path(joint, tables, keys, n)
    r, s, t = clock[RECORDS], clock[SOURCE_END], clock[TARGET_END]
    room = r < joint.ends.shape[0] and s + source.size <= joint.sources.size
    if not (room and t + target.size <= joint.targets.size) or clock[ALIGNED] < 0:
        clock[ALIGNED] = -1
        return False
    for i in range(source.size):
        joint.sources[s + i] = source[i]
    for i in range(target.size):
        joint.targets[t + i] = target[i]
    joint.ends[r, 0], joint.ends[r, 1] = s + source.size, t + target.size
    clock[SOURCE_END], clock[TARGET_END] = joint.ends[r, 0], joint.ends[r, 1]
    clock[RECORDS] += 1
    return clock[RECORDS] >= max(FIRST_ROUNDS, 2 * clock[ALIGNED])


@entry
def expect_again(joint):
    """ROUNDS of expectations over all records kept; each outweighs what was counted before."""
    for _ in range(ROUNDS):
        for token in range(joint.clock[EMISSIONS]):
            joint.counts[token] *= FADED
        for a in range(joint.totals.size):
            joint.totals[a] *= FADED
        for r in range(joint.clock[RECORDS]):
            source, target = kept(joint, r)
            expect(joint, source, target)


@entry
def write_again(joint, tables, keys, first):
    """Count the paths of the records kept, from number *first* on; how far the room was enough."""
    for r in range(first, joint.clock[RECORDS]):
        if not has_room(tables, entries(joint)):
            return r
        source, target = kept(joint, r)
        n = align(joint, source, target)
        if n >= 0:
            write_path(joint, tables, keys, n)
    joint.clock[ALIGNED] = joint.clock[RECORDS]
    return joint.clock[RECORDS]


@kernel
def kept(joint, r):
    """Source and target of record r of the youth."""
    s = joint.ends[r - 1, 0] if r > 0 else 0
    t = joint.ends[r - 1, 1] if r > 0 else 0
    return joint.sources[s : joint.ends[r, 0]], joint.targets[t : joint.ends[r, 1]]


@inlined
def entries(joint):
    """How many contexts the longest path may enter."""
    return 2 * ORDER * (len(joint.path) + 1)
