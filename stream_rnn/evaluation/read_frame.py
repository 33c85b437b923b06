"""A file as a data frame, read as `stream-rnn evaluate` and a service would read it."""

import os
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, time
from importlib.util import find_spec
from typing import Any

import narwhals.stable.v2 as nw

from connectors import times
from connectors.base import SourceError
from connectors.files.source import FileSource
from connectors.lines.numbers import Numbers

from ..errors import ConfigError
from ..features.cells import PLAIN, Cells
from ..features.missing import Missing
from ..features.paths import flatten
from .look import Field
from .order import find_order

BACKENDS = ("pandas", "polars", "pyarrow")
BATCH = 10_000  # records


def read_frame(
    path: str | os.PathLike[str],
    *,
    backend: str | None = None,
    day_first: times.First = None,
    missing: Sequence[str] | None = None,
    sentinels: Sequence[float] = (),
    **settings: Any,
) -> Any:
    """The records of a file (CSV, JSON lines; compressed, a pattern) as a data frame.

    What a CSV file is made of is found: delimiter, decimal mark, titles before the header, rows
    of units, encoding; any of it can be given by its name, as ``decimal=","``.  Numbers become
    numbers and times times, what is missing is missing, and fields of objects are columns by
    their paths.  *backend* is ``"pandas"``, ``"polars"`` or ``"pyarrow"``, the first installed.

    Warns of records that cannot be read, which are left out.  Raises `SourceError` where none
    can, and `ConfigError` without any of the libraries.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("Ulm;;\\nTag;Last\\n30.01.2024;1,5\\n31.01.2024;NA\\n")
    ...     file.flush()
    ...     found = read_frame(file.name, backend="pandas")
    >>> found["Last"].tolist(), str(found["Tag"][1].date())
    ([1.5, nan], '2024-01-31')
    """
    backend = backend or next((name for name in BACKENDS if find_spec(name)), None)
    if backend not in BACKENDS:
        raise ConfigError(
            f"backend: {backend!r}; choose one of {', '.join(BACKENDS)}, and install it, for "
            "example: pip install pandas"
        )
    source = FileSource(path, **settings)
    try:
        rows, raws, errors = _records(source, Cells(Missing(missing, sentinels)))
    finally:
        source.close()
    if not rows:
        raise SourceError(
            f"{os.fspath(path)}: {errors[0] if errors else 'there is nothing to read'}"
        )
    if errors:
        count = f"{len(errors):,} of {len(rows) + len(errors):,} records are left out"
        warnings.warn(f"{os.fspath(path)}: {count}, for example: {errors[0]}", stacklevel=2)
    columns = []
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        field = Field(values, [raw.get(name) for raw in raws])
        columns.append(_column(str(name), field, backend, day_first).to_frame())
    return nw.concat(columns, how="horizontal").to_native()


def _records(
    source: FileSource, cells: Cells
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """The records, None where a value is missing; as they stood; what could not be read."""
    rows: list[dict[str, Any]] = []
    raws: list[dict[str, Any]] = []
    errors: list[str] = []
    while not source.finished:
        for record in source.next_batch(BATCH, timeout=0):
            if record.value is None:
                errors.append(record.error or "no value")
                continue
            numbers: Numbers = record.numbers or PLAIN
            raw = flatten(record.value, [])
            raws.append(raw)
            rows.append({name: cells.known(value, numbers) for name, value in raw.items()})
    return rows, raws, errors


def _column(name: str, field: Field, backend: Any, day_first: times.First) -> nw.Series:
    """A column of numbers, truths, times or text, whichever all its values are."""
    known = field.known
    if field.kind == "boolean":
        return nw.new_series(name, field.values, nw.Boolean, backend=backend)
    if known and all(type(value) in (int, float) for value in known):
        return _of_numbers(name, field.values, backend)
    moments = _times(field, day_first) if field.kind == "time" else None
    if moments is not None:
        return _of_times(name, moments, backend)
    raw = [None if v is None else str(r) for v, r in zip(field.values, field.raw, strict=True)]
    return nw.new_series(name, raw, nw.String, backend=backend)


def _of_numbers(name: str, values: Sequence[Any], backend: Any) -> nw.Series:
    if all(type(value) is int and abs(value) < 1 << 63 for value in values):
        return nw.new_series(name, list(values), nw.Int64, backend=backend)
    floats = [None if value is None else float(value) for value in values]
    return nw.new_series(name, floats, nw.Float64, backend=backend)


def _times(field: Field, day_first: times.First) -> list[datetime | None] | None:
    """The times; None where one of them is none."""
    order = find_order(field.values, day_first)
    first = day_first if order is None else order.day_first
    try:
        return [None if v is None else times.read(v, first) for v in field.values]
    except times.NotATime:
        return None


def _of_times(name: str, moments: Sequence[datetime | None], backend: Any) -> nw.Series:
    """Times without a zone where none has an offset, which `times.read` takes for UTC."""
    known = [moment for moment in moments if moment is not None]
    if all(not moment.utcoffset() for moment in known):
        plain = [None if m is None else m.replace(tzinfo=None) for m in moments]
        days = all(moment.time() == time() for moment in known)
        made = nw.new_series(name, plain, nw.Datetime("us"), backend=backend)
        return made.cast(nw.Date) if days and backend != "pandas" else made
    passed = [None if m is None else m.astimezone(UTC).replace(tzinfo=None) for m in moments]
    made = nw.new_series(name, passed, nw.Datetime("us"), backend=backend)
    return made.dt.replace_time_zone("UTC")
