"""Windows of time in which something was wrong, as labels of the records within them.

They are those of the Numenta Anomaly Benchmark: a JSON object from the name of a file to a list
of pairs of times; a list of pairs alone is of whatever file is read.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors import times
from connectors.base import Record, Source

from ..errors import ConfigError, suggest
from ..features.paths import getter
from .whole import WholeSource

FIELD = "in a window"  # of a record: 1 or 0, None where its time cannot be read

Window = tuple[float, float]  # seconds; both ends belong to it


def read_windows(path: Path, file: str) -> list[Window]:
    """The windows for *file* in *path*; raises `ConfigError`."""
    said = f"--windows {path}"
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{said}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{said}: not JSON: {error}") from None
    pairs = _of(found, file, said) if isinstance(found, dict) else found
    if not isinstance(pairs, list):
        raise ConfigError(f"{said}: give a list of pairs of times, [[from, to], …]")
    return [_window(pair, said) for pair in pairs]


def _of(found: Mapping[str, Any], file: str, said: str) -> Any:
    """Those whose name is the end of the file's path, the longest such name."""
    parts = Path(file).resolve().parts
    names = [name for name in found if (of := Path(name).parts) == parts[-len(of) :]]
    if not names:
        name = Path(file).name
        known = {Path(one).name: one for one in found}
        raise ConfigError(f"{said}: has no windows for {name}; {suggest(name, known)}")
    return found[max(names, key=lambda name: len(Path(name).parts))]


def _window(pair: Any, said: str) -> Window:
    try:
        first, last = map(times.seconds, pair)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{said}: {pair!r} is no pair of times: {error}") from None
    if first > last:
        raise ConfigError(f"{said}: {pair!r} ends before it begins")
    return first, last


class WindowedSource(WholeSource):
    """The records of a source, each with whether its time is in a window.

    >>> from connectors.memory import MemorySource
    >>> records = MemorySource([{"at": "2024-01-01", "y": 1}, {"at": "2024-01-02", "y": 2}])
    >>> day = times.seconds("2024-01-02")
    >>> source = WindowedSource(records, "at", [(day, day)])
    >>> [record.value["in a window"] for record in source.next_batch(9, 0)]
    ['0', '1']
    """

    def __init__(
        self, source: Source, field: str, windows: Sequence[Window], day_first: times.First = None
    ):
        get = getter(field)

        def label(record: Record) -> Record:
            if record.value is None:
                return record
            try:
                now = times.seconds(get(record.value), day_first)
            except times.NotATime:
                return record._replace(value={**record.value, FIELD: ""})
            within = any(first <= now <= last for first, last in windows)
            return record._replace(value={**record.value, FIELD: str(int(within))})

        super().__init__(source, lambda records: map(label, records))
