"""Text as features: indicators of few values, target statistics of many.

A field's first values become indicators, in the order in which they are met.  Beyond *few* of
them the field also tells what the records before with this value had for a target.  With n of
them, their mean target ȳ, and the mean μ of all records,

    m = (n ȳ + k μ) / (n + k)                                                   (1)

is the mean of a value's effect where effects vary about μ by 1/k of the noise's variance
(Micci-Barreca 2001); of classes it is the share of each.  A value not met yet has n = 0: m = μ
and all indicators 0.  A field holds *most* values; those met later share buckets by their hash.
"""

from collections.abc import Hashable, Sequence
from math import log1p
from typing import Any
from zlib import crc32

from river import base

BUCKETS = 1024  # that values beyond *most* share
MOST_CLASSES = 8  # whose shares become features: the first that are met


class Tally:
    """How many records had a value, and the sums of their targets, by class (None: a number)."""

    __slots__ = ("count", "sums")

    def __init__(self) -> None:
        self.count = 0
        self.sums: dict[Any, float] = {}

    def add(self, name: Hashable, amount: float) -> None:
        self.count += 1
        self.sums[name] = self.sums.get(name, 0.0) + amount

    def mean(self, name: Hashable) -> float:
        return self.sums.get(name, 0.0) / self.count if self.count else 0.0


class CategoryEncoder(base.SupervisedTransformer, base.Transformer):
    """Make numbers of the text in a record, for a pipeline with any estimator behind it.

    Numbers pass as they are, booleans are 0 or 1, a missing value (None) stays missing.

    Parameters
    ----------
    few
        How many values of a field become indicators.
    most
        How many values of a field are told apart; memory is bounded by it.
    strength
        k of Eq. (1): how many records the mean of all counts for.
    categorical
        Fields whose numbers are names, such as a postcode.

    Examples
    --------
    >>> from stream_rnn import CategoryEncoder, RecurrentRegressor
    >>> model = CategoryEncoder() | RecurrentRegressor(seed=1)
    >>> effects = {"north": 5.0, "south": -3.0, "west": 1.0}
    >>> for t in range(150):
    ...     place = list(effects)[t * t % 3]
    ...     model.learn_one({"place": place}, effects[place])
    >>> round(model.predict_one({"place": "north"}))
    5
    """

    def __init__(
        self,
        few: int = 8,
        most: int = 100_000,
        strength: float = 3.0,
        categorical: Sequence[str] | None = None,
    ):
        self.few, self.most, self.strength = few, most, strength
        self.categorical = categorical
        self._fields: dict[Hashable, dict[Any, Tally]] = {}
        self._all = Tally()
        self._targets: list[Any] = []  # None for a number, or the classes whose shares are given

    def learn_one(self, x: dict, y: Any = None) -> None:
        """Take in which values the record has, and their target (None if it is missing)."""
        amount, name = 0.0, None
        known = y is not None and y == y
        if known:
            is_class = isinstance(y, str | bool)
            amount, name = (1.0, y) if is_class else (float(y), None)
            if name not in self._targets and len(self._targets) < MOST_CLASSES:
                self._targets.append(name)
            self._all.add(name, amount)
        for field, value in x.items():
            if self._is_category(field, value):
                values = self._fields.setdefault(field, {})
                place = self._place(values, str(value))
                tally = values.get(place)
                if tally is None:
                    tally = values[place] = Tally()
                if known:
                    tally.add(name, amount)

    def transform_one(self, x: dict) -> dict:
        """The record with numbers only, by the records before it; nothing changes."""
        out: dict[Any, Any] = {}
        for field, value in x.items():
            if self._is_category(field, value):
                self._describe(field, str(value), out)
            else:
                out[field] = float(value) if isinstance(value, bool) else value
        return out

    def _describe(self, field: Hashable, value: str, out: dict) -> None:
        values = self._fields.get(field, {})
        for name, _ in zip(values, range(self.few), strict=False):
            out[f"{field}={name}"] = float(name == value)
        if len(values) <= self.few:
            return
        tally = values.get(self._place(values, value)) or Tally()
        out[f"{field}:count"] = log1p(tally.count)
        for name in self._targets:
            total = tally.sums.get(name, 0.0) + self.strength * self._all.mean(name)
            label = "target" if name is None else name
            out[f"{field}:{label}"] = total / (tally.count + self.strength)

    def _is_category(self, field: Hashable, value: Any) -> bool:
        return isinstance(value, str) or (
            value is not None and self.categorical is not None and field in self.categorical
        )

    def _place(self, values: dict, value: str) -> Any:
        """Where the tally of a value is: its own place, or a bucket that it shares."""
        if value in values or len(values) < self.most:
            return value
        return crc32(value.encode()) % BUCKETS
