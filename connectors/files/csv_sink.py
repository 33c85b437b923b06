"""Rows to a file as CSV."""

import csv
import io
import os
from collections.abc import Sequence
from typing import Any

import msgspec

from ..base import SinkError
from .append_file import FileSink
from .json_sink import encode_rows


class CsvSink(FileSink):
    """Appends each row as a line of CSV under one header.

    The header is *columns*, else the keys of the first row; a file that already has one
    keeps it.  A missing value is an empty cell, a list or dict is JSON.  A row with a
    further key raises `SinkError`, since a header cannot change.

    >>> import pathlib, tempfile
    >>> sink = CsvSink(os.path.join(tempfile.mkdtemp(), "out.csv"))
    >>> sink.write([{"y": 1.5, "label": "a,b"}, {"y": None}])
    >>> pathlib.Path(sink.path).read_text().splitlines()
    ['y,label', '1.5,"a,b"', ',']
    >>> sink.close()
    """

    def __init__(self, path: str | os.PathLike[str], *, columns: Sequence[str] | None = None):
        super().__init__(path)
        self._columns = list(columns) if columns is not None else None
        self._header: list[str] | None = None  # as it stands in the file

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """Lines of CSV, with the header before them in an empty file."""
        text = io.StringIO()
        header = self._header or self._header_in_file()
        if header is None:
            header = self._columns or list(rows[0])
            csv.writer(text, lineterminator="\n").writerow(header)
        writer = csv.writer(text, lineterminator="\n")
        known = set(header)
        for row in rows:
            if not known.issuperset(row):
                key = next(key for key in row if key not in known)
                raise SinkError(
                    f"{self.path}: a row has the key {key!r}, which is not in the header "
                    f"{','.join(header)}; list all columns (columns=[...]) or write JSON Lines"
                )
            writer.writerow([_cell(row.get(name)) for name in header])
        self._header = header
        return text.getvalue().encode()

    def restore(self, position: dict[str, int] | None) -> None:
        """Cut the file to *position* (None: empty it); `SinkError` if it is shorter."""
        super().restore(position)
        self._header = None

    def _header_in_file(self) -> list[str] | None:
        if self._file.length() == 0:
            return None
        line = self._file.first_line().decode("utf-8", "replace")
        header = next(csv.reader([line]), [])
        if self._columns is not None and header != self._columns:
            raise SinkError(
                f"{self.path} has the header {line!r}, not {','.join(self._columns)!r}; "
                "choose another path or remove the file"
            )
        return header


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    text = msgspec.json.decode(encode_rows([{"": value}]))[""]
    return text if isinstance(text, str) else msgspec.json.encode(text).decode()
