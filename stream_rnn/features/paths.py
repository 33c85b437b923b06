"""Fields inside fields by their paths: ``meta.site``, ``values[0]``."""

import re
from collections.abc import Callable
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
ABSENT = object()


def getter(path: str) -> Callable[[dict], Any]:
    """What gets the value at *path* from a record, `ABSENT` where there is none.

    A field that is called so itself comes first.

    >>> record = {"meta": {"site": "a"}, "values": [1.5, 2.5], "a.b": 7}
    >>> [getter(path)(record) for path in ("meta.site", "values[1]", "a.b")]
    ['a', 2.5, 7]
    """
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


def is_nested(path: str) -> bool:
    """Whether *path* may lead into a field."""
    return "." in path or "[" in path


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
