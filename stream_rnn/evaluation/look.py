"""A look at the first records of a file: its fields, and what stands in them."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors import times
from connectors.base import Record, SourceError
from connectors.files.file_list import expand
from connectors.files.source import FileSource
from connectors.lines.numbers import Numbers

from ..features.cells import PLAIN, Cells
from ..features.missing import Missing
from ..features.paths import flatten

PEEK = 1000  # records that are looked at
FURTHEST = 100_000  # and as many more until a target is known
IDENTIFIES = 0.9  # share of different values from which on they only identify a record
FEW = 3  # texts in a column of numbers that stand for a missing value
KINDS = ("number", "boolean", "time", "text", "empty")


class Field(NamedTuple):
    """What was seen of one field: its values as numbers where they are, and as they stood."""

    values: list[Any]  # None where missing
    raw: list[Any]

    @property
    def known(self) -> list[Any]:
        """The values that are not missing."""
        return [value for value in self.values if value is not None]

    @property
    def kind(self) -> str:
        """One of `KINDS`; numbers with a few texts among them are numbers.

        >>> Field([1, None, 2.5], ["1", "NA", "2.5"]).kind, Field([True], [True]).kind
        ('number', 'boolean')
        """
        known = self.known
        if not known:
            return "empty"
        if all(isinstance(value, bool) for value in known):
            return "boolean"
        numbers = sum(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
        if numbers >= 0.9 * len(known):
            return "number"
        if all(isinstance(v, str) and times.looks_like(v) for v in known[:100]):
            return "time"
        return "text"

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every record has a value of its own, of which nothing can be learned."""
        known = self.known
        return len(set(known)) > IDENTIFIES * len(known)

    @property
    def is_count(self) -> bool:
        """Whether it counts the records, from 0 or 1 on."""
        values = self.values
        if len(values) < 3 or values[0] not in (0, 1) or isinstance(values[0], bool):
            return False
        return all(
            isinstance(value, int | float) and value == values[0] + place
            for place, value in enumerate(values)
        )


class Look(NamedTuple):
    """What a file has, from its first records."""

    file: str
    fields: dict[str, Field]
    lists: list[str]  # fields that hold lists
    source: dict[str, Any]  # what was found of the file, as settings of a source
    said: str  # the same in words; "" if it is nothing special
    records: int
    errors: list[str]
    bytes: int = 0  # of the files

    def odd(self, name: str) -> list[str]:
        """The few texts that stand in a field of numbers where one is missing."""
        field = self.fields.get(name)
        if field is None or field.kind != "number":
            return []
        words = Counter(value for value in field.known if isinstance(value, str))
        last = field.values[-1]
        if words.get(last) == 1:  # a line of totals below the table: the record is refused
            del words[last]
        return [*words] if len(words) <= FEW else []

    def has(self, name: str) -> bool:
        """Whether there is such a field, an object or an element of a list."""
        inside = (f"{name}.", f"{name}[")
        return (
            name in self.fields
            or name.partition("[")[0] in self.lists
            or any(other.startswith(inside) for other in self.fields)
        )


def look(
    file: str,
    targets: Sequence[str] = (),
    settings: dict[str, Any] | None = None,
    missing: Missing | None = None,
) -> Look:
    """Look at *file*, as far as every one of *targets* is known; raises `SourceError`.

    *settings* are those of its source.
    """
    source = FileSource(file, **(settings or {}))
    eye = _Eye(Cells(missing or Missing()))
    try:
        while not source.finished and eye.count < FURTHEST:
            eye.see(source.next_batch(PEEK, timeout=0))
            if eye.count >= PEEK and eye.knows(targets):
                break
        dialect = source.dialect
    finally:
        source.close()
    if not eye.count and not eye.errors:
        what = "has a header and nothing below it" if source.header else "is empty"
        raise SourceError(f"{file} {what}: there is nothing to read")
    if not eye.count:
        raise SourceError(
            f"{file}: none of the first {len(eye.errors)} records can be read: {eye.errors[0]}"
        )
    found = {} if dialect is None else dialect._asdict()
    said = "" if dialect is None else dialect.describe()
    return Look(
        file,
        eye.fields,
        sorted(eye.lists),
        {**(settings or {}), **found},
        said,
        eye.count,
        eye.errors,
        sum(map(os.path.getsize, expand([file]))),
    )


class _Eye:
    """Gathers what stands in the fields."""

    def __init__(self, cells: Cells):
        self.cells = cells
        self.fields: dict[str, Field] = {}
        self.lists: set[str] = set()
        self.errors: list[str] = []
        self.count = 0

    def see(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.value is None:
                self.errors.append(record.error or "no value")
                continue
            lists: list[str] = []
            numbers: Numbers = record.numbers or PLAIN
            for name, value in flatten(record.value, lists).items():
                field = self.fields.get(name)
                if field is None:
                    field = self.fields[name] = Field([], [])
                field.values.append(self.cells.known(value, numbers))
                field.raw.append(value)
            self.lists.update(lists)
            self.count += 1

    def knows(self, targets: Sequence[str]) -> bool:
        """Whether there is a value of each target that exists."""
        fields = [self.fields[name] for name in targets if name in self.fields]
        return all(any(v is not None for v in field.values) for field in fields)
