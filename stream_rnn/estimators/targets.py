"""What an estimator says of its targets, and records between which nothing is new."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


class Targets:
    """From targets to the numbers that are learned; subclasses say how."""

    def _encode_targets(self, ys: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
        """Targets by record, and how many outputs are known once each record has been seen."""
        raise NotImplementedError

    def _extend_targets(self, outputs: int) -> None:
        """Make the outputs found by the last `_encode_targets` known."""

    def _target_names(self) -> list[Any]:
        return []

    def _set_target_names(self, names: list[Any]) -> None:
        """Undo `_target_names`."""


def stretches(*widths: Sequence[int], at: int = 0) -> list[tuple[int, int]]:
    """Start and end of the stretches of records between which no feature or output is new.

    One of them ends before record *at*.

    >>> stretches([2, 2, 3, 3], [1, 1, 1, 2])
    [(0, 2), (2, 3), (3, 4)]
    >>> stretches([2, 2, 2, 3], at=1)
    [(0, 1), (1, 3), (3, 4)]
    """
    sizes = list(zip(*widths, strict=True))
    cuts = [t for t in range(1, len(sizes)) if sizes[t] != sizes[t - 1] or t == at]
    return list(pairwise([0, *cuts, len(sizes)])) if sizes else []
