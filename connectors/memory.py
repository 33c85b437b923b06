"""Records from a list, rows into a list: for tests and for embedding in a program."""

from collections.abc import Iterable
from typing import Any

import msgspec

from .base import Lost, Record, Shortened


class MemorySource:
    """Hands out *values* (dicts, or ready `Record` objects) in order.

    >>> source = MemorySource([{"x": 1}, {"x": 2}])
    >>> [record.value for record in source.next_batch(1, timeout=0)], source.snapshot()
    ([{'x': 1}], 1)
    """

    def __init__(self, values: Iterable[dict[str, Any] | Record], *, partition: str = "0"):
        self._records = [
            value if isinstance(value, Record) else _record(value, partition, number)
            for number, value in enumerate(values)
        ]
        self._next = 0

    @property
    def finished(self) -> bool:
        """Whether all were handed out."""
        return self._next >= len(self._records)

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """The next *max_records*, or what is left."""
        batch = self._records[self._next : self._next + max_records]
        self._next += len(batch)
        return batch

    def snapshot(self) -> int:
        """How many were handed out."""
        return self._next

    def restore(self, position: int | None) -> None:
        """Continue after the first *position*; `SourceError` if there are fewer."""
        position = position or 0
        if not 0 <= position <= len(self._records):
            raise Lost(
                f"position {position} is not among the {len(self._records)} records in "
                "memory; give the same records again, or remove the checkpoint"
            )
        self._next = position

    def close(self) -> None:
        """Nothing to release."""


def _record(value: dict[str, Any], partition: str, number: int) -> Record:
    return Record(value, msgspec.json.encode(value, enc_hook=str), None, partition, number)


class MemorySink:
    """Keeps rows in ``rows``.

    >>> sink = MemorySink()
    >>> sink.write([{"prediction": 1.5}])
    >>> sink.rows
    [{'prediction': 1.5}]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Keep *rows*."""
        self.rows += rows

    def flush(self) -> None:
        """Nothing: memory is as durable as it gets."""

    def snapshot(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def restore(self, position: int | None) -> None:
        """Forget the rows after the first *position*; `Shortened` if there are fewer."""
        position = position or 0
        if position > len(self.rows):
            raise Shortened(f"{len(self.rows)} rows in memory, fewer than the {position} written")
        del self.rows[position:]

    def close(self) -> None:
        """Nothing to release."""
