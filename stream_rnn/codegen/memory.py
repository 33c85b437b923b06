"""Tuples of arrays and numbers in memory, as Numba's data models lay them out.

An array is a structure of words of 8 bytes: its owner (none here), twice; the number of its items
and their size; where they lie; its shape; its strides.  A number lies at a multiple of its size, a
tuple is a structure of its fields.
"""

import ctypes
import struct
from typing import Any, NamedTuple

import numpy as np
from numba import typeof, types

FORMS = {types.Integer: {8: "b", 16: "h", 32: "i", 64: "q"}, types.Float: {32: "f", 64: "d"}}
_layouts: dict[tuple, "Layout"] = {}


class Layout(NamedTuple):
    """How tuples of one type lie."""

    kind: types.Type
    form: str  # of their numbers, for `struct`

    def block(self, numbers: list[Any]) -> np.ndarray:
        """Memory that holds the *numbers* of `flat`."""
        block = np.zeros(-(-struct.calcsize(self.form) // 8), np.int64)
        struct.pack_into(self.form, block.view(np.uint8).data, 0, *numbers)
        return block


def laid_out(value: tuple) -> tuple[types.Type, np.ndarray]:
    """The type of *value* and a block of memory that holds it.

    Raises `TypeError` for what has no place there: text, functions.

    >>> kind, block = laid_out((np.zeros(3, np.float32), 7, True))
    >>> str(kind)
    'Tuple(array(float32, 1d, C), int64, bool)'
    >>> block[2:4], block[5:]  # 3 items of 4 bytes, …, the shape, the stride, 7, true
    (array([3, 4]), array([3, 4, 7, 1]))
    """
    structure: list[Any] = []
    numbers: list[Any] = []
    flatten(value, structure, numbers)
    key = tuple(structure)
    layout = _layouts.get(key)
    if layout is None:
        kind = typeof(value)
        layout = _layouts[key] = Layout(kind, _form(kind)[0])
    return layout.kind, layout.block(numbers)


def address(array: np.ndarray) -> int:
    """Where the first item lies; numpy's own ways to tell take four times as long."""
    try:
        return _address(_byte(array))
    except (TypeError, ValueError, BufferError):  # empty, not contiguous, or not to be written
        return array.ctypes.data


_byte, _address = ctypes.c_char.from_buffer, ctypes.addressof
_FLAGS = 0x1 | 0x400  # of numpy: C-contiguous, writeable


def flatten(value: Any, structure: list[Any], numbers: list[Any]) -> None:
    """Append what of *value* decides its type, and the numbers that are written of it."""
    if isinstance(value, np.ndarray):
        shape = value.shape
        structure += value.dtype, len(shape), value.flags.num & _FLAGS
        numbers += 0, 0, value.size, value.itemsize, address(value), *shape, *value.strides
    elif isinstance(value, tuple):
        structure += type(value), len(value)
        for part in value:
            flatten(part, structure, numbers)
    else:
        structure.append(type(value))
        if value is not None:
            numbers.append(value)


def _form(kind: types.Type) -> tuple[str, int]:
    """The format of *kind* with what is left free inside, and its alignment."""
    if isinstance(kind, types.BaseTuple):
        form, largest = "=", 1
        for part in kind.types:
            inner, align = _form(part)
            form = _filled(form, align) + inner[1:]
            largest = max(largest, align)
        return _filled(form, largest), largest
    if isinstance(kind, types.Array):
        return f"={5 + 2 * kind.ndim}q", 8
    if isinstance(kind, types.NoneType):
        return "=8x", 8
    if isinstance(kind, types.Boolean):
        return "=?", 1
    for family, forms in FORMS.items():
        if isinstance(kind, family):
            return f"={forms[kind.bitwidth]}", kind.bitwidth // 8
    raise TypeError(f"{kind} cannot be bound: a spec holds numbers, booleans, None and tuples")


def _filled(form: str, align: int) -> str:
    free = -struct.calcsize(form) % align
    return f"{form}{free}x" if free else form
