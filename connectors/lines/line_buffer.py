"""Bytes in, complete lines out: how every line-oriented source cuts its stream.

>>> buffer = LineBuffer(max_record_bytes=8)
>>> buffer.feed(b"ab\\ncd")
>>> buffer.lines()
[b'ab']
>>> buffer.consume(1)
>>> buffer.feed(b"e\\nthis line is too long\\n")
>>> buffer.lines(), buffer.position
([b'cde'], 3)
>>> buffer.consume(1)
>>> buffer.lines(), buffer.too_long()
([], (b'this lin', 21))
"""


class LineBuffer:
    """Complete lines waiting to be decoded, and the byte position of the first of them.

    A line longer than *max_record_bytes* is kept as its first *max_record_bytes* and its
    true length, so memory stays bounded however long the line is.  It stands as a barrier:
    `lines` ends before it, `too_long` hands it out.  What comes out depends on the bytes
    alone, never on how `feed` was called.
    """

    def __init__(self, max_record_bytes: int, position: int = 0):
        if max_record_bytes < 1:
            raise ValueError(f"max_record_bytes must be at least 1, not {max_record_bytes}")
        self.max_record_bytes = max_record_bytes
        self.position = position  # byte offset of the first line not consumed
        self._lines: list[bytes] = []
        self._next = 0  # index of the first line not consumed
        self._too_long: dict[int, int] = {}  # index of an over-long line -> its true length
        self._pending = bytearray()  # the unterminated last line
        self._dropped = 0  # bytes of it beyond max_record_bytes
        self._unterminated = False  # the last of _lines has no newline

    @property
    def unterminated(self) -> bool:
        """Whether bytes of an incomplete line are waiting for its newline."""
        return bool(self._pending)

    @property
    def read_position(self) -> int:
        """Byte offset just after everything fed."""
        waiting = self._span(len(self._lines) - self._next)
        return self.position + waiting + len(self._pending) + self._dropped

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        first, newline, rest = data.partition(b"\n")
        self._pend(first)
        if not newline:
            return
        self._compact()
        self._end_line()
        lines = rest.split(b"\n")
        last = lines.pop()
        start = len(self._lines)
        self._lines += lines
        if len(rest) > self.max_record_bytes:
            for index, line in enumerate(lines, start):
                if len(line) > self.max_record_bytes:
                    self._too_long[index] = len(line)
                    self._lines[index] = line[: self.max_record_bytes]
        self._pend(last)

    def finish(self) -> None:
        """The stream has ended: an unterminated last line counts as a line."""
        if self._pending:
            self._end_line()
            self._unterminated = True

    def lines(self, limit: int | None = None) -> list[bytes]:
        """Lines ready to be decoded, without their newlines, up to an over-long one."""
        end = len(self._lines) if limit is None else min(len(self._lines), self._next + limit)
        if self._too_long:
            end = min(end, next(iter(self._too_long)))
        return self._lines[self._next : end]

    def lines_end_here(self) -> bool:
        """Whether an over-long line ends the run of lines that `lines` hands out."""
        return bool(self._too_long)

    def too_long(self) -> tuple[bytes, int] | None:
        """Head and true length of the next line, if that is an over-long one."""
        if self._next not in self._too_long:
            return None
        return self._lines[self._next], self._too_long[self._next]

    def consume(self, count: int) -> None:
        """The next *count* lines have been handed out."""
        self.position += self._span(count)
        if self._too_long:
            self._too_long.pop(self._next, None)
        self._next += count
        if self._next == len(self._lines):
            self._compact()

    def _span(self, count: int) -> int:
        """Bytes taken in the stream by the next *count* lines and their newlines."""
        lines = self._lines[self._next : self._next + count]
        span = sum(map(len, lines)) + count
        for index, length in self._too_long.items():
            if self._next <= index < self._next + count:
                span += length - len(self._lines[index])
        ends_stream = self._unterminated and count and self._next + count == len(self._lines)
        return span - bool(ends_stream)

    def _pend(self, data: bytes) -> None:
        self._pending += data
        excess = len(self._pending) - self.max_record_bytes
        if excess > 0:
            self._dropped += excess
            del self._pending[self.max_record_bytes :]

    def _end_line(self) -> None:
        if self._dropped:
            self._too_long[len(self._lines)] = len(self._pending) + self._dropped
        self._lines.append(bytes(self._pending))
        self._pending.clear()
        self._dropped = 0

    def _compact(self) -> None:
        if self._next:
            del self._lines[: self._next]
            self._too_long = {i - self._next: length for i, length in self._too_long.items()}
            self._next = 0
