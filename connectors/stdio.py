"""Records from standard input, rows to standard output."""

import os
import select
import sys
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

from .base import Record, SinkError, SourceError
from .json_rows import encode_lines
from .lines.formats import line_format
from .lines.record_reader import RecordReader


class StdinSource:
    """Reads JSON Lines, CSV or text from standard input, or from the descriptor *fd*.

    It cannot be read twice: the position is a count of records, and a source restored to one
    goes on counting there and takes what comes next.

    >>> read, write = os.pipe()
    >>> _ = os.write(write, b'{"x": 1}\\n{"x": 2}')
    >>> source = StdinSource(fd=read)
    >>> [record.value for record in source.next_batch(10, timeout=0)]
    [{'x': 1}]
    >>> os.close(write)  # the end: an unterminated line counts
    >>> [record.value for record in source.next_batch(10, timeout=0)]
    [{'x': 2}]
    >>> source.finished, source.snapshot()
    (True, {'records': 2})
    >>> os.close(read)
    """

    def __init__(
        self,
        *,
        format: str = "jsonl",
        columns: Sequence[str] | None = None,
        max_record_bytes: int = 1 << 20,
        fd: int | None = None,
        **dialect: Any,
    ):
        self.finished = False
        self._fd = 0 if fd is None else fd
        form = line_format(
            format, columns=columns, max_record_bytes=max_record_bytes, live=True, **dialect
        )
        self._reader = RecordReader(form, max_record_bytes, "stdin")

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*: what is there now, else the first to come within *timeout*."""
        deadline = time.monotonic() + timeout
        batch: list[Record] = []
        while len(batch) < max_records and not self.finished:
            records = self._reader.take(max_records - len(batch))
            batch += records
            if records:
                continue
            if self._reader.ended:
                self.finished = True
            elif not self._refill(0 if batch else max(0.0, deadline - time.monotonic())):
                break
        return batch

    def snapshot(self) -> dict[str, int]:
        """``{"records": count handed out}``."""
        return {"records": self._reader.records}

    def restore(self, position: dict[str, int] | None) -> None:
        """Count on from there, and take what comes next."""
        self._reader.records = 0 if position is None else position["records"]

    def close(self) -> None:
        """Standard input stays open: it belongs to the process."""

    def _refill(self, timeout: float) -> bool:
        """Read what is there; False if nothing came within *timeout* seconds."""
        try:
            if not select.select([self._fd], [], [], timeout)[0]:
                return False
            data = os.read(self._fd, 1 << 18)
        except OSError as error:
            raise SourceError(f"standard input cannot be read: {error.strerror}") from error
        if data:
            self._reader.feed(data)
        else:
            self._reader.end()
        return True


class StdoutSink:
    """Writes each row as a line of JSON to standard output, or to the binary *stream*.

    What was printed cannot be taken back: `restore` accepts any position, and rows after
    the checkpoint are printed again.

    >>> import io
    >>> stream = io.BytesIO()
    >>> sink = StdoutSink(stream=stream)
    >>> sink.write([{"prediction": 1.5}])
    >>> stream.getvalue(), sink.snapshot()
    (b'{"prediction":1.5}\\n', {'rows': 1})
    """

    def __init__(self, *, stream: BinaryIO | None = None):
        if stream is None:
            if sys.stdout is None:  # closed before this process began
                raise SinkError("standard output is closed; open it, or name another sink")
            stream = sys.stdout.buffer
        self._stream = stream
        self._rows = 0

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Print *rows* and pass them on at once."""
        if not rows:
            return
        try:
            self._stream.write(encode_lines(rows))
            self._stream.flush()
        except OSError as error:
            raise SinkError(f"standard output cannot be written: {error.strerror}") from error
        self._rows += len(rows)

    def flush(self) -> None:
        """Nothing: every `write` passes its rows on."""

    def snapshot(self) -> dict[str, int]:
        """``{"rows": count printed}``."""
        return {"rows": self._rows}

    def restore(self, position: dict[str, int] | None) -> None:
        """Take over the count; what was printed stays printed."""
        self._rows = 0 if position is None else position["rows"]

    def close(self) -> None:
        """Standard output stays open: it belongs to the process."""
