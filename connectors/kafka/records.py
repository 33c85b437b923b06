"""Kafka messages to records: one by one with any decoder, JSON all at once where it can be."""

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from ..base import TOMBSTONE, BadMessage, Record
from ..json_records import MAX_BYTES, MAX_DEPTH, json_decoder

Decode = Callable[[bytes], dict[str, Any]]

_new = tuple.__new__  # Record(...) would only check the number of fields


class EachMessage:
    """Decodes messages one by one with *decode*, which refuses a bad one by `BadMessage`.

    With *decode_key* the ``value`` of a tombstone is what its key says, where that can be read.

    >>> from connectors.json_records import json_decoder
    >>> decode = EachMessage(json_decoder())
    >>> good, bad = decode("t-0", [b'{"m": 3}', b"[1]"], [7, 9], [0, 0], [None, None])
    >>> good.value, bad.error
    ({'m': 3}, 'not a JSON object but list')
    """

    def __init__(self, decode: Decode, decode_key: Decode | None = None):
        self._decode, self._decode_key = decode, decode_key

    def __call__(
        self,
        partition: str,
        raws: list[bytes | None],
        offsets: list[int],
        milliseconds: list[int],
        keys: list[bytes | None],
    ) -> list[Record]:
        columns = zip(raws, offsets, milliseconds, keys)
        read, read_key = self._decode, self._decode_key
        return [one(read, read_key, partition, *column) for column in columns]


class JsonMessages(EachMessage):
    """Decodes the messages of one partition; a bad one gets its ``error``, never a raise.

    >>> decode = JsonMessages()
    >>> raws, keys = [b'{"level": 2.5}', None], [b"a", b"b"]
    >>> good, bad = decode("rivers-0", raws, [7, 9], [1000, 2000], keys)
    >>> good.value, good.offset, good.timestamp, good.key
    ({'level': 2.5}, 7, 1.0, b'a')
    >>> bad.error
    'a tombstone (a message without a value), which only deletes a key'
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH):
        super().__init__(json_decoder(max_bytes, max_depth))
        self.max_bytes = max_bytes
        self._fast = msgspec.json.Decoder(dict[str, Any]).decode

    def __call__(
        self,
        partition: str,
        raws: list[bytes | None],
        offsets: list[int],
        milliseconds: list[int],
        keys: list[bytes | None],
    ) -> list[Record]:
        values = self._all_good(raws)
        if values is None:
            return super().__call__(partition, raws, offsets, milliseconds, keys)
        return [
            _new(Record, (value, raw, None, partition, offset, time / 1000, key, None))
            for value, raw, offset, time, key in zip(values, raws, offsets, milliseconds, keys)
        ]

    def _all_good(self, raws: list[Any]) -> list[dict[str, Any]] | None:
        """The values if all are flat objects within the limits, checked all at once."""
        try:
            joined = b"".join(raws)
            if joined.count(b"{") + joined.count(b"[") > len(raws):
                return None  # something is nested
            if max(map(len, raws)) > min(self.max_bytes, 308):
                return None  # see `json_decoder` for what can hide in a long one
            return list(map(self._fast, raws))
        except (TypeError, ValueError):  # a tombstone, or not JSON
            return None


def one(
    decode: Decode,
    decode_key: Decode | None,
    partition: str,
    raw: bytes | None,
    offset: int,
    milliseconds: int,
    key: bytes | None,
) -> Record:
    """One message, good or bad: what *decode* refuses by `BadMessage` gets its ``error``."""
    value, error = None, None
    if raw is None:
        raw, error = b"", TOMBSTONE
        if decode_key is not None and key is not None:
            with contextlib.suppress(BadMessage):  # a key in another format
                value = decode_key(key)
    else:
        try:
            value = decode(raw)
        except BadMessage as bad:
            error = str(bad)
    return Record(value, raw, error, partition, offset, milliseconds / 1000, key)
