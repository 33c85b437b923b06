"""Fields inside fields by their paths, ``meta.site``, ``values[0]``; a date and a time as one.

Where a day and its hour stand in two fields, ``Datum + Uhrzeit`` is the time that both tell.
"""

import re
from collections.abc import Callable
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
JOINT = " + "
ABSENT = object()


def getter(path: str) -> Callable[[dict], Any]:
    """What gets the value at *path* from a record, `ABSENT` where there is none.

    A field that is called so itself comes first.

    >>> record = {"meta": {"site": "a"}, "values": [1.5, 2.5], "a.b": 7}
    >>> [getter(path)(record) for path in ("meta.site", "values[1]", "a.b")]
    ['a', 2.5, 7]
    """
    if JOINT in path:
        return _joined(path)
    if not is_nested(path):
        return lambda record: record.get(path, ABSENT)
    steps = [name or int(place) for name, place in _STEP.findall(path)]

    def get(record: dict) -> Any:
        if path in record:
            return record[path]
        value: Any = record
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return ABSENT
            if isinstance(value, str) and step is not steps[-1]:
                return ABSENT
        return value

    return get


def _joined(path: str) -> Callable[[dict], Any]:
    """What gets a day and its time of day as one text."""
    day, clock = map(getter, path.split(JOINT, 1))

    def get(record: dict) -> Any:
        if path in record:
            return record[path]
        found = day(record), clock(record)
        if ABSENT in found:
            return ABSENT
        return None if None in found or "" in found else moment_of(*found)

    return get


def moment_of(day: Any, clock: Any) -> str:
    """One text of a *day* and a time of day, both as spreadsheets and databases write them.

    >>> moment_of("2024-01-31 00:00:00", "1899-12-30 07:15:00"), moment_of(20240131, 930)
    ('2024-01-31 07:15:00', '20240131 09:30')
    """
    date = _MIDNIGHT.sub("", str(day).strip())
    time = str(clock).strip()
    if _DIGITS(time):  # 7, 0715 or 071500
        time = time.zfill(len(time) + len(time) % 2)
        time = ":".join(time[n : n + 2] for n in range(0, len(time), 2))
        time += ":00" * (":" not in time)
    return f"{date} {time.replace('T', ' ').rpartition(' ')[2] if time[4:5] == '-' else time}"


_MIDNIGHT = re.compile(r"[T ]0?0:00(:00(\.0+)?)?$")
_DIGITS = re.compile(r"\d{1,6}").fullmatch


def parts(path: str | None) -> list[str]:
    """The fields that *path* names; none without one."""
    return [] if path is None else path.split(JOINT, 1)


def is_nested(path: str) -> bool:
    """Whether *path* may lead into a field, or to two."""
    return "." in path or "[" in path or JOINT in path


def flatten(record: dict[str, Any], lists: list[str]) -> dict[str, Any]:
    """*record* with the fields of its objects under their paths; lists are put into *lists*.

    >>> left = []
    >>> flatten({"u": 1, "meta": {"site": "a", "at": {"x": 2}}, "v": [1]}, left), left
    ({'u': 1, 'meta.site': 'a', 'meta.at.x': 2}, ['v'])
    """
    flat: dict[str, Any] = {}
    todo = [("", record)]
    while todo:
        before, inside = todo.pop(0)
        for name, value in inside.items():
            path = f"{before}{name}"
            if type(value) is dict:
                todo.append((f"{path}.", value))
            elif type(value) is list:
                lists.append(path)
            else:
                flat.setdefault(path, value)
    return flat
