"""The bytes of one stream in, its records out: a line buffer and a format together."""

from ..base import Record, SourceError
from .formats import LineFormat
from .line_buffer import LineBuffer


class RecordReader:
    """Cuts the bytes it is fed into records of *partition*.

    *position* (bytes) and *records* say how much of the stream was handed out before.

    >>> from connectors.lines.json_lines import JsonLines
    >>> reader = RecordReader(JsonLines(), 100, "f")
    >>> reader.feed(b'{"x": 1}\\n{"x"')
    >>> [record.value for record in reader.take(10)], reader.position
    ([{'x': 1}], 9)
    """

    def __init__(
        self,
        form: LineFormat,
        max_record_bytes: int,
        partition: str,
        position: int = 0,
        records: int = 0,
    ):
        self.partition = partition
        self.records = records
        self.ended = False
        self._format = form
        self._buffer = LineBuffer(max_record_bytes, position)

    @property
    def position(self) -> int:
        """Byte offset just after the last record handed out."""
        return self._buffer.position

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer.feed(data)

    def end(self) -> None:
        """The stream has ended: what is incomplete now stays so."""
        self._buffer.finish()
        self.ended = True

    def take(self, limit: int) -> list[Record]:
        """At least one and at most *limit* records; none if no record is complete."""
        window = limit
        while True:
            lines = self._buffer.lines(window)
            if not lines:
                return self._too_long()
            all_lines = len(lines) < window
            final = all_lines and (self.ended or self._buffer.lines_end_here())
            records, used = self._format.decode(lines, limit, final, self.partition, self.records)
            self._buffer.consume(used)
            self.records += len(records)
            if records:
                return records
            if not used:
                if all_lines:
                    return []
                window *= 2  # a record of more lines than that

    def _too_long(self) -> list[Record]:
        found = self._buffer.too_long()
        if found is None:
            return []
        limit = self._buffer.max_record_bytes
        if self._format.needs_header:
            raise SourceError(
                f"{self.partition}: the header row is longer than max_record_bytes={limit}; "
                "raise it or check the file"
            )
        self._buffer.consume(1)
        self.records += 1
        return [too_long_record(*found, limit, self.partition, self.records - 1)]


def too_long_record(head: bytes, length: int, limit: int, partition: str, offset: int) -> Record:
    """The record of a line that is longer than the limit; ``raw`` is its head."""
    reason = f"line of {length} bytes is longer than max_record_bytes={limit}"
    return Record(None, head, reason, partition, offset)
