"""A message without a value (a tombstone) deletes its key: what is known of it is forgotten.

Its place in the stream counts: what was learned before it is gone, what comes after it is of a
key that nobody has seen.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from connectors.base import ALONE, TOMBSTONE, Record

from ..errors import BadRecord
from ..features.paths import getter
from ..keys.key import MESSAGE_KEY, Key, key_of
from .outcome import Outcome, joined


def meant(
    message_key: bytes | None, field: str, said: dict[str, Any] | None = None
) -> Iterator[Key]:
    """The keys that a tombstone may mean; *field* is where records have theirs.

    The message's key is the field's value as text, or a JSON object that has the field; or it has
    a schema, and *said* is what it says.

    >>> list(meant(b"north", "sensor")), list(meant(b"17", "sensor"))
    (['north'], ['17', 17])
    >>> list(meant(b'{"sensor": 17}', "sensor")), list(meant(b"17", "@message_key"))
    (['{"sensor": 17}', 17], [b'17'])
    >>> list(meant(b"\\0\\0\\0\\0\\1\\x22", "sensor", {"sensor": 17}))
    [17]
    """
    if message_key is None:
        return
    if field == MESSAGE_KEY:
        yield message_key
        return
    if said is not None:
        with suppress(BadRecord):
            yield key_of(getter(field)(said) if ALONE not in said else said[ALONE], field)
        return
    try:
        text = message_key.decode()
    except UnicodeDecodeError:
        return
    yield text
    try:
        value = json.loads(text)
        value = value.get(field) if isinstance(value, dict) else value
        if value != text:
            yield key_of(value, field)
    except (ValueError, RecursionError, BadRecord):
        return


class Deletions:
    """Forgets what belongs to deleted keys, in their order among the records.

    *forget* says whether it knew a key; *field* is where records have theirs.
    """

    def __init__(self, forget: Callable[[Key], bool], field: str):
        self.forget, self.field = forget, field

    def learn(
        self, learn: Callable[[Sequence[Record]], Outcome], records: Sequence[Record]
    ) -> Outcome:
        """What *learn* makes of *records*, with what is deleted among them forgotten."""
        parts: list[Outcome] = []
        start = forgotten = 0
        for t, record in enumerate(records):
            if record.error != TOMBSTONE:
                continue
            if not _is_deleted(records[start]):  # what comes before a deletion is learned first
                parts.append(learn(records[start:t]))
                start = t
            forgotten += self._forget(record)
            if t + 1 == len(records) or not _is_deleted(records[t + 1]):
                parts.append(learn(records[start : t + 1]))
                start = t + 1
        if not parts:  # the common case
            return learn(records)
        if start < len(records):
            parts.append(learn(records[start:]))
        return joined(parts)._replace(forgotten=forgotten)

    def _forget(self, record: Record) -> int:
        return sum(map(self.forget, meant(record.key, self.field, record.value)))


def _is_deleted(record: Record) -> bool:
    return record.error == TOMBSTONE
