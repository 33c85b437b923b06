"""How labels and records find each other."""

from typing import Any, NamedTuple

from connectors import times

from ...features.rows import Row
from ..outcome import Outcome

NOTHING = Outcome([], [], {"learned": 0}, {}, 0.0, [])


class Join(NamedTuple):
    """How labels and records find each other.

    ``key`` is the field that both have.  ``within`` seconds of a record's time its label must
    come; time is the field ``time``, or what the source says.
    """

    key: str
    within: float | None = None
    time: str | None = None
    max_pending: int = 10_000


def seconds(value: Any) -> float | None:
    """A time as seconds since 1970, or a number as seconds since whenever; None if it is neither.

    >>> seconds("1970-01-01T00:01:00"), seconds(60), seconds("soon")
    (60.0, 60.0, None)
    """
    try:
        return times.seconds(value, relative=True)
    except ValueError:
        return None


def id_of(id: Any) -> Any:
    """*id* as text, for a CSV file's 17 is the 17 of a message; None if it cannot be one."""
    return str(id) if type(id) in (str, int) and id != "" else None


def labelled(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["target"] is not None]


def with_settled(part: Outcome, settled: list[Row]) -> Outcome:
    counts = {**part.counts, "learned": part.counts["learned"] + len(labelled(settled))}
    return part._replace(settled=settled, counts=counts)
