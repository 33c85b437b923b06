"""From records that may hold text to rows of numbers, by what the records before have taught.

Which field holds text is decided by its first value: numbers stay numbers, text that is none
makes the field one of *categories*, whose values, whatever they are then, are known by their
text.  A category has columns for what each of its values adds to each target (`effects`), and
indicators while they are few (`seen`).  A value that was not met before has the effect 0, which
is the mean, and no indicator; a missing one is missing in all of them.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..features.index import FeatureIndex
from ..features.missing import is_missing
from ..numerics.growing import into_corner
from ..numerics.trees import leaves
from .category import Category, Plan, checked
from .effects import Effects, OfClasses, OfNumbers
from .known import KnownRows, known_rows
from .packed import pack, unpack
from .places import Places, places_of
from .planning import planned_rows
from .values import Slots, text_of

CLASSES = 8  # whose effects are columns


class Columns:
    """`FeatureIndex` for records that may hold text.

    `encode` makes rows and changes nothing; `learn`, once it is known that the records are good,
    completes them and takes them in.

    Args:
        names: columns known already.
        classes: the targets are classes.
        categorical: for a field how it is taken, one of ``"indicators"``, ``"statistics"``
            (effects alone), ``"hash"``, ``"leave"``; its numbers are names then.
    """

    def __init__(
        self,
        names: Sequence[Hashable] = (),
        *,
        classes: bool = False,
        categorical: Mapping[str, str] | None = None,
    ):
        self.index = FeatureIndex(names)
        self.classes = classes
        self.rules = checked(categorical)
        self.leads = True  # makes columns of text by itself; see `follow`
        self.categories: dict[Hashable, Category] = {}
        self.slots = Slots()
        self.effects: Effects | None = None
        self.targets = 0  # that have effects
        self.silent: set[Hashable] = set()  # columns that have had no number yet
        self._silent_ahead: set[Hashable] = set()
        self._plan: Plan | None = None
        self._known: KnownRows | None = None
        self._places: Places | None = None
        self._numeric_of: tuple[tuple, set[Hashable]] = ((), set())

    # FeatureIndex -------------------------------------------------------------------------

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The columns, in the order of their appearance."""
        return self.index.names

    def __len__(self) -> int:
        return len(self.index)

    @property
    def takes_text(self) -> bool:
        """Whether records have to be looked at one by one."""
        return bool(self.categories or self.rules)

    def looks_at(self, xs: Sequence[dict]) -> bool:
        """Whether there may be text in these records, so that each has to be looked at."""
        if self.takes_text:
            return True
        kinds = set(map(type, chain.from_iterable(map(dict.values, xs))))
        return any(issubclass(kind, str) for kind in kinds)

    def extend(self, width: int) -> None:
        """See `FeatureIndex.extend`."""
        self.index.extend(width)

    def _known_numbers(self, x: dict) -> np.ndarray | None:
        """See `FeatureIndex.known_row`."""
        row = self.index.known_row(x)
        if row is not None and self.silent:
            self.silent = set()
        return row

    def row(self, x: dict) -> np.ndarray:
        """One row (1, m) of the known columns, by what is known now."""
        if not self.takes_text:
            return self.index.row(x)
        known = self._known
        row = known.look(x) if known is not None and known.names is self.index.names else None
        return self.index.row(self.described(x)) if row is None else row

    def described(self, x: dict) -> dict:
        """The record with columns in place of text, by what is known now."""
        row = x.copy()
        for name in self.rules:
            if name not in self.categories:
                row.pop(name, None)
        for name, category in self.categories.items():
            value = row.pop(name, None)
            if is_missing(value):
                continue
            text = text_of(value)
            category.describe(category.seen, text, row)
            if category.has_effects and self.effects is not None:
                slot = category.values.find(text)
                effects = self.effects.state.effects
                for c, column in enumerate(category.effect_names(self.targets)):
                    row[column] = float(effects[slot, c]) if slot >= 0 else 0.0
        return row

    def encode_rows(
        self, names: Sequence[Hashable], rows: np.ndarray
    ) -> tuple[np.ndarray, list[int]]:
        """See `FeatureIndex.encode_rows`; for when nothing `takes_text`."""
        self._plan = None
        X, widths = self.index.encode_rows(names, rows)
        self._look_for_silent(X)
        return X, widths

    # Batches ------------------------------------------------------------------------------

    def encode(
        self, xs: Sequence[dict], outputs: Sequence[int] | None = None
    ) -> tuple[np.ndarray, list[int]]:
        """Rows (T, m) and how many columns are known after each; see `FeatureIndex.encode`.

        *outputs* says how many targets, or classes, are known after each record.  Raises
        `BadRecord`.
        """
        self._plan = None
        packed = None if self.takes_text else self.index.encode_known(xs)
        if packed is None and not self.looks_at(xs):
            packed = self.index.encode_any(xs)
        if packed is not None:
            self._look_for_silent(packed[0])
            return packed
        counts = [self.targets] * len(xs) if outputs is None else list(map(self._count, outputs))
        plan = Plan(dict(self.categories), {}, [], counts)
        rows = planned_rows(self, xs, plan)
        X, widths = self.index.encode(rows)
        self._plan = plan
        self._look_for_silent(X)
        return X, widths

    def _count(self, outputs: int) -> int:
        """How many effects a value has: of classes the first needs none."""
        return max(0, min(outputs - 1, CLASSES)) if self.classes else outputs

    def _look_for_silent(self, X: np.ndarray) -> None:
        """Find the columns that have had no number once these rows are taken in."""
        names, known = self.index.pending, len(self.index)
        if not self.silent and X.shape[1] == known:
            self._silent_ahead = self.silent
            return
        looked = [(n, name) for n, name in enumerate(names) if n >= known or name in self.silent]
        self._silent_ahead = {name for n, name in looked if (X[:, n] != X[:, n]).all()}

    def learn(self, X: np.ndarray, targets: np.ndarray) -> None:
        """Write the effects into the rows of the last `encode`, and learn its records.

        *targets* (T, O) are numbers, or 1 and 0 for classes; NaN where missing.
        """
        plan, self._plan = self._plan, None
        self.silent = self._silent_ahead
        if plan is None:
            return
        if plan.seen or self.effects is None or plan.categories.keys() != self.categories.keys():
            self._known = None
        names = self.index.pending
        self.categories = plan.categories
        for name, seen in plan.seen.items():
            self.categories[name].seen = seen
        self.targets = C = max(self.targets, plan.targets[-1] if plan.targets else 0)
        places = self.places(names)
        if not places.fields:
            return
        slots, fresh = self._slots(plan.texts, places.fields)
        begin = 0
        if self.effects is None:  # the records of this batch before the first text have none
            begin = int((slots >= 0).any(1).argmax())
            self.effects = Effects(OfClasses() if self.classes else OfNumbers(), max(C, 1))
        self.effects.fit(self.slots.used, len(places.fields), C)
        Y = targets[:, 1 : C + 1] if self.classes else targets[:, :C]
        if plan.targets and plan.targets[0] < C:  # some were not known at their record
            late = np.arange(C) >= np.array(plan.targets)[:, None]
            Y = np.where(late, np.nan, Y)
        out = np.full((len(X), len(places.fields) * C), np.nan)
        numbers, later = X[:, places.numbers], slice(begin, None)
        self.effects.learn(slots[later], fresh[later], numbers[later], Y[later], out[later])
        X[:, places.effects] = out[:, places.made]

    def places(self, names: tuple[Hashable, ...]) -> Places:
        """Where what is in rows of the columns *names*, with effects on all targets."""
        last, C, count = self._places, self.targets, len(self.categories)
        if last is None or last.names is not names or last[1:3] != (C, count):
            last = self._places = places_of(names, list(self.categories.values()), C)
        return last

    def known_row(self, x: dict, y: float) -> np.ndarray | None:
        """One row (1, m), completed and learned with the one target *y*, the short way.

        None, and nothing has changed, for a record that brings anything new.
        """
        if not self.takes_text:
            return self._known_numbers(x)
        known = self._known
        if known is None or known.names is not self.index.names:
            known = self._known = known_rows(self)
        return None if known is None else known.row(x, y)

    def follow(self, other: "Columns") -> None:
        """Take over the effects that *other* has learned of the records that came first here."""
        if self.effects is None or other.effects is None:
            return
        theirs = other.effects.state
        values, targets = theirs.effects.shape
        self.effects.fit(values, len(theirs.shown), targets)
        self._known = None
        for mine, array in zip(leaves(self.effects.state), leaves(theirs), strict=True):
            into_corner(array, mine)  # values get the same slots in turn

    def align(self, names: Sequence[Hashable]) -> list[int] | None:
        """Take over the order of *names*, those of another that saw the same records.

        Columns of effects come when a target, or class, becomes known, and here that may be
        later.  Returns the old places of the new columns, those that were not known counted
        on from the last; None if the order stays.
        """
        mine = self.names
        new = (*names, *(name for name in mine if name not in set(names)))
        if new == mine:
            return None
        place = {name: n for n, name in enumerate(mine)}
        for name in new:
            place.setdefault(name, len(place))
        self.index, self._places = FeatureIndex(new), None
        self._plan = self._known = None
        self._numeric_of = (), set()
        return [place[name] for name in new]

    def numeric(self) -> set[Hashable]:
        """The columns that have had a number; not to be changed."""
        if self._numeric_of[0] is not self.index.names or self.silent:
            self._numeric_of = self.index.names, set(self.index.names) - self.silent
        return self._numeric_of[1]

    def decided(self) -> set[Hashable]:
        """The fields of which it is known whether they hold numbers or text."""
        return self.numeric() | self.categories.keys()

    def _slots(self, texts: list[dict], categories: list) -> tuple[np.ndarray, np.ndarray]:
        """The slots of the values, (T, F), and which are new."""
        shape = len(texts), len(categories)
        slots, fresh = np.full(shape, -1), np.zeros(shape, bool)
        for t, values in enumerate(texts):
            for i, category in enumerate(categories):
                value = values.get(category.name)
                if value is None:
                    continue
                if self.leads:
                    slots[t, i], fresh[t, i] = category.values.meet(value, self.slots)
                else:
                    slots[t, i] = category.values.find(value)
        return slots, fresh

    def __getstate__(self) -> dict[str, Any]:
        kept = {"names": self.names, "classes": self.classes, "rules": self.rules}
        return {**kept, "leads": self.leads, "arrays": self.arrays()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            saved["names"], classes=saved["classes"], categorical=saved["rules"]
        )
        self.leads = saved["leads"]
        self.load(saved["arrays"])

    # State --------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """What it knows beside `names`, by name; nothing if no text has come."""
        return pack(self)

    def load(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Take over what `arrays` gave; returns the others."""
        self._plan = self._places = self._known = None
        self._numeric_of = (), set()
        return unpack(self, arrays)
