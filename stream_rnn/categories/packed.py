"""The state of columns of text as arrays, and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ..features.saved_names import as_name, saved
from ..numerics.trees import below, walk
from .category import Category
from .effects import Effects, OfClasses, OfNumbers
from .seen import Seen
from .values import Slots

if TYPE_CHECKING:
    from .columns import Columns

SAVED = "categories."  # begins the names of arrays in a checkpoint


def pack(columns: "Columns") -> dict[str, np.ndarray]:
    """What *columns* know beside their names; nothing if no text has come."""
    if not columns.categories and not columns.silent:
        return {}
    names = saved(columns.categories)
    fields = [
        [
            *(name, c.rule, c.seen.count, c.seen.first, list(c.seen.columns)),
            *(c.values.young, c.values.old),
        ]
        for name, c in zip(names, columns.categories.values(), strict=True)
    ]
    kept = [fields, columns.slots.free, columns.slots.used, columns.targets]
    kept.append(saved(sorted(columns.silent, key=repr)))
    found = {f"{SAVED}values": np.frombuffer(msgspec.msgpack.encode(kept), np.uint8).copy()}
    if columns.effects is not None:
        found |= {f"{SAVED}{n}": a.copy() for n, a in walk(columns.effects.state)}
    return found


def unpack(columns: "Columns", arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Let *columns* take over what `pack` gave; returns the other arrays."""
    mine = below(SAVED, arrays)
    others = {name: a for name, a in arrays.items() if not name.startswith(SAVED)}
    columns.categories, columns.effects = {}, None
    columns.slots, columns.targets, columns.silent = Slots(), 0, set()
    if not mine:
        return others
    data = msgspec.msgpack.decode(mine.pop("values").tobytes(), strict=False)
    fields, columns.slots.free, columns.slots.used, columns.targets, silent = data
    columns.silent = set(map(as_name, silent))
    for kept, rule, count, first, indicated, young, old in fields:
        name = as_name(kept)
        category = columns.categories[name] = Category(name, rule)
        category.seen = Seen(name, count, tuple(first), tuple(indicated))
        category.values.young, category.values.old = young, old
    if mine:
        effects = mine["effects"]
        columns.effects = Effects(OfClasses() if columns.classes else OfNumbers(), effects.shape[1])
        columns.effects.fit(len(effects), len(mine["shown"]), effects.shape[1])
        for name, array in walk(columns.effects.state):
            array[...] = mine[name]
    return others
