"""How much of a source was handed out, for people who wait."""

import os
from typing import Any


class Share:
    """From 0 to 1, and never back; None where nothing tells.

    A file is read in large pieces: what was read of a small one is all of it before the first
    record is learned.  Then the position of the last record counts.  With the number of *records*
    that there are, if that is known, it is exact.

    >>> from connectors.memory import MemorySource
    >>> source = MemorySource([{"x": n} for n in range(8)])
    >>> share = Share(source, records=8)
    >>> share(2), share(6), share(8)
    (0.25, 0.75, 1.0)
    """

    def __init__(self, source: Any, records: int | None = None):
        self._source, self._records, self._most = source, records, 0.0

    def __call__(self, handed_out: int) -> float | None:
        """After so many records."""
        found: float | None
        if self._source.finished:
            found = 1.0
        elif self._records:
            found = handed_out / self._records
        else:
            found = self._source.fraction() if hasattr(self._source, "fraction") else None
            if found is not None and found >= 1:
                found = self._place()
        if found is None:
            return self._most or None
        self._most = min(1.0, max(self._most, found))
        return self._most

    def _place(self) -> float | None:
        """Of a single plain file, where the last record ended."""
        mark = self._source.snapshot()
        if not isinstance(mark, dict) or not {"path", "offset"} <= mark.keys():
            return None
        try:
            size = os.path.getsize(mark["path"])
        except OSError:
            return None
        return mark["offset"] / size if 0 < mark["offset"] <= size else None
