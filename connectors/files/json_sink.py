"""Rows to a file as JSON Lines."""

from typing import Any

import msgspec

from ..base import SinkError
from .append_file import FileSink


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python numbers and lists."""
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise NotImplementedError(f"{type(value).__name__} {value!r} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode_rows(rows: list[dict[str, Any]]) -> bytes:
    """One line of JSON for each of *rows*; NaN and infinity become null, bytes base64."""
    try:
        return _encoder.encode_lines(rows)
    except (NotImplementedError, TypeError, ValueError, RecursionError) as error:
        raise SinkError(f"a row cannot be written as JSON: {error}") from error


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
        return encode_rows(rows)
