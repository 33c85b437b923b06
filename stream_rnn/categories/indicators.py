"""Text in the steps of sequences: indicators, for which no target has to be known.

The target of a sequence comes at its end, so that what a value has meant cannot be learned step
by step (`effects`); but the summary of a sequence holds the mean of an indicator, which is the
share of the steps with that value, and the network sees when it came.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from ..errors import ConfigError, suggest
from ..features.cells import PLAIN
from ..features.missing import is_missing
from .seen import BUCKETS, FEW, MOST
from .values import text_of

#: How many values of a field have an indicator, and how many buckets the others share.
SIZES = {None: (FEW, 8), "indicators": (MOST, 0), "hash": (0, BUCKETS), "leave": (0, 0)}


class Indicators:
    """Columns for the values of fields of text; immutable: what it has met `after` is another one.

    A field holds text if its first value is text and no number, or a rule says so.  Its first
    values have an indicator each, the others share buckets by their hash.

    Args:
        rules: for a field ``"indicators"`` (64 of them), ``"hash"`` (16 buckets) or ``"leave"``.

    >>> rows, after = Indicators().encode([{"u": 1.5, "act": "look"}, {"u": 2.0, "act": "buy"}])
    >>> rows[1]
    {'u': 2.0, 'act=look': 0.0, 'act=buy': 1.0}
    >>> after.row({"act": "return"})[0]
    {'act=look': 0.0, 'act=buy': 0.0, 'act=return': 1.0}
    """

    def __init__(
        self,
        rules: Mapping[Any, str] | None = None,
        fields: Mapping[Hashable, Sequence[str]] | None = None,
        numbers: frozenset[Hashable] = frozenset(),
    ):
        self.rules = dict(rules or {})
        for name, rule in self.rules.items():
            if rule not in SIZES:
                raise ConfigError(
                    f"categorical: {rule!r} for {name!r}; {suggest(str(rule), filter(None, SIZES))}"
                    if rule != "statistics"
                    else f"categorical: {rule!r} for {name!r}: what a value has meant is not known "
                    "before a sequence ends; say 'indicators', 'hash' or 'leave'"
                )
        self.fields = {name: tuple(columns) for name, columns in (fields or {}).items()}
        self.numbers = numbers

    def encode(self, xs: Sequence[dict]) -> tuple[list[dict], "Indicators"]:
        """Steps of numbers, and what is known after them."""
        rows, now = [], self
        for x in xs:
            row, now = now.row(x)
            rows.append(row)
        return rows, now

    def row(self, x: dict) -> tuple[dict, "Indicators"]:
        """A step of numbers, and what is known after it."""
        if not self.rules and self.numbers.issuperset(x):
            return x, self
        row: dict[Hashable, Any] = {}
        texts: dict[Hashable, str] = {}
        numbers = set()
        for name, value in x.items():
            if self.rules.get(name) == "leave":
                continue
            if is_missing(value):
                if name not in self.fields:
                    row[name] = value
            elif self._is_text(name, value):
                texts[name] = text_of(value)
            else:
                row[name] = value
                if name not in self.numbers:
                    numbers.add(name)
        fields = dict(self.fields)
        for name, text in texts.items():
            fields[name] = self._describe(name, text, row)
        if not numbers and fields == self.fields:
            return row, self
        return row, Indicators(self.rules, fields, self.numbers | numbers)

    def _is_text(self, name: Hashable, value: Any) -> bool:
        if name in self.fields or name in self.rules:
            return True
        return name not in self.numbers and isinstance(value, str) and PLAIN.read(value) is None

    def _describe(self, name: Hashable, text: str, row: dict) -> tuple[str, ...]:
        """Write the columns of a field into *row*; those there are then."""
        columns = self.fields.get(name, ())
        few, buckets = SIZES[self.rules.get(name)]
        mine = f"{name}={text}"
        if mine not in columns:
            if sum(column.startswith(f"{name}=") for column in columns) >= few:
                place = crc32(text.encode("utf-8", "replace")) % max(1, buckets)
                mine = f"{name}#{place}" if buckets else ""
            if mine and mine not in columns:
                columns = (*columns, mine)
        row.update(dict.fromkeys(columns, 0.0))
        if mine:
            row[mine] = 1.0
        return columns

    def knowing(self, numbers: Iterable[Hashable]) -> "Indicators":
        """The same where these fields hold *numbers*."""
        if self.numbers.issuperset(numbers):
            return self
        return Indicators(self.rules, self.fields, self.numbers.union(numbers))

    def saved(self) -> dict[str, Any]:
        """What is known, JSON-able; nothing if no text has come."""
        if not self.fields:
            return {}
        return {
            "fields": [[name, list(columns)] for name, columns in self.fields.items()],
            "numbers": sorted(self.numbers, key=repr),
        }
