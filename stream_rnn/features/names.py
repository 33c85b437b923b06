"""Names in settings that no record has: said once, after the first records."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import suggest
from .paths import ABSENT, flatten, getter

FIRST = 20  # records in which a field must be seen


class NameCheck:
    """Looks for the fields that settings name.

    >>> check = NameCheck({"features.exclude": ["Load_copy"], "run.copy": ["id"]})
    >>> check.look([{"load_copy": 1, "id": n} for n in range(FIRST)])
    ["features.exclude: none of the first 20 records has a field 'Load_copy'; did you mean \
'load_copy'?"]
    >>> check.look([{"id": 0}])
    []
    """

    def __init__(self, settings: Mapping[str, Sequence[str]]):
        self._wanted = {
            (setting, name): getter(name) for setting, names in settings.items() for name in names
        }
        self._seen: set[str] = set()
        self._count = 0

    def look(self, values: Sequence[dict[str, Any]]) -> list[str]:
        """What to say after these records, once."""
        if not self._wanted:
            return []
        for value in values:
            self._seen.update(flatten(value, []))
            for place in [p for p, get in self._wanted.items() if get(value) is not ABSENT]:
                del self._wanted[place]
        self._count += len(values)
        if self._count < FIRST:
            return []
        said = [
            f"{setting}: none of the first {self._count} records has a field {name!r}; "
            f"{suggest(name, self._seen)}"
            for setting, name in self._wanted
        ]
        self._wanted = {}
        return said
