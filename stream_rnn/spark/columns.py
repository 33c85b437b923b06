"""The columns that Spark gets, typed by what an estimator's result row holds (`rows.FIELDS`)."""

from typing import Any, NamedTuple

import msgspec

from .. import rows
from ..errors import ConfigError
from ..estimators.protocol import innermost
from ..estimators.saving import name_of

#: The type of a field by the words that `rows` has for its values; TARGET is the target's own.
TARGET = "TARGET"
TYPES = {
    "number": "double",
    "number or null": "double",
    "whole number": "bigint",
    "whole number or null": "bigint",
    "true or false": "boolean",
    "text": "string",
    "text or null": "string",
    "class or null": TARGET,
    "object": "map<string,double>",
    "object of lists": "map<string,array<double>>",
    "list": "array<string>",
    "list of numbers": "array<double>",
    "list of pairs": "array<struct<symbol:string,probability:double>>",
}
RESULT = "result"  # of an estimator whose fields nobody has listed: all of them as JSON


class Column(NamedTuple):
    """A column of the output: name, type in Spark's words, how it is read from a result."""

    name: str
    type: str
    read: Any  # a callable: result → value


class Value(NamedTuple):
    """Reads a field as it is."""

    name: str

    def __call__(self, result: dict) -> Any:
        return result.get(self.name)


class Entries(NamedTuple):
    """Reads a dict as Arrow wants a map; *text* turns its keys into text."""

    name: str
    text: bool = True

    def __call__(self, result: dict) -> Any:
        value = result.get(self.name)
        if value is None:
            return None
        return [(str(k), v) for k, v in value.items()] if self.text else list(value.items())


class Pairs(NamedTuple):
    """Reads a list of pairs."""

    name: str

    def __call__(self, result: dict) -> Any:
        return [{"symbol": str(s), "probability": p} for s, p in result.get(self.name) or ()]


class Texts(NamedTuple):
    """Reads a list of names."""

    name: str

    def __call__(self, result: dict) -> Any:
        return [str(value) for value in result.get(self.name) or ()]


class Json(NamedTuple):
    """Reads a field, or with no name all of them, as JSON."""

    name: str

    def __call__(self, result: dict) -> Any:
        value = result if self.name == RESULT else result.get(self.name)
        return None if value is None else msgspec.json.encode(value).decode()


def columns(estimator: Any, target: str) -> tuple[Column, ...]:
    """The columns of the results of *estimator*; *target* is the type of its target.

    >>> from stream_rnn import RecurrentClassifier
    >>> [(c.name, c.type) for c in columns(RecurrentClassifier(), "int")]
    [('prediction', 'int'), ('probabilities', 'map<int,double>')]
    """
    try:
        fields = rows.FIELDS.get(name_of(type(innermost(estimator))))
    except ConfigError:
        fields = None
    if fields is None:
        return (Column(RESULT, "string", Json(RESULT)),)
    classes = any(field.values == "class or null" for field in fields)
    return tuple(_column(field, target, classes) for field in fields)


def _column(field: rows.Field, target: str, classes: bool) -> Column:
    name, kind = field.name, TYPES.get(field.values)
    if kind is None:
        return Column(name, "string", Json(name))
    if kind == TARGET:
        return Column(name, target, Value(name))
    if kind.startswith("map"):
        if classes:
            return Column(name, f"map<{target},double>", Entries(name, text=target == "string"))
        return Column(name, kind, Entries(name))
    if kind.startswith("array<struct"):
        return Column(name, kind, Pairs(name))
    if kind == "array<string>":
        return Column(name, kind, Texts(name))
    return Column(name, kind, Value(name))
