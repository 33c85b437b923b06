"""Rows to a file as Avro: an object container, a block for each write."""

import hashlib
import io
import json
import os
from typing import Any

import fastavro

from ..avro.rows import AvroRows
from ..base import SinkError, Unwritable
from .append_file import FileSink

WHOLE = 1 << 40  # bytes of a block at most: a write is one


class AvroSink(FileSink):
    """Appends rows to an Avro container of *schema*, see `AvroRows`.

    A file that is there must be of the same schema.  The marks between blocks are made from it, so
    that the same rows are the same bytes.

    >>> import tempfile
    >>> fields = [{"name": "prediction", "type": ["null", "double"], "default": None}]
    >>> schema = {"type": "record", "name": "Result", "fields": fields}
    >>> sink = AvroSink(os.path.join(tempfile.mkdtemp(), "out.avro"), schema)
    >>> sink.write([{"prediction": 1.5}, {"prediction": None}])
    >>> with open(sink.path, "rb") as file:
    ...     list(fastavro.reader(file))
    [{'prediction': 1.5}, {'prediction': None}]
    >>> sink.close()
    """

    def __init__(self, path: str | os.PathLike[str], schema: Any):
        super().__init__(path)
        self._rows = AvroRows(schema)
        text = json.dumps(schema, sort_keys=True).encode()
        self._mark = hashlib.sha256(text).digest()[:16]
        self._header = self._container([])
        self._is_ours = False

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """One block, with the header before it in an empty file; raises `Unwritable`."""
        records, problems = [], {}
        for index, row in enumerate(rows):
            try:
                records.append(self._rows.record(row))
            except Unwritable as error:
                problems[index] = error.problems[0]
        if problems:
            raise Unwritable(problems)
        whole = self._container(records)
        if self._file.length() == 0:
            return whole
        self._check_header()
        return whole[len(self._header) :]

    def begin(self) -> None:
        """See `FileSink.begin`."""
        self._is_ours = False

    def _container(self, records: list[dict[str, Any]]) -> bytes:
        stream = io.BytesIO()
        fastavro.writer(
            stream, self._rows.schema, records, sync_interval=WHOLE, sync_marker=self._mark
        )
        return stream.getvalue()

    def _check_header(self) -> None:
        if self._is_ours:
            return
        with open(self.path, "rb") as file:
            if file.read(len(self._header)) != self._header:
                raise SinkError(
                    f"{self.path} is no Avro file of this run's results: another schema, or "
                    "another program; choose another path or remove the file"
                )
        self._is_ours = True
