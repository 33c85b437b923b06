"""A hash table from keys to rows of weights; open addressing with linear probing."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry, kernel
from ...numerics import growing, trees
from ...numerics.trees import SCRATCH, Float32, Int, Int32, Word

ROWS, FORGOTTEN, CLOCK = range(3)  # places in `Table.size`
LEAST = 1024  # rows of a new table
SHARE = 8  # one row in so many goes when the table is full
NONE = -1


class Table(NamedTuple):
    """R rows of L weights; the index has 2R places or more, a power of two.

    Keys are hashes, so their low bits are a place.  Uses are the examples that a row was learned
    from.
    """

    index: Annotated[Int32, "I", SCRATCH]  # type: ignore[assignment]  # 1 + row, 0 for free
    stamp: Annotated[Int, "R", SCRATCH]  # example in which a row was met last
    keys: Annotated[Word, "R"]
    uses: Annotated[Int32, "R"]
    weights: Annotated[Float32, "R L"]
    squares: Annotated[Float32, "R L"]  # of the gradients so far
    size: Annotated[Int, "3"]  # rows in use; forgotten; examples


def create(rows: int, labels: int) -> Table:
    """An empty table."""
    places = 1 << (2 * rows - 1).bit_length()
    table: Table = trees.allocate(Table, {"I": places, "R": rows, "L": labels})
    return table


@kernel
def probe(table, key):
    """The place of a key in the index, or the free one at which the search for it ends."""
    mask = np.uint64(table.index.size - 1)
    place = np.int64(key & mask)
    while table.index[place] != 0 and table.keys[table.index[place] - 1] != key:
        place = (place + 1) & np.int64(mask)
    return place


@kernel
def find(table, key):
    """The row of a key, or NONE."""
    return table.index[probe(table, key)] - 1


@kernel
def admit(table, key):
    """The row of a key, a new one if need be; NONE if there is no room."""
    place = probe(table, key)
    if table.index[place] != 0:
        return table.index[place] - 1
    row = table.size[ROWS]
    if row == table.keys.size:
        return NONE
    table.size[ROWS] += 1
    table.index[place] = row + 1
    table.keys[row] = key
    return row


@kernel
def row_of(table, key, learning):
    """The row of a key, a new one if need be when *learning*; 0 is no key."""
    if key == 0:
        return NONE
    return admit(table, key) if learning else find(table, key)


@entry
def reindex(table):
    """Fill the index, which follows from the keys."""
    mask = np.uint64(table.index.size - 1)
    table.index[:] = 0
    for row in range(table.size[ROWS]):
        place = np.int64(table.keys[row] & mask)
        while table.index[place] != 0:
            place = (place + 1) & np.int64(mask)
        table.index[place] = row + 1


def resized(old: Table, rows: int, labels: int, kept: np.ndarray | None = None) -> Table:
    """A copy with room for so many *rows* and *labels*, of the rows *kept* or of all."""
    n = int(old.size[ROWS])
    places = np.arange(n) if kept is None else kept
    new = create(rows, labels)
    for name in ("keys", "uses", "weights", "squares"):
        growing.into_corner(getattr(old, name)[places], getattr(new, name))
    new.size[:] = old.size
    new.size[ROWS] = len(places)
    new.size[FORGOTTEN] += n - len(places)
    reindex(new)
    return new


def with_room(table: Table, more: int, most: int) -> Table:
    """*table*, or one with room for so many *more* rows, never for more than *most*.

    Where that would be too many, the least used go, the newest first among equals: one in `SHARE`,
    or as many as are needed, up to half.  The uses of the rest are halved, so that what was
    frequent long ago does not stay for ever.
    """
    n, rows, labels = int(table.size[ROWS]), len(table.keys), table.weights.shape[1]
    if n + more <= rows:
        return table
    if rows < most:
        return resized(table, min(most, max(2 * rows, 1 << (n + more).bit_length())), labels)
    gone = min(n // 2, max(n // SHARE, n + more - most))
    order = np.argsort(-table.uses[:n], kind="stable")
    new = resized(table, rows, labels, np.sort(order[: n - gone]))
    new.uses[:] = (new.uses + 1) // 2
    return new


def saved(table: Table) -> dict[str, np.ndarray]:
    """What is saved, by name: of rows those in use."""
    n = int(table.size[ROWS])
    arrays = dict(trees.walk(table, scratch=False))
    return {name: a.copy() if name == "size" else a[:n].copy() for name, a in arrays.items()}


def restored(arrays: dict[str, np.ndarray], rows: int) -> Table:
    """The table of `saved` arrays, with room for *rows* or as many as there are."""
    n, labels = arrays["weights"].shape
    table = create(max(rows, 1 << max(0, n - 1).bit_length()), labels)
    trimmed = table._replace(
        **{name: getattr(table, name)[:n] for name in ("keys", "uses", "weights", "squares")}
    )
    trees.load(trimmed, arrays)
    reindex(table)
    return table
