"""From a decoded record to what an estimator takes: features x (a dict) and target y.

>>> rows = Rows(target="y", exclude=["id"], lags={"y": [1, 2]})
>>> xs, ys = rows.transform([{"id": "a", "u": 0.5, "y": 1.0}, {"id": "b", "u": 0.7, "y": 2.0}])
>>> xs
[{'u': 0.5}, {'u': 0.7, 'y.lag1': 1.0}]
>>> ys
[1.0, 2.0]
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from connectors.lines.dicts import dicts_of
from connectors.lines.numbers import Numbers
from connectors.times import First

from ..errors import BadRecord
from ..keys.key import Key, as_keys
from .cells import PLAIN, Cells
from .clock import DAY_FIRST, Clock
from .flat import Flattener
from .lags import Lags
from .missing import Missing
from .paths import ABSENT, getter, is_nested, parts

Row = dict[str, Any]

_READY = frozenset((int, float, bool, type(None)))  # values that need no reading


class MissingTarget(BadRecord):
    """A record without its target field."""


class Rows:
    """Choose features and targets, and add lagged columns and calendar features.

    First comes what a field is for, then its type: features and numeric targets are read as
    numbers where they are numbers, keys and classes keep their text.  A field inside another
    is named by its path, ``meta.site`` or ``values[0]``; the fields of objects are features
    under their paths, lists are left out unless named.

    A target that is missing is not known: the estimator predicts it and advances.  A target
    field that is absent is a fault of the record, `MissingTarget`, unless
    ``missing_target="advance"``.  A lag that reaches back before the first record, or to
    a value that was missing, is left out.

    Args:
        target: the field to predict, or several, or None for a stream without labels.
        include: the fields that become features; all but targets and *exclude* if None.
        exclude: fields that never become features.
        lags: for a field (a target too), how many records back: ``{"load": [1, 24]}``.
        timestamp: the field that holds the time of the record, see `connectors.times`; of two
            fields, a day and a time of day, ``"day + time"``.
        calendar: features of that time.
        missing_target: ``"refuse"`` or ``"advance"``.
        key: the field that says whose a record is; lags look back among its records only.
            It goes to the estimator as it is.  A record without it is a `BadRecord`.
        missing: which values are missing; `MARKERS` by default.
        day_first: what 01/02/2024 is, "year" for 24-01-02; found in the times before if None.
        keep_time: the estimator takes the time itself, as a `datetime` in its field.
        categorical: fields whose numbers are names: their text is kept.
    """

    classes = False  # the target is a class: its text is kept
    verbatim = False  # features keep their text: the estimator reads it

    def __init__(
        self,
        target: str | Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        lags: Mapping[str, Sequence[int]] | None = None,
        timestamp: str | None = None,
        calendar: Callable[[Any], Row] | None = None,
        missing_target: str = "refuse",
        key: str | None = None,
        *,
        missing: Missing | None = None,
        day_first: First = None,
        keep_time: bool = False,
        categorical: Sequence[str] = (),
    ):
        self.target = target
        self.targets = [target] if isinstance(target, str) else list(target or ())
        self.include = None if include is None else list(include)
        times = parts(timestamp)
        self.dropped = sorted({*exclude, *self.targets, *times})
        #: The fields that settings name, by setting; that of the target is looked for elsewhere.
        self.named = {
            "features.include": list(include or ()),
            "features.exclude": list(exclude),
            "features.lags": list(lags or ()),
            "features.timestamp": times,
            "features.categorical": list(categorical),
        }
        self.timestamp = timestamp
        self.missing_target, self.key = missing_target, key
        self.cells, self.categorical = Cells(missing or Missing()), frozenset(categorical)
        self.clock: Clock | None = None
        if timestamp is not None and (calendar is not None or keep_time):
            missing = self.cells.missing
            self.clock = Clock(timestamp, calendar, keep_time, missing, day_first)
        self.lags = Lags(lags or {}, self.cells)
        names = {
            *self.targets,
            *(include or ()),
            *self.lags.steps,
            *([timestamp] if timestamp else []),
        }
        self._get = {name: getter(name) for name in (*names, *([key] if key else []))}
        self._flatten = Flattener(self.dropped, all_fields=include is None)
        self._columns: tuple[tuple, tuple[str, ...]] = ((), ())  # of a header, its features

    def transform(
        self, values: Sequence[Row], numbers: Numbers | None = None
    ) -> tuple[list[Row], list[Any]]:
        """Features and targets of *values*; nothing changes until `commit`.

        *numbers* says how numbers are written where all cells are text.  Raises `BadRecord`.
        """
        keys = None if self.key is None else as_keys(self._field(self.key, values), self.key)
        ys = self._targets(values, numbers)
        if numbers is None or self.verbatim:
            xs = self._features(values)
        else:
            xs = self._features_of_cells(values, numbers)
        if self.clock is not None:
            self.clock.add(xs, self._field(self.clock.field, values))
        if self.lags.steps:
            owners: list[Key | None] = [None] * len(values) if keys is None else [*keys]
            columns = {field: self._field(field, values) for field in self.lags.steps}
            self.lags.add(xs, columns, owners, numbers or PLAIN)
        if keys is not None:
            for x, key in zip(xs, keys, strict=True):
                x[self.key] = key  # type: ignore[index]
        return xs, ys

    def faults(self, values: Sequence[Row], numbers: Numbers | None = None) -> dict[int, BadRecord]:
        """What `transform` would refuse of *values*, one after the other; nothing changes."""
        found: dict[int, BadRecord] = {}
        before = {} if self.clock is None else self.clock.snapshot()
        for index in range(len(values)):
            try:
                self.transform(values[index : index + 1], numbers)
                if self.clock is not None:
                    self.clock.commit()
            except BadRecord as bad:
                bad.index = index
                found[index] = bad
        if self.clock is not None:
            self.clock.restore({DAY_FIRST: None} | before)
        return found

    def commit(self) -> None:
        """The records of the last `transform` are past."""
        self.lags.commit()
        if self.clock is not None:
            self.clock.commit()

    def _field(self, name: str, values: Sequence[Row]) -> list[Any]:
        """What stands in a field, None where it is absent."""
        if not is_nested(name):
            return [value.get(name) for value in values]
        get = self._get[name]
        return [None if (v := get(value)) is ABSENT else v for value in values]

    # Features -----------------------------------------------------------------------------

    def _features(self, values: Sequence[Row]) -> list[Row]:
        """Those of records whose values have types of their own."""
        if self.include is None:
            xs = list(map(dict.copy, values))
            for name in self.dropped:
                for x in xs:
                    x.pop(name, None)
        else:
            get = self._get
            xs = [
                {k: v for k in self.include if (v := get[k](value)) is not ABSENT}
                for value in values
            ]
        kinds = set(map(type, chain.from_iterable(map(dict.values, xs))))
        if self.verbatim or (kinds <= _READY and not self.cells.missing.sentinels):
            return xs
        if dict in kinds or list in kinds:
            xs = [self._flatten(x) for x in xs]
        read, kept, missing = self.cells.value, self.categorical, self.cells.missing
        if kept:
            return [
                {n: (None if missing(v) else v) if n in kept else read(v) for n, v in x.items()}
                for x in xs
            ]
        return [{name: read(value) for name, value in x.items()} for x in xs]

    def _features_of_cells(self, values: Sequence[Row], numbers: Numbers) -> list[Row]:
        """Those of records of text, column by column."""
        if not values:
            return []
        header = tuple(values[0])
        if header != self._columns[0]:
            self._columns = header, self._chosen(header)
        names = self._columns[1]
        if not names:
            return [{} for _ in values]
        try:
            picked = list(map(itemgetter(*names), values))
        except KeyError:  # files with other columns
            picked = None
        if picked is None or set(map(len, values)) != {len(header)}:
            return [
                {name: self._cell(name, v[name], numbers) for name in self._chosen(tuple(v))}
                for v in values
            ]
        columns = [picked] if len(names) == 1 else zip(*picked)
        kept, missing = self.categorical, self.cells.missing
        read = [
            [None if missing.text(cell) else cell for cell in column]
            if name in kept
            else self.cells.column(column, numbers)
            for name, column in zip(names, columns, strict=True)
        ]
        return dicts_of(names)(zip(*read))  # type: ignore[arg-type]

    def _cell(self, name: str, cell: str, numbers: Numbers) -> Any:
        if name in self.categorical:
            return None if self.cells.missing.text(cell) else cell
        return self.cells.value(cell, numbers)

    def _chosen(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that are features."""
        if self.include is not None:
            return tuple(name for name in self.include if name in header)
        dropped = set(self.dropped)
        return tuple(name for name in header if name not in dropped)

    # Targets ------------------------------------------------------------------------------

    def _targets(self, values: Sequence[Row], numbers: Numbers | None) -> list[Any]:
        if self.missing_target == "refuse":
            self._refuse_missing(values)
        return self.labels(values, numbers)

    def labels(self, values: Sequence[Row], numbers: Numbers | None = None) -> list[Any]:
        """The targets of *values*, None where there is none."""
        if self.target is None:
            return [None] * len(values)
        columns = [self._labels_of(name, values, numbers) for name in self.targets]
        if isinstance(self.target, str):
            return columns[0]
        return [dict(zip(self.targets, row)) for row in zip(*columns)]

    def _labels_of(self, name: str, values: Sequence[Row], numbers: Numbers | None) -> list[Any]:
        column = self._field(name, values)
        if self.classes:
            missing = self.cells.missing
            return [None if missing(value) else value for value in column]
        kinds = set(map(type, column))
        if kinds == {str}:
            return self.cells.column(column, numbers or PLAIN)
        if kinds <= _READY and not self.cells.missing.sentinels:
            return column
        return [self.cells.value(value, numbers or PLAIN) for value in column]

    def is_unlabelled(self, value: Row) -> bool:
        """Whether no target of a record is known."""
        missing = self.cells.missing
        found = [self._get[name](value) for name in self.targets]
        return all([y is ABSENT or missing(y) for y in found])  # noqa: C419

    def _refuse_missing(self, values: Sequence[Row]) -> None:
        for name in self.targets:
            if all([name in value for value in values]):  # noqa: C419  a list is faster
                continue
            get = self._get[name]
            for index, value in enumerate(values):
                if get(value) is ABSENT:
                    raise MissingTarget(f"the target field {name!r} is missing", index)

    def snapshot(self) -> dict[str, Any]:
        """The lags' history, JSON-able; empty with a key: that of a key is in its context."""
        found = {} if self.clock is None else self.clock.snapshot()
        return found | self.lags.snapshot(alone=self.key is None)

    def restore(self, state: Mapping[str, Any]) -> None:
        if self.clock is not None:
            self.clock.restore(state)
        self.lags.restore(state, alone=self.key is None)
