"""JSON objects from bytes, within limits: what every source does with a line or a message."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from .base import BadMessage

MAX_BYTES = 1 << 20  # of one record
FLOAT64_DIGITS = 308  # every integer of so many digits or fewer is below the largest float64
MAX_DEPTH = 16  # of nested objects and arrays, the record itself being the first


class BadJson(BadMessage):
    """Not one JSON object within the limits."""


def json_decoder(
    max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> Callable[[bytes], dict[str, Any]]:
    """A function from the bytes of one JSON object to the dict; it raises `BadJson`.

    Refused: more than *max_bytes*, deeper nesting than *max_depth*, invalid UTF-8, Infinity
    and numbers that float64 cannot hold, and any JSON but an object.  NaN, which is not JSON
    but is written by some, is null.

    >>> decode = json_decoder(max_bytes=64)
    >>> decode(b'{"level": 1.5, "site": "north"}')
    {'level': 1.5, 'site': 'north'}
    >>> decode(b'[1, 2]')
    Traceback (most recent call last):
        ...
    connectors.json_records.BadJson: not a JSON object but list
    >>> decode(b'{"level": NaN}')
    {'level': None}
    """
    loads = msgspec.json.Decoder().decode

    def decode(raw: bytes) -> dict[str, Any]:
        if len(raw) > max_bytes:
            raise BadJson(f"{len(raw)} bytes, more than the {max_bytes} allowed")
        try:
            value = loads(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            value = with_nan(raw, f"not JSON: {reason(error)}")
        except RecursionError:
            raise BadJson(f"nested deeper than the {max_depth} levels allowed") from None
        if type(value) is not dict:
            raise BadJson(f"not a JSON object but {type(value).__name__}")
        if (problem := beyond_limits(raw, value, max_depth)) is not None:
            raise BadJson(problem)
        return value

    return decode


def with_nan(raw: bytes, problem: str) -> Any:
    """The value of *raw*, in which NaN stands for null; raises `BadJson` with the *problem*.

    >>> with_nan(b'{"a": NaN, "b": "NaN"}', "?")
    {'a': None, 'b': 'NaN'}
    """
    if b"NaN" not in raw and b"Infinity" not in raw:
        raise BadJson(problem)
    try:
        return json.loads(raw, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise (error if isinstance(error, BadJson) else BadJson(problem)) from None


def _constant(name: str) -> None:
    if name != "NaN":
        raise BadJson("Infinity is not JSON; write null for a missing value")


def beyond_limits(raw: bytes, value: Any, max_depth: int = MAX_DEPTH) -> str | None:
    """Why the decoded *value* of *raw* is refused all the same, or None.

    >>> beyond_limits(b'[[1]]', [[1]], max_depth=1)
    'nested deeper than the 1 levels allowed'
    """
    # As many brackets as levels are the least it takes, so most records need no walk.
    if raw.count(b"{") + raw.count(b"[") > max_depth and depth(value) > max_depth:
        return f"nested deeper than the {max_depth} levels allowed"
    if len(raw) > FLOAT64_DIGITS and holds_huge_integer(value):
        return "an integer too large for float64"
    return None


def reason(error: Exception) -> str:
    """The decoder's words in one form, whichever version of it is installed."""
    if isinstance(error, UnicodeDecodeError):
        return f"invalid UTF-8 (byte {error.start})"
    return str(error).removeprefix("JSON is malformed: ")


def depth(value: Any) -> int:
    """Levels of nesting.

    >>> depth({"a": [1, {"b": 2}]})
    3
    """
    return max((level for _, level in containers(value)), default=0)


def holds_huge_integer(value: Any) -> bool:
    """Is there an integer in it that ``float`` refuses?"""
    limit = 10**FLOAT64_DIGITS
    return any(
        isinstance(child, int) and not -limit <= child <= limit
        for container, _ in containers(value)
        for child in (container.values() if isinstance(container, dict) else container)
    )


def containers(value: Any) -> Iterator[tuple[dict | list, int]]:
    """Every object and array of *value* with its level, the outermost being 1; no recursion."""
    todo = [(value, 1)]
    while todo:
        item, level = todo.pop()
        if isinstance(item, dict | list):
            yield item, level
            children = item.values() if isinstance(item, dict) else item
            todo.extend((child, level + 1) for child in children)
