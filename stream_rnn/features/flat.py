"""Records without objects and lists: the fields of objects are features under their paths."""

import logging
from collections.abc import Sequence
from typing import Any

from .paths import flatten, is_nested

log = logging.getLogger(__name__)


class Flattener:
    """Makes records flat, without what is *dropped*; lists are left out, which is said once.

    >>> Flattener(["meta.site"], all_fields=True)({"u": 1, "meta": {"site": "a", "x": 2}})
    {'u': 1, 'meta.x': 2}
    """

    def __init__(self, dropped: Sequence[str], all_fields: bool):
        self._dropped, self._all = dropped, all_fields
        self._inner = tuple(name for name in dropped if is_nested(name))
        self._told: set[str] = set()

    def __call__(self, x: dict[str, Any]) -> dict[str, Any]:
        lists: list[str] = []
        x = flatten(x, lists)
        for name in self._inner:
            x.pop(name, None)
        if self._all:
            for name in self._dropped:  # an object that was left out as a whole is not here
                for path in [path for path in x if path.startswith(f"{name}.")]:
                    del x[path]
        if new := [n for n in lists if n not in self._told and n not in self._dropped]:
            self._told.update(new)
            log.warning(
                "lists are left out: %s; name what is to be a feature in features.include, "
                "such as %r",
                ", ".join(new),
                f"{new[0]}[0]",
            )
        return x
