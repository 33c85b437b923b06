"""One record with text that brings nothing new, in a few steps.

What `Columns.encode` and `Columns.learn` do for a batch takes many small steps in Python and
numpy; for a record whose fields are all known, and of whose values nothing is to be decided, the
places of its columns are known beforehand.  The results are the same bits.
"""

from collections.abc import Callable
from math import isfinite
from operator import itemgetter
from struct import Struct, error
from typing import TYPE_CHECKING, Any

import numpy as np

from ..features.missing import is_missing
from .category import Category
from .places import made_of
from .values import LONGEST

if TYPE_CHECKING:
    from .columns import Columns

MOST = 4096  # values of a field whose columns are held ready


class KnownRows:
    """What does not change as long as no column is new."""

    def __init__(self, columns: "Columns", numbers: list[Any]):
        self.names = columns.index.names
        places = columns.places(self.names)
        at = {name: place for place, name in enumerate(self.names)}
        self._numbers = [at[name] for name in numbers]
        self._values = _getter(numbers)
        self._categories = list(columns.categories.values())
        self._count = len(numbers) + len(self._categories)
        self._looked_at: list[tuple[Any, Category, dict[str, tuple[int, ...]]]] = [
            (category.name, category, {}) for category in self._categories
        ]
        self._at = at
        self._fields = [n for n, c in enumerate(self._categories) if c.has_effects]
        self._slots, self._effects = columns.slots, columns.effects
        self._room = 0 if columns.effects is None else len(columns.effects.state.effects)
        self._blank = [0.0] * len(self.names)
        self._pack = Struct(f"{len(self.names)}d").pack_into
        self._columns = list(zip(places.effects.tolist(), places.made.tolist(), strict=True))
        regressed, F = places.numbers.tolist(), len(self._fields)
        self._regressed = _getter(regressed)
        self._pack_regressed = Struct(f"{len(regressed)}d").pack_into
        self._pack_met, self._pack_fresh = Struct(f"{F}q").pack_into, Struct(f"{F}?").pack_into
        self._met, self._fresh = np.zeros((1, F), np.int64), np.zeros((1, F), bool)
        self._out, self._target = np.zeros((1, F)), np.zeros((1, 1))
        self._inputs = np.zeros((1, len(regressed)))
        self._buffers = self._met.data, self._fresh.data, self._inputs.data

    def row(self, x: dict, y: float) -> np.ndarray | None:
        """See `Columns.known_row`."""
        found = self._found(x)
        if found is None:
            return None
        row, flat, texts = found
        if self._fields:
            self._complete(row, self._learn(flat, texts, y))
        return row

    def look(self, x: dict) -> np.ndarray | None:
        """The row of a record by what is known now, as `Columns.row` makes it; None as above."""
        found = self._found(x)
        if found is None:
            return None
        row, _, texts = found
        if self._fields:
            assert self._effects is not None
            effects, made = self._effects.state.effects, []
            for field in self._fields:
                slot = self._categories[field].values.find(texts[field])
                made.append(effects.item(slot, 0) if slot >= 0 else 0.0)
            self._complete(row, made)
        return row

    def _complete(self, row: np.ndarray, made: list[float]) -> None:
        for place, n in self._columns:
            row[0, place] = made[n]

    def _found(self, x: dict) -> tuple[np.ndarray, list[float], list[str]] | None:
        """Numbers and indicators in their places, and the texts; None if there is more to it."""
        if len(x) != self._count:
            return None
        flat = self._blank.copy()
        texts = []
        try:
            for name, category, ones in self._looked_at:
                value = x[name]
                places = ones.get(value) if type(value) is str else None
                if places is None and (places := self._places(category, ones, value)) is None:
                    return None
                for place in places:
                    flat[place] = 1.0
                texts.append(value)
            numbers = self._values(x)
            for place, number in zip(self._numbers, numbers):
                flat[place] = number
            row = np.empty((1, len(flat)))
            self._pack(row.data, 0, *flat)
            return (row, flat, texts) if isfinite(sum(numbers)) else None
        except (KeyError, TypeError, OverflowError, error):
            return None

    def _places(self, category: Category, ones: dict, value: Any) -> tuple[int, ...] | None:
        """Where indicators of a value are 1; None if it has to be looked at more closely."""
        if type(value) is not str or len(value) > LONGEST or is_missing(value):
            return None
        seen = category.seen
        if category.rule == "leave" or seen.after(category.name, value, category.rule) is not seen:
            return None
        described: dict = {}
        category.describe(seen, value, described)
        if len(ones) >= MOST:
            ones.clear()
        places = tuple([self._at[name] for name, one in described.items() if one])
        ones[value] = places
        return places

    def _learn(self, flat: list[float], texts: list[str], y: float) -> list[float]:
        """The effects of the values, which learn the target then."""
        effects, slots, met, fresh = self._effects, self._slots, [], []
        assert effects is not None
        for field in self._fields:
            values, text = self._categories[field].values, texts[field]
            slot, new = values.young.get(text), False  # as `meet` does, mostly
            if slot is None:
                slot, new = values.meet(text, slots)
            met.append(slot)
            fresh.append(new)
        if slots.used > self._room:
            effects.fit(slots.used, len(self._fields), 1)
            self._room = len(effects.state.effects)
        to_met, to_fresh, to_inputs = self._buffers
        self._pack_met(to_met, 0, *met)
        self._pack_fresh(to_fresh, 0, *fresh)
        self._pack_regressed(to_inputs, 0, *self._regressed(flat))
        self._target[0, 0] = y
        effects.learn_known(self._met, self._fresh, self._inputs, self._target, self._out)
        return self._out.tolist()[0]


def _getter(places: list[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """An `itemgetter` that gives a tuple of one, or none, too."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple([values[place] for place in places])


def known_rows(columns: "Columns") -> KnownRows | None:
    """For the columns as they are; None where there is more to decide."""
    categories = list(columns.categories.values())
    effects = [category for category in categories if category.has_effects]
    if columns.classes or columns.silent or not columns.leads or not categories:
        return None
    if columns.targets != 1 or (effects and columns.effects is None):
        return None
    if columns.rules.keys() - columns.categories.keys():
        return None
    made = made_of(categories, 1)
    numbers = [name for name in columns.index.names if name not in made]
    if made - set(columns.index.names):
        return None
    return KnownRows(columns, numbers)
