"""Sources and sinks that another installed package brings, checked like ours."""

import functools
import operator
from typing import Any

import msgspec

from .. import plugins
from ..errors import ConfigError
from . import schema

PLACES = {"source": "source", "sink": "sink", "dead_letter": "sink"}  # the kind of each table


def with_foreign(table: dict[str, Any]) -> type[schema.Config]:
    """`schema.Config`, in which the foreign tables that *table* names are known."""
    kinds = {place: struct_of(place, table.get(place)) for place in PLACES}
    if not any(kinds.values()):
        return schema.Config
    ours = {"source": schema.Source, "sink": schema.Sink, "dead_letter": schema.Sink | None}
    fields = []
    for place, foreign in kinds.items():
        options = [*ours[place].__args__, *([] if foreign is None else [foreign])]
        union: Any = functools.reduce(operator.or_, options)
        fields.append((place, union, None) if place == "dead_letter" else (place, union))
    made: Any = msgspec.defstruct(
        "Config", fields, bases=(schema.Config,), kw_only=True, forbid_unknown_fields=True
    )
    return made


def struct_of(place: str, table: Any) -> type[msgspec.Struct] | None:
    """The configuration class of a foreign table at *place*; None for one of ours.

    Raises `ConfigError` if the package's entry point is no configuration class.
    """
    kind = PLACES.get(place)
    name = table.get("type") if isinstance(table, dict) else None
    if kind is None or not isinstance(name, str) or name not in plugins.installed(kind):
        return None
    ours = schema.Source if kind == "source" else schema.Sink
    plugins.check_names(kind, (str(t.__struct_config__.tag) for t in ours.__args__))
    found = plugins.fetch(kind, name)
    if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        problem = "is not a msgspec.Struct"
    elif found.__struct_config__.tag != name:
        problem = f"has the tag {found.__struct_config__.tag!r} instead of {name!r}"
    elif not callable(getattr(found, "open", None)):
        problem = "has no method open()"
    else:
        return found
    raise ConfigError(
        f"{place}.type = {name!r}: {found!r} of the package "
        f"{plugins.package(plugins.installed(kind)[name])} {problem}; mend the package"
    )
