"""What a result repeats of its record; with a look ahead that is one of some records before."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.base import Record

from ..features.paths import ABSENT, getter
from ..features.rows import Row


def repeated(
    values: Sequence[Row], records: Sequence[Record], copy: Sequence[str], origin: bool
) -> list[Row]:
    """The fields *copy* of each record, and with *origin* where it came from."""
    told: list[Row] = [{} for _ in records]
    for field in copy:
        get = getter(field)
        for own, value in zip(told, values, strict=True):
            copied = get(value)
            own[field] = None if copied is ABSENT or copied == "" else copied
    if origin:
        for own, record in zip(told, records, strict=True):
            own["partition"], own["offset"] = record.partition, record.offset
    return told


class Behind:
    """Hands out what is told of the record *k* before, of the same key; nothing of the first k.

    >>> behind = Behind(1)
    >>> behind.take([{"id": 1}, {"id": 2}, {"id": 3}], ["a", "b", "a"])
    [{'id': None}, {'id': None}, {'id': 1}]
    """

    def __init__(self, k: int):
        self.k = k
        self._waiting: dict[Any, deque[Row]] = {}

    def take(self, told: Sequence[Row], keys: Sequence[Any] = ()) -> list[Row]:
        """What the results of these records repeat, in their order."""
        if self.k == 0 or not any(told):
            return list(told)
        found = []
        for own, key in zip(told, keys or [None] * len(told), strict=True):
            queue = self._waiting.setdefault(key, deque())
            queue.append(msgspec.to_builtins(own))
            found.append(queue.popleft() if len(queue) > self.k else dict.fromkeys(own))
        return found

    def snapshot(self) -> dict[str, Any]:
        """All of it, JSON-able; nothing without a look ahead."""
        if self.k == 0:
            return {}
        return {"behind": [[key, list(queue)] for key, queue in self._waiting.items()]}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over a snapshot; older checkpoints have none."""
        self._waiting = {key: deque(queue) for key, queue in saved.get("behind", ())}
