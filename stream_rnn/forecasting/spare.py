"""Copies of banks to forecast from, kept from one forecast to the next.

A recursive forecast goes on from a copy of the state.  New memory for it costs many times what
writing it does, so a few copies are kept, for all series whose banks are alike.  Whoever has
one has it alone.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..numerics import trees
from . import bank as banks
from .bank import Bank
from .columns import WIDTH

KEPT = 4  # copies, of the kinds of banks that were used last

Spare = tuple[Bank, Any]  # a bank, and what `banks.run` takes

_spares: dict[Hashable, Spare] = {}


def copy(kind: Hashable, bank: Bank) -> Spare:
    """A copy of *bank*; banks of the same *kind* have arrays of the same shapes."""
    found = _spares.pop(kind, None)
    if found is None:
        made = trees.duplicate(bank)
        return made, banks.bound(made)
    for mine, other in zip(trees.leaves(found[0]), trees.leaves(bank), strict=True):
        mine[...] = other
    return found


def keep(kind: Hashable, spare: Spare) -> None:
    """Nobody needs what *spare* holds any more."""
    for oldest in list(_spares)[: max(0, len(_spares) + 1 - KEPT)]:
        _spares.pop(oldest, None)
    _spares[kind] = spare


def take_in(bound: Any, values: np.ndarray, inputs: np.ndarray) -> None:
    """Let a copy of a bank take in *values* without learning."""
    missing, fills = np.full(len(values), np.nan), values.copy()
    out, at = np.empty((len(values), 2 * WIDTH)), 0
    while at < len(values):  # see `banks.run`; a forecast does not look back
        at += banks.run(bound, missing[at:], fills[at:], inputs[at:], out[at:])
