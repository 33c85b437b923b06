"""A look at the first records of a file: its fields, and what stands in them."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from connectors import times
from connectors.base import Record, SourceError
from connectors.files.byte_file import ByteFile
from connectors.files.file_list import expand
from connectors.files.foreign import foreign, head_of
from connectors.files.source import FileSource
from connectors.files.streams import inner_name
from connectors.lines.formats import format_in, format_of
from connectors.lines.numbers import Numbers

from ..features.cells import PLAIN, Cells
from ..features.missing import Missing
from ..features.paths import flatten

PEEK = 1000  # records that are looked at
FURTHEST = 100_000  # and as many more until a target is known
IDENTIFIES = 0.9  # share of different values from which on they only identify a record
MANY = 10  # different numbers for each of such texts
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
        numbers = [v for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) >= 0.9 * len(known) or _have_words(numbers, known):
            return "number"
        if all(isinstance(v, str) and times.looks_like(v) for v in known[:100]):
            return "time"
        return "text"

    @property
    def is_code(self) -> bool:
        """Whether its digits are names, as 007 beside 7: zeros before them mean something.

        >>> Field([7, 7, 12], ["007", "7", "012"]).is_code, Field([1, 2], ["01", "02"]).is_code
        (True, False)
        """
        raw = [cell for cell in self.raw if isinstance(cell, str) and cell.isdigit()]
        if not any(cell[0] == "0" and len(cell) > 2 for cell in raw) or all(map(_is_clock, raw)):
            return False
        return len(set(map(len, raw))) > 1 or len(set(raw)) < 0.5 * len(raw)

    @property
    def is_time_of_day(self) -> bool:
        """Whether all are hours with minutes, as 07:15, of which there are several."""
        raw = [cell for cell in self.raw if isinstance(cell, str) and cell.strip()]
        return len(set(raw)) > 1 and all(_HOURS(cell.strip()) for cell in raw)

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every record has a value of its own, of which nothing can be learned."""
        known = self.known
        return len(set(known)) > IDENTIFIES * len(known)

    @property
    def is_count(self) -> bool:
        """Whether it counts the records, up or down, from any number on."""
        values = self.values
        if len(values) < 3 or any(type(value) not in (int, float) for value in values):
            return False
        step = values[1] - values[0]
        return step in (1, -1) and all(b - a == step for a, b in pairwise(values))


_HOURS = re.compile(r"([01]?\d|2[0-4])[:.][0-5]\d([:.][0-5]\d([.,]\d+)?)?( ?[AaPp][Mm])?").fullmatch


def _have_words(numbers: Sequence[float], known: Sequence[Any]) -> bool:
    """Whether a few words stand among many different numbers, for those that are missing."""
    words = {v for v in known if isinstance(v, str)}
    different = len(set(numbers)) >= MANY * len(words)
    return len(words) <= FEW and 2 * len(numbers) >= len(known) and different


def _is_clock(cell: str) -> bool:
    """Whether digits are a time of day, as 0930."""
    return len(cell) in (4, 6) and cell[:2] < "24" and cell[2:4] < "60" and cell[4:] < "60"


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


#: By words of an error, what makes such a file readable.
HINTS = {
    "got `array`": "rows without names are CSV: jq -r '.[] | @csv' makes it of one array, "
    "jq -r @csv of one in each line",
    "keys must be strings": "names in single quotes are Python's, not JSON's: write json.dumps",
    "trailing characters": "of objects one after the other jq -c . makes lines",
}


def look(
    file: str,
    targets: Sequence[str] = (),
    settings: dict[str, Any] | None = None,
    missing: Missing | None = None,
) -> Look:
    """Look at *file*, as far as every one of *targets* is known; raises `SourceError`.

    *settings* are those of its source.
    """
    settings = {**_by_content(file, settings or {}), **(settings or {})}
    source = FileSource(file, **settings)
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
            + next((f"; {hint}" for words, hint in HINTS.items() if words in eye.errors[0]), "")
        )
    found = {} if dialect is None else dialect._asdict()
    said = "" if dialect is None else dialect.describe()
    return Look(
        file,
        eye.fields,
        sorted(eye.lists),
        {**settings, **found},
        said,
        eye.count,
        eye.errors,
        sum(map(os.path.getsize, expand([file]))),
    )


def _by_content(file: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The format where the name does not tell it, or tells another than the content.

    Raises `SourceError` for what is no lines of text.
    """
    path = expand([file])[0]
    told = foreign(path, head_of(path))
    if told is None:
        with ByteFile(path, whole=True) as opened:
            head = opened.head()
        told = foreign(path, head)
    if told is not None:
        raise SourceError(told)
    try:
        named = format_of(inner_name(path))
    except SourceError:
        named = None
    found = format_in(head)
    if "format" in settings or named == "text" or found in (named, None):
        return {}
    if named == "jsonl" and head.lstrip()[:1] in (b"[", b"{"):
        return {}  # but not of objects
    return {"format": found}


class _Eye:
    """Gathers what stands in the fields."""

    def __init__(self, cells: Cells):
        self.cells = cells
        self.fields: dict[str, Field] = {}
        self.lists: set[str] = set()
        self.errors: list[str] = []
        self.count = 0

    def see(self, records: Sequence[Record]) -> None:
        """Note what stands in the fields of *records*."""
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
