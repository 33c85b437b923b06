"""From dicts to rows: an append-only index of feature names.

A name once seen keeps its column for good, so weights never change their meaning.  Names
that appear in the same record are ordered by type and value, so that the order of a
record's keys has no effect.  A missing value (no key, None, NaN, or what else
`features.missing` lists) is NaN in the row.
"""

from array import array
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from math import inf, isfinite, nan
from operator import itemgetter
from struct import Struct, error
from typing import Any

import numpy as np

from ..errors import BadRecord
from .cells import PLAIN
from .missing import is_missing
from .saved_names import as_name


class FeatureIndex:
    """Columns by feature name.

    >>> index = FeatureIndex()
    >>> rows, widths = index.encode([{"b": 1, "a": 2}, {"c": 3, "a": 4}])
    >>> rows
    array([[ 2.,  1., nan],
           [ 4., nan,  3.]])
    >>> widths  # columns known once each record has been seen
    [2, 3]
    >>> index.names  # a row is only encoded; `extend` makes its names known
    ()
    >>> index.extend(rows.shape[1])
    >>> index.names
    ('a', 'b', 'c')
    """

    def __init__(self, names: Sequence[Hashable] = ()):
        self._pending: tuple[Hashable, ...] = ()
        self._set(tuple(map(as_name, names)))

    def __len__(self) -> int:
        return len(self.names)

    def row(self, x: dict) -> np.ndarray:
        """One row (1, m) of the known names; unknown names are left out."""
        row = np.empty((1, len(self.names)))
        if not self._pack(x, row, 0):
            row = np.array([[as_number(name, x.get(name), 0) for name in self.names]])
        return row

    def known_row(self, x: dict) -> np.ndarray | None:
        """One row (1, m) if *x* has a finite number for every known name and no other name."""
        row = np.empty((1, len(self.names)))
        return row if len(x) == len(self.names) and self._pack(x, row, 0) else None

    def encode(self, xs: Sequence[dict]) -> tuple[np.ndarray, list[int]]:
        """Rows (T, m) of all names known after the last record, and how many after each.

        Raises `BadRecord` for a value that is not a finite number; nothing is learned
        until `extend`.
        """
        packed = self.encode_known(xs)
        return self.encode_any(xs) if packed is None else packed

    def encode_known(self, xs: Sequence[dict]) -> tuple[np.ndarray, list[int]] | None:
        """`encode`, at C speed, if each record has a number for each known name and no other name.

        Else None; text that spells a number is none here.
        """
        width = len(self.names)
        self._pending = self.names
        rows = self._pack_all(xs) if len(xs) > 1 else None
        if rows is None:
            rows = np.empty((len(xs), width))
            if not all(len(x) == width and self._pack(x, rows, t) for t, x in enumerate(xs)):
                return None
        return rows, [width] * len(xs)

    def encode_rows(
        self, names: Sequence[Hashable], rows: np.ndarray
    ) -> tuple[np.ndarray, list[int]]:
        """What `encode` gives for the dicts of *names* and each of the *rows* (T, m)."""
        self._pending = self.names
        if tuple(names) != self.names:
            new = sorted((n for n in names if n not in self._places), key=_order)
            self._pending = self.names + tuple(new)
            places = {name: place for place, name in enumerate(self._pending)}
            spread = np.full((len(rows), len(places)), nan)
            spread[:, [places[name] for name in names]] = rows
            rows = spread
        return rows, [len(self._pending)] * len(rows)

    def extend(self, width: int) -> None:
        """Make the names found by the last `encode` known, up to *width* columns."""
        if width > len(self.names):
            self._set(self._pending[:width])

    @property
    def pending(self) -> tuple[Hashable, ...]:
        """The names that the last `encode` has found, those that are known first."""
        return self._pending

    def encode_any(self, xs: Sequence[dict]) -> tuple[np.ndarray, list[int]]:
        """`encode`, name by name."""
        names, places, widths = list(self.names), dict(self._places), []
        for x in xs:
            for name in sorted((n for n in x if n not in places), key=_order):
                places[name] = len(names)
                names.append(name)
            widths.append(len(names))
        rows = np.full((len(xs), len(names)), nan)
        known = len(self.names)
        for t, x in enumerate(xs):
            if len(x) > known and self._pack(x, rows[t : t + 1, :known], 0):
                x = {name: x[name] for name in x.keys() - self._places.keys()}
            for name, value in x.items():
                rows[t, places[name]] = as_number(name, value, t)
        self._pending = self.names if len(names) == len(self.names) else tuple(names)
        return rows, widths

    def _pack_all(self, xs: Sequence[dict]) -> np.ndarray | None:
        """As `_pack`, for many records without a Python step for each; None if it cannot."""
        width = len(self.names)
        if width == 0 or set(map(len, xs)) != {width}:
            return None
        try:
            values = map(self._values, xs)
            flat = array("d", values if width == 1 else chain.from_iterable(values))
        except (KeyError, TypeError, OverflowError):
            return None
        rows = np.frombuffer(flat).reshape(len(xs), width)
        return None if np.isinf(rows).any() else rows

    def _pack(self, x: dict, rows: np.ndarray, t: int) -> bool:
        """The common case, at C speed: every known name is there with a finite number."""
        if not self.names:
            return True
        try:
            values = self._values(x)
            if isinstance(values, tuple):
                self._struct.pack_into(rows.data, t * self._struct.size, *values)
                return isfinite(sum(values))
            self._struct.pack_into(rows.data, t * self._struct.size, values)
            return isfinite(values)
        except (KeyError, TypeError, OverflowError, error):
            return False

    def _set(self, names: tuple[Hashable, ...]) -> None:
        self.names = names
        self._places = {name: place for place, name in enumerate(names)}
        self._values: Callable[[dict], Any] = itemgetter(*names) if names else tuple
        self._struct = Struct(f"{len(names)}d")

    def __getstate__(self) -> tuple[Hashable, ...]:
        return (self.names,)

    def __setstate__(self, saved: tuple) -> None:
        self._pending = ()
        self._set(*saved)


def _order(name: Hashable) -> tuple[str, Any]:
    kind = type(name).__name__
    return (kind, name) if isinstance(name, str | int | float) else (kind, repr(name))


def as_number(name: Hashable, value: Any, index: int) -> float:
    """A feature as a float, NaN where it is missing; raises `BadRecord` otherwise."""
    if is_missing(value):
        return nan
    number: float | None
    try:
        number = PLAIN.read(value) if isinstance(value, str) else float(value)
        number = None if number is None else float(number)
    except OverflowError:  # an integer beyond float64
        number = inf
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise BadRecord(
            f"feature {name!r}: {value!r} is not a number; there were numbers before: if they are "
            f'names, say features.categorical = {{{name} = "statistics"}}; if this stands for a '
            "missing value, list it in features.missing; or leave the field out (features.exclude)",
            index,
        )
    if not isfinite(number):
        raise BadRecord(
            f"feature {name!r}: {value!r} is not finite; use None for a missing value", index
        )
    return number
