"""From a nested state of arrays to arrays by name, and back."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..numerics.places import aligned
from .network.any_cell import EngineNetwork

# Written before it is read, in every step: not part of the state.
SCRATCH = {
    "network.work", "network.rowwork", "second.work", "second.rowwork", "head.work",
    "tables.symbols", "tables.values",
    "bits.x", "bits.sets", "bits.odds", "bits.second_sets", "bits.p", "bits.corrections",
    "bits.leaves",
}  # fmt: skip
OWNED = {"bits.buckets", "tables.nodes", "vocabulary.index"}  # made by `load`, not the caller's


def walk_arrays(path: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Names, as paths joined by dots, and arrays of a nested state."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, EngineNetwork):
        yield from ((f"{path}.{name}", array) for name, array in value.named().items())
    elif value is not None:
        for name, part in value._asdict().items():
            yield from walk_arrays(f"{path}.{name}" if path else name, part)


def rebuild(path: str, like: Any, arrays: dict[str, np.ndarray]) -> Any:
    """`like` with its arrays replaced by those of the same names."""
    if isinstance(like, np.ndarray):
        if path in SCRATCH:
            return scratch_for(path, like, arrays)
        array = arrays[path]
        if array.dtype != like.dtype or array.ndim != like.ndim:
            raise ValueError(f"{path} is {array.dtype} {array.shape}, expected {like.dtype}")
        return array if path in OWNED else np.array(array, order="C")
    if like is None:
        return None
    if isinstance(like, EngineNetwork):
        for name, array in like.named().items():
            saved = arrays[f"{path}.{name}"]
            if saved.shape != array.shape or saved.dtype != array.dtype:
                raise ValueError(f"{path}.{name} is {saved.dtype} {saved.shape}")
            array[...] = saved
        return like
    parts = {
        name: rebuild(f"{path}.{name}" if path else name, part, arrays)
        for name, part in like._asdict().items()
    }
    return type(like)(**parts)


def scratch_for(path: str, like: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Scratch as wide as the vocabulary that was loaded needs it."""
    symbols = len(arrays["vocabulary.codes"])
    if path in ("network.work", "second.work"):
        width = arrays[path.removesuffix("work") + "recurrent"].shape[2]
        return np.zeros((len(like), max(symbols, width)), like.dtype)
    if path == "head.work":
        return np.zeros(max(len(arrays["head.p_class"]), len(like)), like.dtype)
    return np.zeros_like(like)


def placed(part: Any) -> Any:
    """*part* with every array at the start of a cache line.

    The compiled sums may be reassociated, and which of the two loops that the compiler has
    made for them runs depends on where arrays lie: here always the same.
    """
    if isinstance(part, np.ndarray):
        if part.ctypes.data % 64 == 0:
            return part
        moved = aligned(part.shape, part.dtype)
        moved[...] = part
        return moved
    if part is None or isinstance(part, EngineNetwork):  # whose arrays are a network's own
        return part
    return type(part)(*(placed(inner) for inner in part))
