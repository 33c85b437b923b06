"""The time of records: what it adds to their features, and which of 01/02/2024 is the day."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.day_first import find_day_first, may_begin_with_the_year
from connectors.times import First, read

from ..errors import BadRecord
from .missing import Missing

log = logging.getLogger(__name__)
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
        day_first: First,
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
                    if day_first is not None and may_begin_with_the_year(value):
                        self._say(value, read(value, day_first))
                moment = read(value, day_first)
                if self.calendar is not None:
                    x.update(self.calendar(moment))
            except (ValueError, TypeError, OverflowError) as error:
                raise BadRecord(f"timestamp field {self.field!r}: {error}", index) from None
            if self.keep:
                x[self.field] = moment
        self._ahead = day_first

    def _say(self, value: str, moment: datetime) -> None:
        """A date has been read that could be another one."""
        log.warning(
            '%s: %r is read as %s; if the year comes first, set features.day_first = "year"',
            *(self.field, value, moment.date()),
        )

    def commit(self) -> None:
        """The records of the last `add` are past."""
        self._day_first = self._ahead

    def snapshot(self) -> dict[str, Any]:
        """What the times have told, JSON-able."""
        return {} if self._day_first is None else {DAY_FIRST: self._day_first}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a snapshot."""
        self._day_first = self._ahead = state.get(DAY_FIRST, self._day_first)
