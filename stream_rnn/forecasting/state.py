"""A bank's state as named arrays: saving, restoring, copying and growing."""

from typing import Any

import numpy as np

from .bank import Bank
from .experts import linear
from .experts.linear import Filters
from .experts.lstm import Networks


def arrays(state: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Every array of a nested tuple by its path, e.g. ``mix.top.table``; no copies."""
    if isinstance(state, np.ndarray):
        return {prefix: state}
    names = getattr(state, "_fields", range(len(state)))
    found: dict[str, np.ndarray] = {}
    for name, value in zip(names, state):
        found |= arrays(value, f"{prefix}.{name}" if prefix else str(name))
    return found


def load(state: Any, saved: dict[str, np.ndarray]) -> None:
    """Overwrite the arrays of *state* with *saved*; KeyError or ValueError if they differ."""
    mine = arrays(state)
    if mine.keys() != saved.keys():
        odd = sorted(mine.keys() ^ saved.keys())
        raise KeyError(f"arrays {odd[:3]} are in only one of model and checkpoint")
    for name, array in mine.items():
        if array.shape != saved[name].shape or array.dtype != saved[name].dtype:
            raise ValueError(
                f"{name} is {saved[name].dtype}{saved[name].shape}, not {array.dtype}{array.shape}"
            )
    for name, array in mine.items():
        array[...] = saved[name]


def duplicate(state: Any) -> Any:
    """A copy that shares nothing."""
    if isinstance(state, np.ndarray):
        return state.copy()
    parts = [duplicate(part) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def grow(old: Any, new: Any) -> None:
    """Carry *old* over into *new*, the same bank with more exogenous inputs.

    Exogenous inputs come last on every axis that counts them, so what was known is the
    leading corner of the new array.  Weights of the new inputs are 0.
    """
    if isinstance(new, Filters):
        linear.grow(old, new)
    elif isinstance(new, np.ndarray):
        if old.shape != new.shape and new.dtype.kind == "f":
            corner = tuple(slice(0, n) for n in old.shape)
            new[corner] = old
        elif old.shape == new.shape:
            new[...] = old
    else:
        for before, after in zip(old, new):
            grow(before, after)
        if isinstance(new, Networks):
            new.w[:, old.w.shape[1] :] = 0


def size(state: Bank) -> int:
    """Bytes in all arrays."""
    return sum(array.nbytes for array in arrays(state).values())
