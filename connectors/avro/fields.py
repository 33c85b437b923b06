"""What of a row fits into a type of Avro: a function for each type, made once for a schema.

Nothing is bent to fit: a fraction is no long, 5 no boolean, 1e300 no float.  Of a union the first
branch that fits is taken, and named beside the value, so that the writer need not look for it.  A
list or an object that no branch of a field's union takes becomes JSON, where text is one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from ..json_rows import encode
from ..registry.client import BadSchema

Fit = Callable[[Any], Any]  # the value as Avro's writer takes it; raises ValueError

TYPES = (type(None), bool, int, float, str, list, dict)  # of values as JSON has them
TAKEN: Mapping[str, tuple[type, ...]] = {  # by a branch of a union; a record takes lists, too
    "null": (type(None), float),
    "boolean": (bool,),
    **dict.fromkeys(("int", "long"), (int,)),
    **dict.fromkeys(("float", "double"), (int, float)),
    **dict.fromkeys(("string", "bytes"), (str,)),
    "array": (list,),
    "map": (dict,),
}

LARGEST_FLOAT = 3.4028235677973366e38  # of 32 bits, what rounds up to it included


def fit(kind: Any, named: dict[str, Fit], outermost: bool = True) -> Fit:
    """The function for values of the type *kind*; raises `BadSchema` for one never written.

    *named* are the functions of types that have a name, and gets those inside *kind*.

    >>> one = fit(["null", "boolean", "long", "double", "string"], {})
    >>> [one(value) for value in (None, True, 7, float("nan"))]
    [None, ('boolean', True), ('long', 7), None]
    >>> one(0.5), one({"a": 1})
    (('double', 0.5), ('string', '{"a":1}'))
    """
    if isinstance(kind, list):
        branches = [(_name(branch), fit(branch, named, False)) for branch in kind]
        return _union(branches, outermost and "string" in kind)
    if isinstance(kind, str):
        if kind in named:
            return named[kind]
        if kind not in _PRIMITIVE:
            raise BadSchema(f"the type {kind!r} is not written")
        return _PRIMITIVE[kind]
    if "logicalType" in kind:
        raise BadSchema(f"the logical type {kind['logicalType']!r} is not written; leave it out")
    name = kind["type"]
    if name == "array":
        return _array(fit(kind["items"], named, False))
    if name == "map":
        return _map(fit(kind["values"], named, False))
    if name == "enum":
        named[kind["name"]] = made = _enum(frozenset(kind["symbols"]))
        return made
    if name == "record":
        fields = {field["name"]: fit(field["type"], named, False) for field in kind["fields"]}
        named[kind["name"]] = made = _record(fields)
        return made
    return fit(name, named, outermost)


def _null(value: Any) -> None:
    if value is not None and not (type(value) is float and not isfinite(value)):
        raise ValueError(f"{_what(value)}, not null")


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{_what(value)}, not true or false")
    return value


def _integer(bits: int) -> Fit:
    most = 1 << (bits - 1)

    def integer(value: Any) -> int:
        if type(value) is not int or not -most <= value < most:
            raise ValueError(f"{_what(value)}, not a whole number of {bits} bits")
        return value

    return integer


def _double(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"{_what(value)}, not a finite number")
    if float(value) != value:
        raise ValueError(f"{_what(value)}, which float64 cannot hold")
    return float(value)


def _float(value: Any) -> float:
    value = _double(value)
    if abs(value) >= LARGEST_FLOAT:
        raise ValueError(f"{value}, not a number of 32 bits")
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(f"{_what(value)}, not text")
    return value


def _bytes(value: Any) -> bytes:
    return _string(value).encode()


_PRIMITIVE: Mapping[str, Fit] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer(32),
    "long": _integer(64),
    "float": _float,
    "double": _double,
    "string": _string,
    "bytes": _bytes,
}


def _enum(symbols: frozenset[str]) -> Fit:
    def symbol(value: Any) -> str:
        if type(value) is not str or value not in symbols:
            raise ValueError(f"{_what(value)}, not a symbol of the enum")
        return value

    return symbol


def _array(item: Fit) -> Fit:
    def array(value: Any) -> list[Any]:
        if type(value) is not list:
            raise ValueError(f"{_what(value)}, not a list")
        return [item(inner) for inner in value]

    return array


def _map(item: Fit) -> Fit:
    def entries(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValueError(f"{_what(value)}, not an object")
        return {name: item(inner) for name, inner in value.items()}

    return entries


def _record(fields: Mapping[str, Fit]) -> Fit:
    """From an object, or from a list that has the fields in their order."""

    def record(value: Any) -> dict[str, Any]:
        if type(value) is list and len(value) == len(fields):
            value = dict(zip(fields, value, strict=True))
        if type(value) is not dict or value.keys() - fields.keys():
            raise ValueError(f"{_what(value)}, not an object with {', '.join(fields)}")
        return {name: fitted(value.get(name)) for name, fitted in fields.items()}

    return record


def _union(branches: Sequence[tuple[str, Fit]], as_text: bool) -> Fit:
    """The first branch that takes a value; by its type, those that cannot are passed over."""
    by_type = {
        kind: [branch for branch in branches if kind in TAKEN.get(branch[0], TYPES)]
        for kind in TYPES
    }

    def union(value: Any) -> Any:
        for name, branch in by_type.get(type(value), branches):
            try:
                fitted = branch(value)
            except ValueError:
                continue
            return None if fitted is None else (name, fitted)
        if as_text and type(value) in (list, dict):
            return "string", encode(value).decode()
        raise ValueError(f"{_what(value)}, which no branch of the union takes")

    return union


def _name(kind: Any) -> str:
    """What the writer calls a branch."""
    if isinstance(kind, str):
        return kind
    return kind["name"] if kind["type"] in ("record", "enum") else _name(kind["type"])


def _what(value: Any) -> str:
    """The kind of a value, and its size where it is a number; text may be private."""
    if value is None:
        return "null"
    if type(value) in (int, float):
        return f"{value:.6g}" if type(value) is float else f"{value}"[:30]
    return {str: "text", bool: "true or false", list: "a list", dict: "an object"}.get(
        type(value), type(value).__name__
    )
