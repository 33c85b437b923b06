"""What may be a key, and where it is in a record."""

from collections.abc import Sequence
from typing import Any

from ..errors import BadRecord

MESSAGE_KEY = "@message_key"  # as the name of a field: the key of the Kafka message itself

Key = str | int | bytes


class MissingKey(BadRecord):
    """A record that does not say whose it is."""


class TooManyKeys(BadRecord):
    """A record of a new key where there are as many as may be."""


def key_of(value: Any, field: str, index: int = 0) -> Key:
    """*value* as a key: text, bytes or an integer; 17.0 is 17, but "17" is another key.

    Raises `MissingKey`, a `BadRecord`, for anything else.
    """
    kind = type(value)
    if kind is float and value.is_integer():
        value, kind = int(value), int
    if kind is str and (value.isascii() or _is_unicode(value)):
        return value
    if kind is bytes or (kind is int and -(2**63) <= value < 2**64):
        return value
    if value is None:
        raise MissingKey(f"the key field {field!r} is missing", index)
    raise MissingKey(
        f"key field {field!r}: {value!r} cannot be a key; give text or a whole number of 64 bits",
        index,
    )


def _is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def keys_of(values: Sequence[dict], field: str) -> list[Key]:
    """The key of each record; raises `MissingKey` with the index of the first without one."""
    return as_keys([value.get(field) for value in values], field)


def as_keys(keys: list[Any], field: str) -> list[Key]:
    """What stands in the *field* of each record as keys; empty text is none."""
    if set(map(type, keys)) == {str} and all(map(str.isascii, keys)) and all(keys):
        return keys  # the common case, without a Python step for each
    return [key_of(None if key == "" else key, field, index) for index, key in enumerate(keys)]
