"""Result rows as JSON, whatever classes and numbers are in them: what sinks write by default.

NaN and infinity become null, bytes base64, NumPy's scalars and arrays Python's.  Keys of an
object are text: the class True is "true".  Where a number and a text among the classes are
spelled alike, the text is in quotes, so that two classes never share a key.

>>> encode({"probabilities": {True: 0.75, False: 0.25}})
b'{"probabilities":{"true":0.75,"false":0.25}}'
>>> encode({"probabilities": {1: 0.75, "1": 0.25}})
b'{"probabilities":{"1":0.75,"\\\\"1\\\\"":0.25}}'
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec

from .base import Unwritable

Row = Mapping[str, Any]
#: Rows, sizes and limit as of `encode_each`: the bytes of each row, or `Unwritable`.
Encode = Callable[[Sequence[Row], Sequence[int], int], list[bytes]]


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python numbers and lists."""
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise NotImplementedError(f"{type(value).__name__} {value!r} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_ERRORS = (NotImplementedError, TypeError, ValueError, RecursionError)  # UnicodeError is one too


def encode(row: Any) -> bytes:
    """The JSON of one row, or of any value; raises `Unwritable`."""
    try:
        return _encoder.encode(_named(row) if isinstance(row, dict) else row)
    except _ERRORS as error:
        raise Unwritable({0: _reason(error)}) from error


def encode_lines(rows: Sequence[Row]) -> bytes:
    """One line of JSON for each of *rows*; raises `Unwritable` that names those without one."""
    try:
        return _encoder.encode_lines(_all_named(rows))
    except _ERRORS:
        raise Unwritable(_problems(rows)) from None


def encode_each(rows: Sequence[Row], sizes: Sequence[int], limit: int) -> list[bytes]:
    """The JSON of each of *rows*; raises `Unwritable` that names those without one.

    So it does for those that, with their *sizes* in bytes of what goes along, pass *limit*.
    """
    try:
        values = list(map(_encoder.encode, _all_named(rows)))
    except _ERRORS:
        raise Unwritable(_problems(rows)) from None
    return within(limit, values, sizes)


def within(limit: int, values: list[bytes], sizes: Sequence[int]) -> list[bytes]:
    """*values*; raises `Unwritable` that names those that with their *sizes* pass *limit*."""
    large = {
        index: f"{len(value) + size} bytes, more than the {limit} that one message may have"
        for index, (value, size) in enumerate(zip(values, sizes, strict=True))
        if len(value) + size > limit
    }
    if large:
        raise Unwritable(large)
    return values


def plain(row: Row) -> dict[str, Any]:
    """*row* in Python's own types, as its JSON says it, except that NaN stays; `Unwritable`."""
    try:
        return msgspec.to_builtins(_named(row), str_keys=True, enc_hook=_plain)
    except _ERRORS as error:
        raise Unwritable({0: f"it cannot be written: {error}"}) from None


def _problems(rows: Sequence[Row]) -> dict[int, str]:
    problems: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            _encoder.encode(_named(row))
        except _ERRORS as error:
            problems[index] = _reason(error)
    return problems


def _reason(error: Exception) -> str:
    return f"it cannot be written as JSON: {error}"


def _all_named(rows: Sequence[Row]) -> Sequence[Row]:
    """*rows* with text for the names of their classes; most have none."""
    if not any(["probabilities" in row for row in rows]):  # noqa: C419  a list is faster
        return rows
    return list(map(_named, rows))


def _named(row: Row) -> Row:
    """*row* with text for the names of its classes."""
    classes = row.get("probabilities")
    if type(classes) is not dict or set(map(type, classes)) in ({str}, {int}, set()):
        return row
    return {**row, "probabilities": dict(zip(spellings(classes), classes.values(), strict=True))}


def spellings(names: Iterable[Any]) -> list[str]:
    """A text for each of *names*, no two alike.

    >>> spellings([1, "1", '"1"', True, 0.5, None])
    ['1', '"1"', '"\\\\"1\\\\""', 'true', '0.5', 'null']
    """
    names = list(names)
    spelled = [str(name) if isinstance(name, str) else _spelled(name) for name in names]
    while len(set(spelled)) < len(spelled):
        alike = [
            place
            for place, name in enumerate(names)
            if spelled[place] == name and spelled.count(name) > 1
        ]
        if not alike:
            raise ValueError(f"{names!r} cannot be told apart as text")
        for place in alike:  # a text without its quotes yet
            spelled[place] = msgspec.json.encode(spelled[place]).decode()
    return spelled


def _spelled(name: Any) -> str:
    if isinstance(name, float) and not isfinite(name):
        return str(name)
    return name.hex() if isinstance(name, bytes) else _encoder.encode(name).decode()
