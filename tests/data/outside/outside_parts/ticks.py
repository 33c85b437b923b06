"""A source that counts."""

from typing import Any

from msgspec import Struct

from connectors.base import Record


class Ticks(Struct, tag="ticks", forbid_unknown_fields=True):
    """The records {"n": 0, "wave": 0}, {"n": 1, "wave": 1}, …"""

    count: int  # of records
    period: int = 4  # of the wave

    def open(self) -> "Counter":
        """What hands them out."""
        return Counter(self.count, self.period)


class Counter:
    """Hands out the records from its position on."""

    def __init__(self, count: int, period: int):
        self.count, self.period, self.position = count, period, 0

    @property
    def finished(self) -> bool:
        """Whether all have been handed out."""
        return self.position >= self.count

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """The next records."""
        first = self.position
        self.position = min(self.count, first + max_records)
        return [
            Record({"n": float(n), "wave": float(n % self.period)}, str(n).encode(), offset=n)
            for n in range(first, self.position)
        ]

    def snapshot(self) -> Any:
        """How many were handed out."""
        return self.position

    def restore(self, position: Any) -> None:
        """Go on after them."""
        self.position = int(position)

    def close(self) -> None:
        """Nothing is open."""
