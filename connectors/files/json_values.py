r"""One JSON array, or objects over several lines, as JSON Lines.

>>> import io
>>> stream = JsonValues(io.BytesIO(b'[{"u": 1,\n "v": "a, ]"}, {"u": 2}]'))
>>> stream.read(100)
b'{"u": 1,  "v": "a, ]"}\n{"u": 2}\n'
"""

import re
from typing import IO, Any

from ..lines.formats import plain_name

_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\s*\[\s*[{\]]").match
_OVER_LINES = re.compile(rb"\s*\{[ \t\r]*\n").match
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.DOTALL)
_NAMES = (".json", ".jsonl", ".ndjson")


def is_json(path: str) -> bool:
    """Whether the name of a file says JSON."""
    return plain_name(path).endswith(_NAMES)


def is_whole(head: bytes) -> bool:
    """Whether a file that begins so is one array, or objects over several lines.

    >>> is_whole(b'[ {"u": 1}'), is_whole(b'{"u": 1}'), is_whole(b'{' + bytes([10]) + b'"u": 1}')
    (True, False, True)
    """
    head = head.removeprefix(_BOM)
    return bool(_ARRAY(head) or _OVER_LINES(head))


class JsonValues:
    """A stream of lines, each an element of the array, or an object, that *stream* holds."""

    def __init__(self, stream: IO[bytes] | Any):
        self._stream = stream
        self._text = b""  # from the beginning of the element that is not complete
        self._at = 0  # looked at up to here
        self._depth = 0
        self._is_array: bool | None = None
        self._ready = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; empty at the end."""
        while not self._ready and not self._ended:
            data = self._stream.read(1 << 18)
            self._take(data)
            if not data:
                self._ended = True
                self._emit(len(self._text))
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()

    def _take(self, data: bytes) -> None:
        text = self._text = self._text + data
        if self._is_array is None:
            self._is_array = bool(_ARRAY(text.removeprefix(_BOM)))
        outer = 1 if self._is_array else 0
        lines: list[bytes] = []
        start, at = 0, self._at
        while (found := _TOKEN.search(text, at)) is not None:
            token = found[0]
            if token == b'"':
                break  # a text that is not closed here
            at = found.end()
            if token in b"[{":
                if self._depth == 0 and self._is_array:
                    start = at
                self._depth += 1
            elif token in b"]}":
                self._depth -= 1
                if self._depth == 0:
                    end = found.start() if self._is_array else at
                    lines.append(text[start:end])
                    start = at
            elif token == b"," and self._depth == outer and self._is_array:
                lines.append(text[start : found.start()])
                start = at
        else:
            at = len(text)
        self._ready += b"".join(_line(one) for one in lines)
        self._text, self._at = text[start:], at - start

    def _emit(self, end: int) -> None:
        """What is left is not complete; its decoder will say so."""
        self._ready += _line(self._text[:end])
        self._text = b""


def _line(text: bytes) -> bytes:
    """An element on a line of its own; nothing if there is none."""
    plain = text.removeprefix(_BOM).strip().replace(b"\n", b" ").replace(b"\r", b" ")
    return plain + b"\n" if plain else b""
