"""The names of features and of classes so far, of which there may be only so many.

Each name is a column of the network, each class an output; both stay for good.  A producer that
writes an identifier into a field's name would fill the memory, one name a record.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..errors import BadRecord
from ..features.missing import is_missing
from ..features.saved_names import as_name, saved
from .bounds import Bound

THEN = "records with new ones are refused"


class TooManyNames(BadRecord):
    """A record with a feature or a class that is new while there are as many as may be."""


class Met:
    """Names met, and at most how many of them.

    >>> met = Met(2, 10)
    >>> met.look([{"a": 1}, {"a": 2, "b": 1}, {"c": 3}, {"b": 4}], [1, 2, 3, 4])
    {2: TooManyNames("feature 'c' is new, and there are features.max_features = 2 already")}
    """

    def __init__(self, features: int, classes: int):
        self.limits = {
            "features": Bound("features", features, "features.max_features", THEN),
            "classes": Bound("classes", classes, "features.max_classes", THEN),
        }
        self.has_classes = False  # whether the targets are classes
        self._known: dict[str, set[Hashable]] = {"features": set(), "classes": set()}
        self._ahead = self._known

    def look(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """The records with names beyond a limit, each after those before it; see `commit`."""
        self._ahead = self._known
        if self._has_nothing_new(xs, ys):
            return {}
        found: dict[int, BadRecord] = {}
        ahead = dict(self._known)
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            news = {}
            if not ahead["features"].issuperset(x):
                news["features"] = x.keys() - ahead["features"]
            if self.has_classes and not is_missing(y) and y not in ahead["classes"]:
                news["classes"] = {y}
            bad = next((fault for kind in news if (fault := self._fault(kind, news, ahead))), None)
            if bad is not None:
                bad.index, found[t] = t, bad
                continue
            for kind, names in news.items():
                ahead[kind] = ahead[kind] | names
        self._ahead = ahead
        return found

    def _has_nothing_new(self, xs: Sequence[dict], ys: Sequence[Any]) -> bool:
        """Whether that is plain at once, as in almost every batch: a tenth of a look at each."""
        if not all(map(self._known["features"].issuperset, xs)):
            return False
        return not self.has_classes or self._known["classes"].issuperset(ys)

    def _fault(self, kind: str, news: Mapping[str, set], ahead: Mapping[str, set]) -> Any:
        bound = self.limits[kind]
        if len(ahead[kind]) + len(news[kind]) <= bound.limit:
            return None
        first, what = min(news[kind], key=repr), "feature" if kind == "features" else "class"
        return TooManyNames(
            f"{what} {first!r} is new, and there are {bound.setting} = {bound.limit} already"
        )

    def take(self, y: Any) -> None:
        """Take in the class of a label that came later; raises `TooManyNames`."""
        if not self.has_classes or is_missing(y) or y in self._known["classes"]:
            return
        fault = self._fault("classes", {"classes": {y}}, self._known)
        if fault is not None:
            raise fault
        self._known = {**self._known, "classes": self._known["classes"] | {y}}

    def commit(self) -> None:
        """The records of the last `look` were learned."""
        self._known = self._ahead

    def used(self) -> dict[str, float]:
        """The share that is taken of each limit; near it the log is told."""
        kinds = self.limits if self.has_classes else ("features",)
        return {kind: self.limits[kind].look(len(self._known[kind])) for kind in kinds}

    def snapshot(self) -> dict[str, list]:
        """The names, JSON-able."""
        return {kind: saved(sorted(names, key=repr)) for kind, names in self._known.items()}

    def restore(self, names: Mapping[str, list]) -> None:
        """Take over what `snapshot` gave."""
        self._known = {kind: set(map(as_name, names.get(kind, ()))) for kind in self._known}
        self._ahead = self._known
