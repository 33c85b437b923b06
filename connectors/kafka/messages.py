"""Rows and dead letters as messages: value, key, headers, and how large they may be."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ..json_rows import Encode, encode, encode_each
from .driver import Header

LETTER_BYTES = 1_000_000  # brokers take 1,048,588 unless told otherwise; headers come on top
MESSAGE_BYTES = 1_048_576  # of a result: what clients and brokers take by default
OVERHEAD = 100  # bytes of a message beside its value and its key, at most, without headers
HEADER_OVERHEAD = 10  # bytes of a header beside its name and its content, at most
NOTES_BYTES = 100  # of the headers "truncated", "key_left_out" and "version"

Message = tuple[bytes, bytes | None, list[Header]]


def encoded(
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[bytes | None],
    limit: int,
    encode_each: Encode = encode_each,
) -> list[bytes]:
    """The values of messages with *keys*; raises `Unwritable` for those beyond *limit* bytes."""
    return encode_each(rows, [OVERHEAD + len(key or b"") for key in keys], limit)


def message_key(row: Mapping[str, Any], field: str | None) -> bytes | None:
    """The row's key as bytes: text as it is, anything else as JSON."""
    value = None if field is None else row.get(field)
    if value is None:
        return None
    return value.encode(errors="surrogatepass") if isinstance(value, str) else encode(value)


def dead_letter(
    row: Mapping[str, Any],
    key: bytes | None = None,
    most: int = LETTER_BYTES,
    topic_bytes: int | None = None,
) -> Message:
    """The record's bytes and key as they came, and headers that say where from and why.

    A record of the largest size that a topic takes would not fit into it together with the
    headers.  Of more than *most* bytes, or than a topic of *topic_bytes* has room for, only the
    first are kept; the header ``truncated`` then says how many there were.

    >>> dead_letter({"partition": "rivers-0", "offset": 7, "raw": "{"}, b"k")
    (b'{', b'k', [('topic', b'rivers'), ('partition', b'0'), ('offset', b'7')])
    >>> dead_letter({"offset": 7, "raw": "abcdef"}, most=4)
    (b'abcd', None, [('offset', b'7'), ('truncated', b'6')])
    """
    if "raw_base64" in row:
        value = base64.b64decode(row["raw_base64"])
    else:
        value = row.get("raw", "").encode()
    headers = _headers(row)
    if topic_bytes is not None:
        free = topic_bytes - OVERHEAD - NOTES_BYTES
        if _size(headers) > free // 2:  # a topic of small messages: what is said is cut
            headers = [(name, content[: free // 20]) for name, content in headers]
        most = min(most, max(free - _size(headers), 0))
    key, more, room = letter_key(key, most)
    if len(value) > room:
        more = [*more, ("truncated", b"%d" % len(value))]
    return value[:room], key, headers + more


def _headers(row: Mapping[str, Any]) -> list[Header]:
    """All that a letter says of its record beside the bytes and the key."""
    fields = {name: row[name] for name in row if name not in ("raw", "raw_base64", "key_base64")}
    topic, _, number = str(fields.get("partition", "")).rpartition("-")
    if topic and number.isdecimal():  # of a topic; a file's name stays as it is
        fields = {"topic": topic, **fields, "partition": number}
    return [
        (name, content.encode() if isinstance(content, str) else encode(content))
        for name, content in fields.items()
        if content is not None
    ]


def _size(headers: Sequence[Header]) -> int:
    """Bytes that *headers* take, at most."""
    return sum(len(name) + len(content) + HEADER_OVERHEAD for name, content in headers)


def letter_key(key: bytes | None, limit: int) -> tuple[bytes | None, list[Header], int]:
    """The key of a letter of *limit* bytes, its headers, and the room that is left.

    A key that takes more than half of it is left out; a header says how long it was.

    >>> letter_key(b"ab", 10), letter_key(b"abcdef", 10)
    ((b'ab', [], 8), (None, [('key_left_out', b'6')], 10))
    """
    if key is None or 2 * len(key) > limit:
        return None, [("key_left_out", b"%d" % len(key))] if key else [], limit
    return key, [], limit - len(key)
