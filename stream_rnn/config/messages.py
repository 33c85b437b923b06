"""Errors a person can act on: the field, its value, what would be accepted."""

import re
from typing import Any

import msgspec

from connectors.secrets import hidden

from .. import plugins
from ..errors import suggest
from . import schema
from .foreign import PLACES

Whole = type[msgspec.Struct]  # the class of a whole configuration

PATH = re.compile(r" - at `(key in )?\$?([^`]*)`$")


def explain(
    error: msgspec.ValidationError, table: dict[str, Any], whole: Whole = schema.Config
) -> str:
    """What is wrong in *table*, of the class *whole*, from the library's message about it.

    >>> try:
    ...     msgspec.convert({"sink": 1}, schema.Config)
    ... except msgspec.ValidationError as error:
    ...     print(explain(error, {"sink": 1}))
    sink = 1: expected a table, got int
    """
    text = str(error)
    found = PATH.search(text)
    steps = re.findall(r"[^.\[\]]+", re.sub(r"\[.*?\]", "", found[2])) if found else []
    problem = text[: found.start()] if found else text
    place = ".".join(steps)
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", problem):
        known = fields(whole, steps, look_up(table, steps))
        return f"{_join(place, match[1])}: unknown field; {suggest(match[1], known)}"
    if match := re.fullmatch(r"Object missing required field `(.*)`", problem):
        name = _join(place, match[1])
        if match[1] == "type":
            return f"{name}: is missing; {suggest('', types(whole, steps))}"
        return f"{name}: is missing; add it"
    value = hidden(look_up(table, steps), steps[-1] if steps else "")
    if problem.startswith("Invalid value"):
        return f"{place} = {value!r}: unknown; {suggest(value, types(whole, steps[:-1]))}"
    if match := re.fullmatch(r"Invalid enum value (.*)", problem):
        choices = literals(whole, steps, look_up(table, steps[:-1]))
        return f"{place} = {value!r}: unknown; {suggest(value, choices)}"
    problem = problem.replace("`object`", "a table").replace("`", "")
    return f"{place or 'the configuration'} = {value!r}: {problem[:1].lower()}{problem[1:]}"


def look_up(table: Any, steps: list[str]) -> Any:
    """The value at a path, or as near to it as there is one."""
    for step in steps:
        if not (isinstance(table, dict) and step in table):
            break
        table = table[step]
    return table


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _structs(whole: Whole, steps: list[str]) -> list[type[msgspec.Struct]]:
    """The tables that may stand at a path."""
    structs: list[type[msgspec.Struct]] = [whole]
    for step in steps:
        kinds = [f.type for s in structs for f in msgspec.structs.fields(s) if f.name == step]
        options = [option for kind in kinds for option in getattr(kind, "__args__", (kind,))]
        structs = [o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)]
    return structs


def types(whole: Whole, steps: list[str]) -> list[str]:
    """The values of ``type`` that a table accepts."""
    tags = (s.__struct_config__.tag for s in _structs(whole, steps))
    kind = PLACES.get(".".join(steps))
    return [
        *(str(tag) for tag in tags if tag is not None),
        *([] if kind is None else plugins.installed(kind)),
    ]


def fields(whole: Whole, steps: list[str], inside: Any) -> list[str]:
    """The fields of the table at a path, of the type that it names."""
    names = []
    for struct in _structs(whole, steps):
        tag = struct.__struct_config__.tag
        if tag is None or (isinstance(inside, dict) and inside.get("type") == tag):
            names += [f.name for f in msgspec.structs.fields(struct)]
    return names


def literals(whole: Whole, steps: list[str], inside: Any) -> list[str]:
    """The values of an enumerated field."""
    for struct in _structs(whole, steps[:-1]):
        tag = struct.__struct_config__.tag
        if tag is not None and isinstance(inside, dict) and inside.get("type") != tag:
            continue
        for found in msgspec.structs.fields(struct):
            if found.name == steps[-1]:
                return _strings(found.type)
    return []


def _strings(kind: Any) -> list[str]:
    arguments = getattr(kind, "__args__", ())
    return [text for a in arguments for text in ([a] if isinstance(a, str) else _strings(a))]
