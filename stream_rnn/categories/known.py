"""One record with text that brings nothing new, in a few steps.

What `Columns.encode` and `Columns.learn` do for a batch takes many small steps in Python and
numpy; for a record whose fields are all known, and of whose values nothing is to be decided, the
places of its columns are known beforehand.  The results are the same bits.
"""

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
        self._numbers = [(at[name], name) for name in numbers]
        self._values = itemgetter(*numbers) if len(numbers) > 1 else None
        self._categories = list(columns.categories.values())
        self._count = len(numbers) + len(self._categories)
        self._ones: list[dict[str, tuple[int, ...]]] = [{} for _ in self._categories]
        self._at = at
        self._fields = [n for n, c in enumerate(self._categories) if c.has_effects]
        self._slots, self._effects = columns.slots, columns.effects
        self._room = 0 if columns.effects is None else len(columns.effects.state.effects)
        self._blank = [0.0] * len(self.names)
        self._pack = Struct(f"{len(self.names)}d").pack_into
        self._regressed = places.numbers.tolist()
        self._columns = list(zip(places.effects.tolist(), places.made.tolist(), strict=True))
        self._pack_regressed = Struct(f"{len(self._regressed)}d").pack_into
        F = len(self._fields)
        self._met, self._fresh = np.zeros((1, F), np.int64), np.zeros((1, F), bool)
        self._out, self._target = np.zeros((1, F)), np.zeros((1, 1))
        self._inputs = np.zeros((1, len(self._regressed)))

    def row(self, x: dict, y: float) -> np.ndarray | None:
        """See `Columns.known_row`."""
        if len(x) != self._count:
            return None
        flat = self._blank.copy()
        texts = []
        try:
            for category, ones in zip(self._categories, self._ones):
                value = x[category.name]
                places = ones.get(value) if type(value) is str else None
                if places is None and (places := self._places(category, ones, value)) is None:
                    return None
                for place in places:
                    flat[place] = 1.0
                texts.append(value)
            total = 0.0
            for place, name in self._numbers:
                flat[place] = value = x[name]
                total += value
            row = np.empty((1, len(flat)))
            self._pack(row.data, 0, *flat)
            if not isfinite(total):
                return None
        except (KeyError, TypeError, OverflowError, error):
            return None
        if self._fields:
            self._pack_regressed(self._inputs.data, 0, *[flat[n] for n in self._regressed])
            self._learn(row[0], texts, y)
        return row

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

    def _learn(self, row: np.ndarray, texts: list[str], y: float) -> None:
        """Complete the row by the effects, which learn it."""
        effects, slots, met, fresh = self._effects, self._slots, self._met[0], self._fresh[0]
        assert effects is not None
        for n, field in enumerate(self._fields):
            met[n], fresh[n] = self._categories[field].values.meet(texts[field], slots)
        if slots.used > self._room:
            effects.fit(slots.used, len(self._fields), 1)
            self._room = len(effects.state.effects)
        self._target[0, 0] = y
        out = self._out
        out.fill(np.nan)
        effects.learn_known(self._met, self._fresh, self._inputs, self._target, out)
        for place, made in self._columns:
            row[place] = out[0, made]


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
