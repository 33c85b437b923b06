"""Names in a configuration that no record has: a misspelt one has no effect, which is said."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import suggest

log = logging.getLogger(__name__)

LOOKED_AT = 1000  # records, before a name counts as one that does not come


class Names:
    """Watches the first records for fields that a configuration names.

    *named* says where: field of the configuration → names of fields of records.

    >>> names = Names({"features.exclude": ["Load_copy"], "run.copy": ["id"]})
    >>> names.look([{"id": 1, "load_copy": 2.0}])
    >>> names.unseen()
    ["features.exclude names 'Load_copy', which none of the first 1 records has; did you mean \
'load_copy'?"]
    """

    def __init__(self, named: Mapping[str, Iterable[str]]):
        self.named = {place: list(names) for place, names in named.items()}
        self._seen: set[str] = set()
        self._records = 0
        self.is_done = not any(self.named.values())

    def look(self, values: Iterable[Mapping[str, Any] | None]) -> None:
        """Take note of the fields of some records; warns once enough have come."""
        if self.is_done:
            return
        for value in values:
            if value is not None:
                self._records += 1
                self._seen.update(value)
        if self._records >= LOOKED_AT:
            self.finish()

    def finish(self) -> None:
        """No more records are looked at: warn of what was not seen."""
        if not self.is_done:
            self.is_done = True
            for line in self.unseen():
                log.warning("%s", line)

    def unseen(self) -> list[str]:
        """A sentence for each name that was not seen; none before there was a record."""
        if not self._records:
            return []
        return [
            f"{place} names {name!r}, which none of the first {self._records} records has; "
            f"{suggest(name, self._seen)}"
            for place, names in self.named.items()
            for name in names
            if name not in self._seen
        ]
