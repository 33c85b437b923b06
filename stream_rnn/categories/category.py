"""A field of text, and what is planned for a batch of records."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple
from zlib import crc32

from ..errors import ConfigError, suggest
from .seen import BUCKETS, RULES, Seen
from .values import Values


class Category:
    """A field of text."""

    def __init__(self, name: Hashable, rule: str | None):
        self.name, self.rule = name, rule
        self.seen = Seen(name)
        self.values = Values()
        self.has_effects = rule in (None, "statistics")
        self.buckets = [f"{name}#{n}" for n in range(BUCKETS)] if rule == "hash" else []
        self._empty = dict.fromkeys(self.buckets, 0.0)
        self._effect_names: list[str] = []

    def effect_names(self, count: int) -> list[str]:
        """The columns for so many targets."""
        if not self.has_effects:
            return []
        if len(self._effect_names) != count:
            self._effect_names = [f"{self.name}:effect{c + 1 if c else ''}" for c in range(count)]
        return self._effect_names

    def describe(self, seen: Seen, value: str, row: dict) -> None:
        """Write the indicators of *value* into *row*."""
        row.update(seen.zeros)
        column = seen.columns.get(value)
        if column is not None:
            row[column] = 1.0
        if self.buckets:
            row.update(self._empty)
            row[self.buckets[crc32(value.encode("utf-8", "replace")) % BUCKETS]] = 1.0


class Plan(NamedTuple):
    """What a batch brings forth, before anything has changed."""

    categories: dict[Hashable, Category]  # those that are new among them
    seen: dict[Hashable, Seen]  # of the fields where it is another one
    texts: list[dict[Hashable, str]]  # of each record, its values
    targets: list[int]  # how many have effects after each record


def checked(categorical: Mapping[str, str] | None) -> dict[Hashable, str]:
    """The rules by field; raises `ConfigError` for one that is none."""
    rules: dict[Hashable, str] = dict((categorical or {}).items())
    for name, rule in rules.items():
        if rule not in RULES:
            raise ConfigError(f"categorical: {rule!r} for {name!r}; {suggest(str(rule), RULES)}")
    return rules
