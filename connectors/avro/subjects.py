"""Avro schemas in a registry: found by number, registered under a subject."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..registry.client import BadSchema, ByNumber, Registry, quoted
from .schemas import BadAvro, Schema, parse_into, parsed

Parse = Callable[[Any, Mapping[str, Any]], Schema]


def by_number(registry: Registry, parse: Parse = parsed) -> ByNumber[Schema]:
    """The schemas of messages by the number in front of them; *parse* of their keys is another."""

    def schema(number: int) -> Schema:
        answer = registry.ask(f"schemas/ids/{number}")
        named: dict[str, Any] = {}
        for reference in registry.references(answer):
            parse_into(named, _body(reference.answer))
        return parse(_body(answer), named)

    return ByNumber(schema, BadAvro)


def number_of(registry: Registry, subject: str, schema: Any, register: bool) -> int:
    """The number of *schema* under *subject*, where it is registered if that is allowed.

    Raises ValueError, which names the option, where the registry has no number for it.
    """
    body = {"schema": json.dumps(schema), "schemaType": "AVRO"}
    place = f"subjects/{quoted(subject)}"
    try:
        answer = registry.ask(f"{place}/versions" if register else place, body)
    except LookupError:
        if register:
            problem = (
                f"format.registry: {registry.settings.url} registers no schemas: is it the "
                "address of a schema registry?"
            )
        else:
            problem = (
                f"format.subject = {subject!r}: the registry has not this schema there; register "
                f"it, or set format.register = true: {body['schema']}"
            )
        raise ValueError(problem) from None
    except BadSchema as error:
        raise ValueError(
            f"format.subject = {subject!r}: {error}; name another subject, or give the schema "
            "that its readers expect as format.schema"
        ) from None
    number = answer.get("id")
    if not isinstance(number, int) or not 0 <= number < 1 << 32:
        raise ValueError(f"format.registry: {registry.settings.url} answers without an id")
    return number


def _body(answer: Mapping[str, Any]) -> Any:
    """The schema's JSON; raises `BadSchema`."""
    kind = answer.get("schemaType", "AVRO")
    if kind != "AVRO":
        raise BadSchema(f"it is {kind}, not Avro")
    try:
        return json.loads(answer["schema"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadSchema("the registry's answer holds no schema") from None
