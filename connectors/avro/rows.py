"""Result rows as Avro: of a schema, in a registry's wire format or bare."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro

from ..base import Unwritable
from ..json_rows import plain, within
from ..registry.client import PREFIX
from .fields import Fit, fit
from .names import of_field
from .schemas import Schema, parsed

MOST_PLANS = 100  # kept: almost all rows of a run have the same fields

# A field of the schema: its name, what fits, where it is in a row, or else its default.
Plan = list[tuple[str, Fit, str | None, Any]]


class AvroRows:
    """Encodes rows as records of *schema*.

    A field of the schema holds what the row has under the name that Avro allows for it
    (`connectors.avro.names`); NaN and infinity are null.  A field that the row lacks takes its
    default.

    Args:
        schema: of a record.
        number: of the schema in a registry, which then stands in front of every message.
        selects: what the schema does not name is left out; else such a row is `Unwritable`.

    >>> fields = [{"name": "prediction", "type": ["null", "double"], "default": None}]
    >>> rows = AvroRows({"type": "record", "name": "Result", "fields": fields}, number=7)
    >>> rows([{"prediction": 1.5}, {"prediction": float("nan")}], [0, 0], 100)
    [b'\\x00\\x00\\x00\\x00\\x07\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?', \
b'\\x00\\x00\\x00\\x00\\x07\\x00']
    """

    def __init__(self, schema: Any, number: int | None = None, selects: bool = False):
        self.schema: Schema = parsed(schema)
        self._front = b"" if number is None else PREFIX.pack(0, number)
        self._selects = selects
        named: dict[str, Any] = {}
        self._fields: dict[str, tuple[Fit, Any]] = {
            field["name"]: (fit(field["type"], named), field.get("default", MISSING))
            for field in self.schema["fields"]
        }
        self._plans: dict[tuple[str, ...], Plan] = {}  # by the names that rows have

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], sizes: Sequence[int], limit: int
    ) -> list[bytes]:
        """The bytes of *rows*; `Unwritable` as of `json_rows.encode_each`."""
        values: list[bytes] = []
        problems: dict[int, str] = {}
        for index, row in enumerate(rows):
            try:
                values.append(self.encode(row))
            except Unwritable as error:
                problems[index] = error.problems[0]
        if problems:
            raise Unwritable(problems)
        return within(limit, values, sizes)

    def encode(self, row: Mapping[str, Any]) -> bytes:
        """The bytes of one row; raises `Unwritable`."""
        stream = io.BytesIO()
        stream.write(self._front)
        try:
            fastavro.schemaless_writer(stream, self.schema, self.record(row))
        except (ValueError, TypeError, OverflowError) as error:  # UnicodeError is one
            raise Unwritable({0: f"it cannot be written as Avro: {error}"}) from None
        return stream.getvalue()

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """*row* as the record that the schema describes; raises `Unwritable`."""
        given = plain(row)
        named = tuple(given)
        plan = self._plans.get(named)
        if plan is None:
            plan = self._plan(named)
        record = {}
        name = ""
        try:
            for name, fitted, source, default in plan:
                record[name] = fitted(default if source is None else given[source])
        except ValueError as error:
            raise Unwritable({0: f"{name}: {error}"}) from None
        return record

    def _plan(self, named: tuple[str, ...]) -> Plan:
        """Where the fields of the schema are in rows with these names; raises `Unwritable`."""
        sources = self._renamed(named)
        plan = []
        for name, (fitted, default) in self._fields.items():
            source = sources.get(name)
            if source is None and default is MISSING:
                raise Unwritable(
                    {0: f"the schema's field {name!r} is not in the result, and has no default"}
                )
            plan.append((name, fitted, source, default))
        if len(self._plans) == MOST_PLANS:
            self._plans.clear()
        self._plans[named] = plan
        return plan

    def _renamed(self, named: Sequence[str]) -> dict[str, str]:
        """Names in Avro, and what they are in a row."""
        found: dict[str, str] = {}
        for name in named:
            new = of_field(name)
            if new in found:
                raise Unwritable({0: f"two of its fields are {new!r} in Avro"})
            if new in self._fields:
                found[new] = name
            elif not self._selects:
                raise Unwritable({0: f"its field {name!r} is not in the schema"})
        return found


MISSING: Any = object()
