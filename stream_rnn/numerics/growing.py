"""State that grows: the same tree (see `trees`) with longer axes.

Every axis that grows appends: z and r end with the inputs, V with the outputs, packed
covariances with their last row.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from .trees import SCRATCH, SYMBOLS, Field, declared, leaves

Shapes = Sequence[tuple[int, ...]]


def into_corner(old: np.ndarray, new: np.ndarray) -> None:
    """Copy *old* into the leading corner of *new*."""
    if old.shape == new.shape:
        new[...] = old
        return
    new[tuple([slice(n) for n in old.shape])] = old


def extend(old: Any, new: Any) -> None:
    """Copy *old* into the leading corners of *new*, the same tree with longer axes.

    Integers of another length, which say what lies where, stay as *new* has them.
    """
    for array, target in zip(leaves(old), leaves(new), strict=True):
        if array.shape == target.shape or array.dtype.kind == "f":
            into_corner(array, target)


def keep(old: Any, new: Any, kept: np.ndarray, axis: str = "V") -> None:
    """Copy *old* into *new*, place kept[i] of every *axis* into place i; *new* is as fresh.

    Arrays of `SYMBOLS` name the places anew; what is not kept becomes symbol 0.
    """
    renamed = np.zeros(int(kept.max()) + 1 if len(kept) else 1, np.int64)
    renamed[kept] = np.arange(len(kept))
    for name, hint in declared(type(old)).items():  # type: ignore[arg-type]
        source, target = getattr(old, name), getattr(new, name)
        axes, *marks = getattr(hint, "__metadata__", (None,))
        if axes is None or SCRATCH in marks:
            continue
        if SYMBOLS in marks:
            known = (source >= 0) & (source < len(renamed))
            target[...] = np.where(
                known, renamed[np.where(known, source, 0)], np.minimum(source, 0)
            )
            continue
        names = axes.split()
        for n, letter in enumerate(names):
            if letter == axis:
                source = source.take(kept, n)
        if source.ndim and all(a <= b for a, b in zip(source.shape, target.shape, strict=True)):
            into_corner(source, target)


def grow(
    tree: Any, old: Any, new: Any, joined: Mapping[str, tuple[Shapes, Shapes]] | None = None
) -> None:
    """Copy *old* into the larger *new*, in place; what is new keeps the values of *new*.

    *tree* are the fields of *old*; *joined* has, before and after, the shapes of the arrays that
    an axis of that name concatenates, such as the parameters P.  `laid` does the same at once.
    """
    joined = joined or {}
    for field, array, target in zip(leaves(tree), leaves(old), leaves(new), strict=True):
        if field.axes and field.axes[-1] in joined:
            grow_parameters(array, target, *joined[field.axes[-1]])
        elif in_panels(field):
            _grow_panels(field, array, target)
        else:
            into_corner(array, target)


def grow_parameters(old: np.ndarray, new: np.ndarray, shapes: Shapes, new_shapes: Shapes) -> None:
    """Row by row: split into parameter arrays, copy each into the corner of its successor."""
    old, new = old.reshape(-1, old.shape[-1]), new.reshape(-1, new.shape[-1])
    new[:] = 0
    at = new_at = 0
    for shape, new_shape in zip(shapes, new_shapes, strict=True):
        if at == old.shape[1]:  # a layer's view: its own parameters and those below
            break
        count, new_count = prod(shape), prod(new_shape)
        for row, new_row in zip(old, new, strict=True):
            part = new_row[new_at : new_at + new_count].reshape(new_shape)
            into_corner(row[at : at + count].reshape(shape), part)
        at, new_at = at + count, new_at + new_count


def in_panels(field: Field) -> bool:
    """Whether rows lie along b, in panels along N."""
    return "N" in field.axes and "b" in field.axes


def _grow_panels(field: Field, old: np.ndarray, new: np.ndarray) -> None:
    """Rows of W lie in N panels of b: undo the panels, and lay them anew, in zeros."""
    n, b = field.axes.index("N"), field.axes.index("b")
    if old.shape[b] == new.shape[b]:  # the panels are the same, and rows beyond Z are 0
        into_corner(old, new)
        return
    others = tuple(length for axis, length in enumerate(old.shape) if axis not in (n, b))
    rows = np.moveaxis(old, (n, b), (0, 1)).reshape(-1, *others)
    spread = np.moveaxis(new, (n, b), (0, 1))
    N, width = spread.shape[:2]
    for panel in range(min(N, -(-len(rows) // width))):  # rows beyond Z in the last are 0
        part = rows[panel * width : (panel + 1) * width]
        spread[panel, : len(part)] = part
