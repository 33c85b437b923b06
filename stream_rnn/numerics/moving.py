"""Where the arrays of a block lie, and how they move into a longer one: compiled.

Arrays are told by three vectors: `dims` (L,), how many axes each has, `shapes`, the lengths of
all axes end to end, and `places` (L,), the byte at which each begins.
"""

import numpy as np

from ..codegen.dispatch import entry, kernel
from .places import LINE

# How an array moves: not at all; into the leading corner; -4 - p: rows along axis p, which lie in
# panels along axis 0, into other panels; from 0 on: its last axis is made of a table's arrays.
LEFT, CORNER, PANELS = -1, -2, -4


@entry
def place(dims, items, order, shapes, apart, places):
    """Write where arrays with items of so many bytes lie, in their *order*; the bytes of all.

    Every array begins where a cache line does, *apart* bytes behind the one before.
    """
    first = np.int64(0)
    for l in range(len(dims)):  # the sizes first
        places[l] = items[l]
        for k in range(first, first + dims[l]):
            places[l] *= shapes[k]
        first += dims[l]
    at = np.int64(0)
    for n in range(len(order)):
        l = order[n]
        size = places[l]
        places[l] = at
        at += (size + LINE - 1) // LINE * LINE + apart
    return at


@entry
def describe(dims, items, shapes, places, begin, base, block):
    """Write into the *block* of words, from *begin* on, arrays that lie from address *base* on.

    As `codegen.memory` says: owner, twice; items and their size; address; shape; strides.
    """
    first, at = np.int64(0), begin
    for l in range(len(dims)):
        n, stride = dims[l], items[l]
        for k in range(n - 1, -1, -1):
            block[at + 5 + k] = shapes[first + k]
            block[at + 5 + n + k] = stride
            stride *= shapes[first + k]
        block[at], block[at + 1] = 0, 0
        block[at + 2], block[at + 3] = stride // items[l], items[l]
        block[at + 4] = base + places[l]
        first, at = first + n, at + 5 + 2 * n


@entry
def move(how, dims, items, old, shapes, places, new, longer, newer, table):
    """Copy arrays from *old* to *new*, both blocks of bytes; what is new stays as it is.

    *shapes* and *places* are of the old arrays, *longer* and *newer* of the new ones; *table*
    (R, 9) holds of each array that is joined its number in `how`, its old and its new shape.
    """
    first = np.int64(0)
    for l in range(len(dims)):
        n, unit, a, b = dims[l], items[l], places[l], newer[l]
        was, now = shapes[first : first + n], longer[first : first + n]
        if how[l] >= 0:
            _joined(how[l], table, old, a, was, new, b, now, unit)
        elif how[l] <= PANELS:
            _panels(PANELS - how[l], old, a, was, new, b, now, unit)
        elif how[l] == CORNER:
            _corner(old, a, was, new, b, now, unit)
        first += n


@kernel
def _run(old, a, new, b, count):
    source, target = old[a : a + count], new[b : b + count]
    for i in range(target.size):
        target[i] = source[i]


@kernel
def _corner(old, a, was, new, b, now, unit):
    """Into the leading corner; trailing axes that are as long as before move in one run."""
    axis, run = len(was), unit
    while axis > 0 and was[axis - 1] == now[axis - 1]:
        axis -= 1
        run *= was[axis]
    stride, rows = run, 1
    if axis > 0:  # the one that has grown takes part in the run
        axis -= 1
        run, stride = run * was[axis], run * now[axis]
    for k in range(axis):
        rows *= was[k]
    for row in range(rows):
        at, rest, step = b, row, stride
        for k in range(axis - 1, -1, -1):
            at += rest % was[k] * step
            rest //= was[k]
            step *= now[k]
        _run(old, a + row * run, new, at, run)


@kernel
def _panels(p, old, a, was, new, b, now, unit):
    """Row by row; rows that no panel of the new has are 0."""
    inner, middle = unit, 1
    for k in range(p + 1, len(was)):
        inner *= was[k]
    for k in range(1, p):
        middle *= was[k]
    for row in range(min(was[0] * was[p], now[0] * now[p])):
        here = row // was[p] * middle * was[p] + row % was[p]
        there = row // now[p] * middle * now[p] + row % now[p]
        for m in range(middle):
            _run(old, a + (here + m * was[p]) * inner, new, b + (there + m * now[p]) * inner, inner)


@kernel
def _joined(number, table, old, a, was, new, b, now, unit):
    """Each of the arrays that are joined moves into the corner of its successor."""
    leads, size, longer = 1, was[len(was) - 1], now[len(now) - 1]
    for k in range(len(was) - 1):
        leads *= was[k]
    for lead in range(leads):
        at = to = np.int64(0)
        for t in range(len(table)):
            if table[t, 0] != number or at == size:  # a layer's view ends before the others
                continue
            shape, successor = table[t, 1:5], table[t, 5:9]
            here, there = lead * size + at, lead * longer + to
            _corner(old, a + here * unit, shape, new, b + there * unit, successor, unit)
            at += shape[0] * shape[1] * shape[2] * shape[3]
            to += successor[0] * successor[1] * successor[2] * successor[3]
