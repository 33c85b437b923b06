"""State: a tree of NamedTuples whose leaves are arrays, described by a tree of `Field`s.

Saving, copying, comparing and growing walk the tree; nothing else knows its shape.
Every axis that grows appends: z and r end with the inputs, V with the outputs, packed
covariances with their last row.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

LINE = 64  # bytes
INT = np.int64


class Axes(NamedTuple):
    """Declares an array of a state: its axes by name, and its dtype (None: the model's)."""

    names: tuple[str, ...]
    dtype: type | None = None


class Field(NamedTuple):
    """An array to be allocated: axis names, lengths and dtype."""

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any


def resolve(tree, dims: dict[str, int], dtype):
    """Turn the `Axes` of a tree into `Field`s; a digit is its own length."""
    if isinstance(tree, Axes):
        shape = tuple(int(a) if a.isdigit() else dims[a] for a in tree.names)
        return Field(tree.names, shape, np.dtype(tree.dtype or dtype))
    return _rebuild(tree, (resolve(branch, dims, dtype) for branch in tree))


def allocate(fields):
    """Zeros for every field."""
    if isinstance(fields, Field):
        return aligned(fields.shape, fields.dtype)
    return _rebuild(fields, (allocate(branch) for branch in fields))


def aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """Zeros that begin where a cache line does, so that no vector of a row lies in two."""
    size = prod(shape) * dtype.itemsize
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)


def allocate_together(fields) -> tuple[np.ndarray, Any]:
    """Zeros for every field, all in one vector of 8-byte words; the vector, and the tree."""
    buffer = aligned((words(fields),), np.dtype(np.uint64))
    return buffer, within(buffer, fields)


def words(fields) -> int:
    """How many words `allocate_together` takes."""
    return sum(_words(field) for _, field in walk(fields))


def within(buffer: np.ndarray, fields):
    """The tree of *fields* as views of *buffer*, which `allocate_together` has laid out."""
    arrays, at = [], 0
    for _, field in walk(fields):
        part = buffer[at : at + _words(field)].view(field.dtype)
        arrays.append(part[: prod(field.shape)].reshape(field.shape))
        at += _words(field)
    leaves = iter(arrays)
    return _map(fields, leaves)


def _words(field: Field) -> int:
    """Whole cache lines, so that every array begins where one does."""
    return -(-prod(field.shape) * field.dtype.itemsize // LINE) * (LINE // 8)


def _map(fields, leaves):
    if isinstance(fields, Field):
        return next(leaves)
    return _rebuild(fields, [_map(branch, leaves) for branch in fields])


def walk(tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(name, leaf) of every leaf, names joined by dots."""
    if isinstance(tree, (np.ndarray, Field)):
        yield prefix, tree
        return
    names = getattr(tree, "_fields", None) or [str(i) for i in range(len(tree))]
    for name, branch in zip(names, tree, strict=True):
        yield from walk(branch, f"{prefix}.{name}" if prefix else name)


def under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with *prefix*, by the rest of their names."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def grow(fields, old, new_fields, new, shapes, new_shapes) -> None:
    """Copy *old* into the larger *new*, in place; what is new keeps the values of *new*.

    *shapes* are the shapes of the parameter arrays that an axis named P concatenates.
    """
    for (_, field), (_, array), (_, _), (_, target) in zip(
        walk(fields), walk(old), walk(new_fields), walk(new), strict=True
    ):
        if "P" in field.axes:
            grow_parameters(array, target, shapes, new_shapes)
        elif "N" in field.axes:
            _grow_panels(field, array, target)
        else:
            target[tuple(slice(n) for n in array.shape)] = array


def grow_parameters(old, new, shapes, new_shapes) -> None:
    """Row by row: split into parameter arrays, copy each into the corner of its successor."""
    old, new = old.reshape(-1, old.shape[-1]), new.reshape(-1, new.shape[-1])
    new[:] = 0
    at = new_at = 0
    for shape, new_shape in zip(shapes, new_shapes, strict=True):
        if at == old.shape[1]:  # a layer's view: its own parameters and those below
            break
        size, new_size = prod(shape), prod(new_shape)
        for row, new_row in zip(old, new, strict=True):
            part = new_row[new_at : new_at + new_size].reshape(new_shape)
            part[tuple(slice(n) for n in shape)] = row[at : at + size].reshape(shape)
        at, new_at = at + size, new_at + new_size


def _grow_panels(field: Field, old, new) -> None:
    """Rows of W lie in N panels of b: undo the panels, append, and lay them anew."""
    n, b = field.axes.index("N"), field.axes.index("b")
    rows = np.moveaxis(old, (n, b), (0, 1)).reshape(-1, *_without(old.shape, n, b))
    spread = np.moveaxis(new, (n, b), (0, 1))
    N, width = spread.shape[:2]
    laid = np.zeros((N * width, *spread.shape[2:]), new.dtype)
    kept = min(len(rows), len(laid))  # rows beyond Z in the last panel are 0
    laid[:kept] = rows[:kept]
    spread[...] = laid.reshape(spread.shape)


def _without(shape, *axes):
    return tuple(length for axis, length in enumerate(shape) if axis not in axes)


def _rebuild(tree, branches):
    return tree._make(branches) if hasattr(tree, "_make") else tuple(branches)
