"""The time of records: what it adds to their features, and which of 01/02/2024 is the day."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.times import find_day_first, read

from ..errors import BadRecord
from .missing import Missing

DAY_FIRST = "@day_first"  # among the fields of a snapshot


class Clock:
    """Reads the time in *field*, and adds what the *calendar* says of it; *keep* adds it itself.

    Nothing changes until `commit`.

    >>> clock = Clock("at", lambda moment: {"hour": moment.hour}, False, Missing(), None)
    >>> rows = [{}, {}]
    >>> clock.add(rows, ["31/01/2024 07:15", None])
    >>> rows, clock.snapshot()
    ([{'hour': 7}, {}], {})
    """

    def __init__(
        self,
        field: str,
        calendar: Callable[[Any], dict[str, Any]] | None,
        keep: bool,
        missing: Missing,
        day_first: bool | None,
    ):
        self.field, self.calendar, self.keep, self.missing = field, calendar, keep, missing
        self._day_first = self._ahead = day_first

    def add(self, xs: Sequence[dict[str, Any]], values: Sequence[Any]) -> None:
        """Add to *xs* what the times *values* tell; raises `BadRecord`."""
        day_first = self._day_first
        for index, (x, value) in enumerate(zip(xs, values, strict=True)):
            if self.missing(value):
                if self.keep:
                    x[self.field] = None
                continue
            try:
                if day_first is None and isinstance(value, str):
                    day_first = find_day_first([value])
                moment = read(value, day_first)
                if self.calendar is not None:
                    x.update(self.calendar(moment))
            except (ValueError, TypeError, OverflowError) as error:
                raise BadRecord(f"timestamp field {self.field!r}: {error}", index) from None
            if self.keep:
                x[self.field] = moment
        self._ahead = day_first

    def commit(self) -> None:
        """The records of the last `add` are past."""
        self._day_first = self._ahead

    def snapshot(self) -> dict[str, Any]:
        """What the times have told, JSON-able."""
        return {} if self._day_first is None else {DAY_FIRST: self._day_first}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""
        self._day_first = self._ahead = state.get(DAY_FIRST, self._day_first)
