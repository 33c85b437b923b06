"""Records that could not be used, written so that nothing of them is lost.

>>> from connectors.base import Record
>>> letter(Record(None, b"{oops", "malformed", "in.jsonl", 7), stage="decode")
{'error': 'malformed', 'stage': 'decode', 'partition': 'in.jsonl', 'offset': 7, 'raw': '{oops'}
"""

import base64
from typing import Any

from .base import Record
from .files.json_sink import JsonLinesSink

ERROR_CHARACTERS = 1000


def letter(record: Record, *, stage: str, error: str | None = None) -> dict[str, Any]:
    """The row for *record*: why and where it failed, and its bytes unchanged.

    The bytes are ``raw`` if they are UTF-8 and ``raw_base64`` otherwise.  *stage* says who
    refused it (``decode``, ``features``, ``learn``); *error* defaults to the record's own, and
    is cut at 1000 characters: it may quote the record.
    """
    error = error or record.error or "unknown"
    row: dict[str, Any] = {
        "error": error if len(error) <= ERROR_CHARACTERS else f"{error[:ERROR_CHARACTERS]}…",
        "stage": stage,
        "partition": record.partition,
        "offset": record.offset,
    }
    if record.timestamp is not None:
        row["timestamp"] = record.timestamp
    if record.key is not None:
        row["key_base64"] = base64.b64encode(record.key).decode()
    try:
        row["raw"] = record.raw.decode()
    except UnicodeDecodeError:
        row["raw_base64"] = base64.b64encode(record.raw).decode()
    return row


def raw_of(row: dict[str, Any]) -> bytes:
    """The bytes of the record that *row* was made of, for sending it again.

    >>> raw_of(letter(Record(None, b"\\xff", "not UTF-8"), stage="decode"))
    b'\\xff'
    """
    if "raw" in row:
        return row["raw"].encode()
    return base64.b64decode(row["raw_base64"])


class DeadLetterSink(JsonLinesSink):
    """A JSON Lines file of rows made by `letter`.

    >>> import os, pathlib, tempfile
    >>> sink = DeadLetterSink(os.path.join(tempfile.mkdtemp(), "dead.jsonl"))
    >>> sink.put(Record(None, b"?", "malformed"), stage="decode")
    >>> pathlib.Path(sink.path).read_text()
    '{"error":"malformed","stage":"decode","partition":"0","offset":0,"raw":"?"}\\n'
    >>> sink.close()
    """

    def put(self, record: Record, *, stage: str, error: str | None = None) -> None:
        """Append the letter of *record*."""
        self.write([letter(record, stage=stage, error=error)])
