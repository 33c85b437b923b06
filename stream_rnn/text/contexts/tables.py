"""Statistics of contexts: one growable hash table, a list of symbols for each context.

A context is a slot of 16 bytes: a 32-bit check, its total N with the epoch of its last use,
its newest symbol with a count, and the first node of the list of older ones, most recent
first.  A context followed by one symbol only, as most are, takes no node at all.

The table doubles until it reaches its bound.  From then on, whenever it is full, the
contexts that have been idle longest go; time is counted in epochs, one for each eighth of
the table that was filled.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry
from ...codegen.inlined import inlined
from ...numerics.float32 import F, scramble
from ...numerics.trees import SCRATCH, Float32, Int, Int32, allocate

CHECK, TOTAL, FRONT, NEXT = range(4)  # columns of `slots`; TOTAL is epoch << 24 | N
USED, NODES, EPOCH, EPOCH_END = range(4)  # places in `fill`
N_MASK = 0xFFFFFF
IDLE_FOR_EVER = 127  # epochs are counted modulo 128
COUNT_MAX = 0x7FFF  # counts have 15 bits; a list is halved when one is full
LONGEST_LIST = 255


class Tables(NamedTuple):
    """S slots (a power of two), and nodes shared by all of them."""

    slots: Annotated[Int32, "S 4"]
    nodes: Annotated[Int32, "n 2"]  # count << 16 | symbol, next node
    fill: Annotated[Int, "4"]  # slots used, nodes used, epoch, slots used when it ends
    symbols: Annotated[Int, "256", SCRATCH]  # for one list
    values: Annotated[Float32, "256", SCRATCH]

    @classmethod
    def create(cls, slots: int = 1 << 12, nodes: int | None = None) -> "Tables":
        """An empty table, of as many nodes as slots unless told otherwise."""
        new = allocate(cls, {"S": slots, "n": slots if nodes is None else nodes})
        new.fill[:] = 0, 0, 1, slots // 8
        return new

    def enlarged(self, entries: int, most: int) -> "Tables":
        """A table with room for `entries` more contexts and nodes: of twice the size, up to
        `most` slots and nodes, and after that without the contexts idle for longest."""
        size, nodes = len(self.slots), len(self.nodes)
        more_slots, more_nodes = not slots_left(self, entries), not nodes_left(self, entries)
        oldest, least = IDLE_FOR_EVER, 1
        if (more_slots and size >= most) or (more_nodes and nodes >= most):
            oldest, least = self._limits(size // 2, nodes // 2)
        size = 2 * size if more_slots and size < most else size
        nodes = 2 * nodes if more_nodes and nodes < most else nodes
        new = Tables.create(size, nodes)
        new.fill[EPOCH] = self.fill[EPOCH]
        move_contexts(self, new, oldest, least)
        new.fill[EPOCH_END] = new.fill[USED] + size // 8
        return new

    def _limits(self, slots: int, nodes: int) -> tuple[int, int]:
        """The greatest age, and then the least N, such that what is kept fits."""
        oldest, least = IDLE_FOR_EVER, 1
        while True:
            kept_slots, kept_nodes = survivors(self, oldest, least)
            if kept_slots <= slots and kept_nodes <= nodes:
                return oldest, least
            if oldest > 0:
                oldest = min(oldest, 16) - 1
            else:
                least *= 2


@inlined
def slots_left(tables, entries):
    """Whether `entries` more contexts fit; at most 3/4 of the slots are used."""
    return tables.slots.shape[0] * 3 // 4 - tables.fill[USED] >= entries


@inlined
def nodes_left(tables, entries):
    """Whether `entries` more nodes fit."""
    return tables.nodes.shape[0] - tables.fill[NODES] >= entries


@inlined
def has_room(tables, entries):
    """Whether `entries` more contexts and nodes fit."""
    return slots_left(tables, entries) and nodes_left(tables, entries)


@inlined
def check_of(key, salt):
    """The 32 bits that stand for a context; contexts of different kinds share the table."""
    return np.int32(np.int64(scramble(key, np.uint64(salt)) >> np.uint64(32)))


@inlined
def find(slots, key, salt):
    """The context's slot, or the free slot where it would go (linear probing)."""
    check = check_of(key, salt)
    mask = slots.shape[0] - 1
    i = np.int64(check) & mask
    while slots[i, TOTAL] != 0 and slots[i, CHECK] != check:
        i = (i + 1) & mask
    return i


@inlined
def read_list(tables, slot, symbols, values):
    """Unpack a context's symbols and counts, most recent first; returns how many."""
    nodes = tables.nodes
    front = tables.slots[slot, FRONT]
    symbols[0] = front & 0xFFFF
    values[0] = F(front >> 16)
    n = 1
    j = tables.slots[slot, NEXT]
    while j >= 0:
        packed = nodes[j, 0]
        symbols[n] = packed & 0xFFFF
        values[n] = F(packed >> 16)
        n += 1
        j = nodes[j, 1]
    return n


@inlined
def update_list(tables, key, salt, symbol):
    """Count `symbol` in the context and move it to the front; returns its count before."""
    slots, nodes, fill = tables.slots, tables.nodes, tables.fill
    i = find(slots, key, salt)
    if slots[i, TOTAL] == 0:
        slots[i, CHECK] = check_of(key, salt)
        slots[i, TOTAL] = (fill[EPOCH] & IDLE_FOR_EVER) << 24 | 1
        slots[i, FRONT] = 1 << 16 | symbol
        slots[i, NEXT] = -1
        fill[USED] += 1
        if fill[USED] >= fill[EPOCH_END]:
            fill[EPOCH] += 1
            fill[EPOCH_END] += slots.shape[0] // 8
        return 0
    slots[i, TOTAL] = (fill[EPOCH] & IDLE_FOR_EVER) << 24 | min(
        (slots[i, TOTAL] & N_MASK) + 1, N_MASK
    )
    front = slots[i, FRONT]
    if front & 0xFFFF == symbol:
        slots[i, FRONT] = front + (1 << 16)
        if front >> 16 >= COUNT_MAX - 1:
            halve(slots, nodes, i)
        return front >> 16
    before, j, length = -1, slots[i, NEXT], 1
    while j >= 0 and nodes[j, 0] & 0xFFFF != symbol:
        if nodes[j, 1] < 0 and length >= LONGEST_LIST - 1:
            break  # the list is full: its last entry makes way, its mass stays in N
        before = j
        j = nodes[j, 1]
        length += 1
    count = 0
    if j < 0:
        j = fill[NODES]
        fill[NODES] += 1
    else:
        if nodes[j, 0] & 0xFFFF == symbol:
            count = nodes[j, 0] >> 16
        if before >= 0:
            nodes[before, 1] = nodes[j, 1]
        else:
            slots[i, NEXT] = nodes[j, 1]
    nodes[j, 0] = front
    nodes[j, 1] = slots[i, NEXT]
    slots[i, NEXT] = j
    slots[i, FRONT] = (count + 1) << 16 | symbol
    if count >= COUNT_MAX - 1:
        halve(slots, nodes, i)
    return count


@inlined
def halve(slots, nodes, i):
    """Halve a context's counts, rounding up, and make N their sum."""
    c = ((slots[i, FRONT] >> 16) + 1) >> 1
    slots[i, FRONT] = c << 16 | (slots[i, FRONT] & 0xFFFF)
    total = c
    j = slots[i, NEXT]
    while j >= 0:
        c = ((nodes[j, 0] >> 16) + 1) >> 1
        nodes[j, 0] = c << 16 | (nodes[j, 0] & 0xFFFF)
        total += c
        j = nodes[j, 1]
    slots[i, TOTAL] = (slots[i, TOTAL] & 0x7F000000) | total


@inlined
def age_of(tables, i):
    """Epochs since the context in slot i was last used."""
    return (tables.fill[EPOCH] - (tables.slots[i, TOTAL] >> 24)) & IDLE_FOR_EVER


@entry
def survivors(tables, oldest, least):
    """How many contexts have an age up to `oldest` and N of `least` or more, and their nodes."""
    slots = nodes = 0
    for i in range(tables.slots.shape[0]):
        if tables.slots[i, TOTAL] & N_MASK >= least and age_of(tables, i) <= oldest:
            slots += 1
            j = tables.slots[i, NEXT]
            while j >= 0:
                nodes += 1
                j = tables.nodes[j, 1]
    return slots, nodes


@entry
def move_contexts(old, new, oldest, least):
    """Copy the contexts `survivors` counts, lists and all."""
    mask = new.slots.shape[0] - 1
    for i in range(old.slots.shape[0]):
        if old.slots[i, TOTAL] & N_MASK < least or age_of(old, i) > oldest:
            continue
        k = np.int64(old.slots[i, CHECK]) & mask
        while new.slots[k, TOTAL] != 0:
            k = (k + 1) & mask
        for column in range(4):
            new.slots[k, column] = old.slots[i, column]
        new.fill[USED] += 1
        tail = -1
        j = old.slots[i, NEXT]
        while j >= 0:
            node = new.fill[NODES]
            new.fill[NODES] += 1
            new.nodes[node, 0] = old.nodes[j, 0]
            new.nodes[node, 1] = -1
            if tail < 0:
                new.slots[k, NEXT] = node
            else:
                new.nodes[tail, 1] = node
            tail = node
            j = old.nodes[j, 1]


@entry
def rename(tables, new_name):
    """Give every symbol s in every list the name new_name[s]; 0 is the unknown symbol."""
    slots, nodes = tables.slots, tables.nodes
    for i in range(slots.shape[0]):
        if slots[i, TOTAL] != 0:
            slots[i, FRONT] = (slots[i, FRONT] & 0x7FFF0000) | new_name[slots[i, FRONT] & 0xFFFF]
    for j in range(tables.fill[NODES]):
        nodes[j, 0] = (nodes[j, 0] & 0x7FFF0000) | new_name[nodes[j, 0] & 0xFFFF]
