"""A message without a value (a tombstone) deletes its key: what is known of it is forgotten.

Its place in the stream counts: what was learned before it is gone, what comes after it is of a
key that nobody has seen.
"""

import json
from collections.abc import Callable, Iterator, Sequence

from connectors.base import TOMBSTONE, Record

from ..errors import BadRecord
from ..keys.contexts import Contexts
from ..keys.key import MESSAGE_KEY, Key, key_of
from .outcome import Outcome, joined


def meant(message_key: bytes | None, field: str) -> Iterator[Key]:
    """The keys that a tombstone may mean; *field* is where records have theirs.

    The message's key is the field's value as text, or a JSON object that has the field.

    >>> list(meant(b"north", "sensor")), list(meant(b"17", "sensor"))
    (['north'], ['17', 17])
    >>> list(meant(b'{"sensor": 17}', "sensor")), list(meant(b"17", "@message_key"))
    (['{"sensor": 17}', 17], [b'17'])
    """
    if message_key is None:
        return
    if field == MESSAGE_KEY:
        yield message_key
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
    """Forgets the contexts of deleted keys, in their order among the records.

    *field* is where records have their key.
    """

    def __init__(self, contexts: Contexts, field: str):
        self.contexts, self.field = contexts, field

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
        known = [k for k in meant(record.key, self.field) if self.contexts.find(k) is not None]
        for key in known:
            self.contexts.forget(key)
        return len(known)


def _is_deleted(record: Record) -> bool:
    return record.error == TOMBSTONE
