"""What of a batch would be refused, where what a field is for is decided by its first value."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ..features.missing import is_missing

if TYPE_CHECKING:
    from .columns import Columns


class InOrder:
    """Looks at records one after another, each after the good ones before it; nothing is learned.

    A record is looked at together with those before it that were the first to have a value in
    some field: as many as there are new fields, at most.

    >>> from stream_rnn.categories.columns import Columns
    >>> from stream_rnn.errors import BadRecord
    >>> look = InOrder(Columns())
    >>> look({"zone": "north"})
    >>> look({"zone": float("inf")})  # the name of a zone
    >>> look({"load": float("inf")})
    Traceback (most recent call last):
    stream_rnn.errors.BadRecord: feature 'load': inf is not finite; use None for a missing value
    """

    def __init__(self, columns: "Columns"):
        self._columns = columns
        self._known: set[Hashable] = columns.decided()
        self._first: list[dict] = []

    def __call__(self, x: dict) -> None:
        """Raise `BadRecord` if *x* would be refused; else it counts for those after it."""
        self._columns.encode([*self._first, x])
        new = {name for name, value in x.items() if not is_missing(value)} - self._known
        if new:
            self._first.append(x)
            self._known |= new
