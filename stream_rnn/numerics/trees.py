"""State: a tree of NamedTuples whose leaves are arrays, each shape written where it is named.

    class Influence(NamedTuple):
        S: Annotated[Real, "N K H b G H"]

says that S has six axes of the lengths N, K, … and the model's dtype.  `fields` reads the shapes
and lays arrays out, once the lengths are known; allocating, saving, loading, copying and growing
(`growing`) walk the tree, and nothing else knows its shape.  An axis is a name, a number, or a
multiple of a name plus a number, such as ``3H`` and ``T+1``.  Behind the axes may stand `SCRATCH`,
for what every step writes before it reads it, `SYMBOLS`, for what holds symbols, and `NEWER`, for
what checkpoints of 0.1.0 lack.
"""

import functools
import re
import typing
from collections.abc import Hashable, Iterable, Iterator, Mapping
from math import prod
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .places import LINE, MOAT, block

Real = NDArray[np.floating]  # of the model's dtype
Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
Int32 = NDArray[np.int32]
Word = NDArray[np.uint64]
UInt32 = NDArray[np.uint32]
UInt16 = NDArray[np.uint16]
UInt8 = NDArray[np.uint8]

SCRATCH = "scratch"  # not saved
NEWER = "newer"  # not in checkpoints of 0.1.0, of which it begins as 0
SYMBOLS = "symbols"  # whose values are numbers of symbols, or negative

AXIS = re.compile(r"(\d*)([^\W\d]\w*)?(?:([+-]\d+))?")
WORD = 8  # bytes


class Field(NamedTuple):
    """An array to be allocated: axis names, lengths, dtype, and what else is said of it."""

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any
    marks: tuple[str, ...] = ()


@functools.cache
def declared(kind: Hashable) -> dict[str, Any]:
    """What a NamedTuple class says of each of its parts."""
    return typing.get_type_hints(kind, include_extras=True)


def fields(kind: Any, sizes: Mapping[str, int], dtype: Any = np.float64, **given: Any) -> Any:
    """The `Field`s of a NamedTuple class whose axes have these *sizes*.

    Parts that only the caller knows, such as another class's fields or None, are *given*; a
    tuple of arrays as the list of what sizes each has of its own.
    """
    if kind == ():
        return ()
    usual, made = np.dtype(dtype), []
    for name, hint, axes, own, marks in _parts(kind):
        if given and name in given:
            made.append(_given(given[name], hint, sizes, usual))
        elif axes is None:
            made.append(fields(hint, sizes, usual))
        else:
            shape = tuple([sizes[n] if n in sizes else _length(n, sizes) for n in axes])
            made.append(_new(Field, (axes, shape, usual if own is None else own, marks)))
    return _new(kind, made)


_new: Any = tuple.__new__  # `_make` of a NamedTuple, which counts and costs three times as much


@functools.cache
def _parts(kind: Any) -> tuple[tuple, ...]:
    """What a class says of each of its parts, in their order: name, hint, and what `_read` says."""
    hints = declared(kind)
    return tuple([(name, hints[name], *_read(hints[name])) for name in kind._fields])


def _given(part: Any, hint: Any, sizes: Mapping[str, int], dtype: Any) -> Any:
    """A list of sizes stands for a tuple of arrays that differ in them."""
    if not isinstance(part, list):
        return part
    one = typing.get_args(hint)[0]
    return tuple([_field(one, {**sizes, **own}, dtype) for own in part])


def _field(hint: Any, sizes: Mapping[str, int], dtype: Any) -> Any:
    axes, own, marks = _read(hint)
    if axes is None:
        return fields(hint, sizes, dtype)
    shape = tuple([_length(name, sizes) for name in axes])
    return Field(axes, shape, own or np.dtype(dtype), marks)


@functools.cache
def _read(hint: Any) -> tuple[tuple[str, ...] | None, Any, tuple[str, ...]]:
    """Axes, dtype (None for the model's) and marks; no axes for what is no array."""
    if typing.get_origin(hint) is not Annotated:
        return None, None, ()
    array, axes, *marks = typing.get_args(hint)
    if not typing.get_args(array):  # a part that only the caller knows
        return None, None, ()
    own = typing.get_args(array)[-1]
    own = (typing.get_args(own) or (own,))[0]  # before NumPy 2.5 it is in a dtype
    return tuple(axes.split()), None if own is np.floating else np.dtype(own), tuple(marks)


def _length(axis: str, sizes: Mapping[str, int]) -> int:
    if axis in sizes:
        return sizes[axis]
    times, name, plus = _terms(axis)
    return (sizes[name] * times if name else times) + plus


@functools.cache
def _terms(axis: str) -> tuple[int, str | None, int]:
    times, name, plus = AXIS.fullmatch(axis).groups()  # type: ignore[union-attr]
    return int(times or 1), name, int(plus or 0)


# Allocating ---------------------------------------------------------------------------------


def allocate(kind: Any, sizes: Mapping[str, int], dtype: Any = np.float64, **given: Any) -> Any:
    """Zeros for every field of a class, in one block."""
    return zeros(fields(kind, sizes, dtype, **given))


def zeros(tree: Any) -> Any:
    """Zeros for every `Field` of a tree, in one block, each with a moat around it."""
    return allocate_together(tree, MOAT)[1]


def allocate_together(tree: Any, apart: int = 0) -> tuple[np.ndarray, Any]:
    """Zeros for every `Field`, all in one vector of 8-byte words; the vector, and the tree.

    *apart* is the number of bytes between two of them.
    """
    found = leaves(tree)
    places, size = _places(found, apart)
    buffer = block(WORD * size).view(np.uint64)
    return buffer, replaced(tree, _views(buffer, found, places))


def words(tree: Any, apart: int = 0) -> int:
    """How many words `allocate_together` takes."""
    return _places(leaves(tree), apart)[1]


def within(buffer: np.ndarray, tree: Any, apart: int = 0) -> Any:
    """The tree of `Field`s as views of *buffer*, which `allocate_together` has laid out."""
    found = leaves(tree)
    return replaced(tree, _views(buffer, found, _places(found, apart)[0]))


def _views(buffer: np.ndarray, found: list[Field], places: list[int]) -> list[np.ndarray]:
    return [
        np.ndarray(shape, dtype, buffer, at) if at >= 0 else np.empty(shape, dtype)
        for (_, shape, dtype, _), at in zip(found, places, strict=True)
    ]


def _places(found: list[Field], apart: int) -> tuple[list[int], int]:
    """The byte at which each begins, -1 for what has no items; and how many words all take.

    Every array begins where a cache line does, *apart* bytes behind the one before.
    """
    places, at = [], 0
    for _, shape, dtype, _ in found:
        size = prod(shape) * dtype.itemsize
        places.append(at if size else -1)
        at += -(-size // LINE) * LINE + apart
    return places, at // WORD


def replaced(tree: Any, leaves: Iterable[Any]) -> Any:
    """The tree with other leaves, in the order of `walk`."""
    return _replaced(tree, iter(leaves))


def _replaced(tree: Any, leaves: Iterator[Any]) -> Any:
    kind = type(tree)
    if kind is Field or kind is np.ndarray or isinstance(tree, np.ndarray):
        return next(leaves)
    if not isinstance(tree, tuple):
        return tree
    parts = [_replaced(branch, leaves) for branch in tree]
    return tree._make(parts) if hasattr(tree, "_make") else tuple(parts)


# Walking ------------------------------------------------------------------------------------


def walk(tree: Any, prefix: str = "", scratch: bool = True) -> Iterator[tuple[str, Any]]:
    """(name, leaf) of every leaf, names joined by dots; with or without *scratch*."""
    if isinstance(tree, (np.ndarray, Field)):
        yield prefix, tree
    elif isinstance(tree, tuple):
        names = getattr(tree, "_fields", None) or [str(i) for i in range(len(tree))]
        for name, branch in zip(names, tree, strict=True):
            if scratch or not is_marked(type(tree), name, SCRATCH):
                yield from walk(branch, f"{prefix}.{name}" if prefix else name, scratch)


def leaves(tree: Any) -> list[Any]:
    """The leaves alone, in the order of `walk`."""
    found: list[Any] = []
    _gather((tree,), found)
    return found


def _gather(branches: tuple, found: list[Any]) -> None:
    for branch in branches:
        kind = type(branch)
        if kind is Field or kind is np.ndarray:
            found.append(branch)
        elif isinstance(branch, tuple):
            _gather(branch, found)
        elif isinstance(branch, np.ndarray):
            found.append(branch)


def is_marked(kind: type, name: str, mark: str) -> bool:
    """Whether a class says so of its part *name*."""
    return hasattr(kind, "_fields") and mark in getattr(declared(kind)[name], "__metadata__", ())


def marked(tree: Any, mark: str, prefix: str = "") -> Iterator[str]:
    """Names, as of `walk`, of the arrays that are marked so."""
    if isinstance(tree, tuple):
        names = getattr(tree, "_fields", None) or [str(i) for i in range(len(tree))]
        for name, branch in zip(names, tree, strict=True):
            inner = f"{prefix}.{name}" if prefix else name
            if is_marked(type(tree), name, mark):
                yield inner
            yield from marked(branch, mark, inner)


def below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with *prefix*, by the rest of their names."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def load(tree: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Overwrite what is saved of *tree*; `CheckpointError` unless names and shapes agree.

    Scratch, some of which 0.1.0 saved, is passed over; what 0.1.0 lacked begins as 0.
    """
    mine, passed = dict(walk(tree, scratch=False)), {name for name, _ in walk(tree)}
    lacking = mine.keys() - arrays.keys() - set(marked(tree, NEWER))
    if lacking or arrays.keys() - passed:
        odd = ", ".join(sorted(lacking | (arrays.keys() - passed)))
        raise CheckpointError(f"the checkpoint is of another model; they differ in: {odd}")
    for name in mine.keys() & arrays.keys():
        array, other = mine[name], arrays[name]
        if other.shape != array.shape or other.dtype != array.dtype:
            raise CheckpointError(
                f"{name}: the checkpoint has {other.dtype}{other.shape}, "
                f"the model {array.dtype}{array.shape}"
            )
    for name, array in mine.items():
        array[...] = arrays.get(name, 0)


def duplicate(tree: Any) -> Any:
    """A copy that shares nothing, in one block."""
    shapes = [Field((), array.shape, array.dtype) for array in leaves(tree)]
    copy = zeros(replaced(tree, shapes))
    for target, array in zip(leaves(copy), leaves(tree), strict=True):
        target[...] = array
    return copy


def size(tree: Any) -> int:
    """Bytes in all arrays."""
    return sum(array.nbytes for array in leaves(tree))
