"""Which values are missing: one notion for files, messages, dicts, arrays and DataFrames.

>>> import math
>>> is_missing(None), is_missing(math.nan), is_missing("n/a"), is_missing(0.0)
(True, True, True, False)
"""

from collections.abc import Sequence
from typing import Any

from connectors.missing import MARKERS, is_marker

_NAMES = frozenset(("NAType", "NaTType", "MaskedConstant"))  # of pandas and numpy


def is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, a masked value, or a text of `MARKERS`."""
    if value is None:
        return True
    kind = type(value)
    if kind is str:
        return is_marker(value)
    if kind is float:
        return value != value
    if kind.__name__ in _NAMES:
        return True
    try:
        return bool(value != value)  # any library's NaN or NaT
    except (TypeError, ValueError):
        return False


class Missing:
    """The same with other *spellings* than `MARKERS`, and *sentinels*: numbers that stand for it.

    >>> missing = Missing(["", "n.d."], [-999])
    >>> missing.text("n.d."), missing.text("NA"), missing(-999.0), missing(None)
    (True, False, True, True)
    """

    def __init__(self, spellings: Sequence[str] | None = None, sentinels: Sequence[float] = ()):
        self.spellings = MARKERS if spellings is None else tuple(spellings)
        self.sentinels = frozenset(sentinels)
        folded = frozenset(spelling.strip().casefold() for spelling in self.spellings)
        # As they are usually written, for a look without a step of Python.
        self.usual = folded | {t for s in self.spellings for t in (s, s.upper(), s.title())}
        self._folded = folded

    def text(self, text: str) -> bool:
        """Whether *text* stands for a missing value."""
        return text in self.usual or text.strip().casefold() in self._folded

    def __call__(self, value: Any) -> bool:
        """Whether *value* is missing."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if self.sentinels and kind in (int, float) and value in self.sentinels:
            return True
        return is_missing(value)
