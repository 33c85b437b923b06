"""A source that is read to its end before it hands out a record."""

from collections.abc import Callable, Iterable, Iterator

from connectors.base import Record, Source
from connectors.memory import MemorySource


class WholeSource(MemorySource):
    """What *changed* makes of all records of *source*, which is closed with this one."""

    def __init__(self, source: Source, changed: Callable[[Iterator[Record]], Iterable[Record]]):
        self._source = source
        super().__init__(changed(_all(source)))

    def fraction(self) -> float:
        """How much was handed out."""
        return self._next / max(1, len(self._records))

    def close(self) -> None:
        self._source.close()


def _all(source: Source) -> Iterator[Record]:
    while not source.finished:
        yield from source.next_batch(10_000, timeout=1.0)
