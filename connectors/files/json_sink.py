"""Rows to a file as JSON Lines."""

from typing import Any

from ..json_rows import encode_lines
from .append_file import FileSink


class JsonLinesSink(FileSink):
    """Appends each row as a line of JSON.

    >>> import os, pathlib, tempfile
    >>> sink = JsonLinesSink(os.path.join(tempfile.mkdtemp(), "out.jsonl"))
    >>> sink.write([{"prediction": 1.5}])
    >>> sink.flush()
    >>> position = sink.snapshot()
    >>> sink.write([{"prediction": 2.5}])
    >>> sink.restore(position)
    >>> pathlib.Path(sink.path).read_text()
    '{"prediction":1.5}\\n'
    >>> sink.close()
    """

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """One line of JSON for each of *rows*."""
        return encode_lines(rows)
