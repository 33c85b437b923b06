"""Arrays by name, from a checkpoint into a state."""

import numpy as np

from ..errors import CheckpointError


def take_over(mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    """Write *theirs* into *mine*; raises `CheckpointError` unless names and shapes agree."""
    if mine.keys() != theirs.keys():
        odd = ", ".join(sorted(mine.keys() ^ theirs.keys()))
        raise CheckpointError(f"the checkpoint is of another model; they differ in: {odd}")
    for name, array in mine.items():
        other = theirs[name]
        if other.shape != array.shape or other.dtype != array.dtype:
            raise CheckpointError(
                f"{name}: the checkpoint has {other.dtype}{other.shape}, "
                f"the model {array.dtype}{array.shape}"
            )
    for name, array in mine.items():
        array[...] = theirs[name]
