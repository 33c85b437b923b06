"""Rows to a file as CSV."""

import csv
import io
import os
from collections.abc import Sequence
from typing import Any

import msgspec

from ..base import SinkError, Unwritable
from ..json_rows import encode, spellings
from .append_file import FileSink


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
                    f"{','.join(header)} and cannot be added to it: name another path, or write "
                    "JSON Lines"
                )
        cells, problems = [], {}
        for index, row in enumerate(rows):
            try:
                cells.append([_cell(name, row.get(name)) for name in header])
            except Unwritable as error:
                problems[index] = error.problems[0]
        if problems:
            raise Unwritable(problems)
        writer.writerows(cells)
        self._header = header
        return text.getvalue().encode()

    def begin(self) -> None:
        """See `FileSink.begin`."""
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


def _cell(name: str, value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if name == "probabilities" and isinstance(value, dict):
        value = dict(zip(spellings(value), value.values(), strict=True))
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = msgspec.json.decode(encode(value))
    return text if isinstance(text, str) else msgspec.json.encode(text).decode()


def _encodable(text: str) -> str:
    """*text*, if a file can hold it; raises `Unwritable`."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unwritable({0: f"it cannot be written as CSV: {error}"}) from None
    return text
