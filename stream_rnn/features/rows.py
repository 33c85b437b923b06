"""From a decoded record to what an estimator takes: features x (a dict) and target y.

>>> rows = Rows(target="y", exclude=["id"], lags={"y": [1, 2]})
>>> xs, ys = rows.transform([{"id": "a", "u": 0.5, "y": 1.0}, {"id": "b", "u": 0.7, "y": 2.0}])
>>> xs
[{'u': 0.5}, {'u': 0.7, 'y.lag1': 1.0}]
>>> ys
[1.0, 2.0]
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

from ..errors import BadRecord, faults
from ..keys.key import Key, keys_of

Row = dict[str, Any]


class MissingTarget(BadRecord):
    """A record without its target field."""


class Histories(Protocol):
    """The values of each lagged field, newest first, by key."""

    def get(self, key: Any) -> dict[str, list] | None: ...

    def __setitem__(self, key: Any, past: dict[str, list]) -> None: ...


class Rows:
    """Choose features and targets, and add lagged columns and calendar features.

    A target that is null is not known: the estimator predicts it and advances.  A target
    field that is absent is a fault of the record, `MissingTarget`, unless
    ``missing_target="advance"``.  A lag that reaches back before the first record, or to
    a value that was missing or no number, is left out.

    Args:
        target: the field to predict, or several, or None for a stream without labels.
        include: the fields that become features; all but targets and *exclude* if None.
        exclude: fields that never become features.
        lags: for a field (a target too), how many records back: ``{"load": [1, 24]}``.
        timestamp: the field that holds the time of the record.
        calendar: features of that time, as a function of the field's value.
        missing_target: ``"refuse"`` or ``"advance"``.
        key: the field that says whose a record is; lags look back among its records only.
            It goes to the estimator as it is.  A record without it is a `BadRecord`.
    """

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
    ):
        self.target = target
        self.targets = [target] if isinstance(target, str) else list(target or ())
        self.include = None if include is None else list(include)
        self.dropped = sorted({*exclude, *self.targets, *([timestamp] if timestamp else [])})
        self.lags = {field: sorted(set(steps)) for field, steps in (lags or {}).items()}
        self.timestamp, self.calendar = timestamp, calendar
        self.missing_target, self.key = missing_target, key
        # The past of each key, newest first; of None if there are no keys.
        self.histories: Histories = {}
        self._ahead: dict[Key | None, dict[str, deque]] = {}  # after the last `transform`

    def transform(self, values: Sequence[Row]) -> tuple[list[Row], list[Any]]:
        """Features and targets of *values*; nothing changes until `commit`.

        Raises `BadRecord`.
        """
        keys = None if self.key is None else keys_of(values, self.key)
        ys = self._targets(values)
        if self.include is None:
            xs = list(map(dict.copy, values))
            for name in self.dropped:
                for x in xs:
                    x.pop(name, None)
        else:
            xs = [{k: value[k] for k in self.include if k in value} for value in values]
        if self.calendar is not None:
            self._add_calendar(xs, values)
        if self.lags:
            owners = [None] * len(values) if keys is None else keys
            self._ahead = {key: self._history(key) for key in dict.fromkeys(owners)}
            pasts = [self._ahead[key] for key in owners]
            for field in self.lags:
                self._add_lags(field, xs, values, pasts)
        if keys is not None:
            for x, key in zip(xs, keys, strict=True):
                x[self.key] = key  # type: ignore[index]
        return xs, ys

    def faults(self, values: Sequence[Row]) -> dict[int, BadRecord]:
        """What `transform` would refuse of *values*; nothing changes."""
        return faults(lambda t: self.transform(values[t : t + 1]), len(values))

    def commit(self) -> None:
        """The records of the last `transform` are past."""
        for key, past in self._ahead.items():
            self.histories[key] = {field: list(values) for field, values in past.items()}
        self._ahead = {}

    def _history(self, key: Key | None) -> dict[str, deque]:
        """A copy of a key's past."""
        past = self.histories.get(key) or {}
        return {
            field: deque(past.get(field, ()), maxlen=steps[-1])
            for field, steps in self.lags.items()
        }

    def _targets(self, values: Sequence[Row]) -> list[Any]:
        if self.missing_target == "refuse":
            self._refuse_missing(values)
        return self.labels(values)

    def labels(self, values: Sequence[Row]) -> list[Any]:
        """The targets of *values*, None where there is none."""
        if isinstance(self.target, str):
            name = self.target
            return [value.get(name) for value in values]
        if self.target is None:
            return [None] * len(values)
        return [{name: value.get(name) for name in self.targets} for value in values]

    def _refuse_missing(self, values: Sequence[Row]) -> None:
        for name in self.targets:
            if not all([name in value for value in values]):  # noqa: C419  a list is faster
                break
        else:
            return
        for index, value in enumerate(values):
            for name in self.targets:
                if name not in value:
                    raise MissingTarget(f"the target field {name!r} is missing", index)

    def _add_calendar(self, xs: list[Row], values: Sequence[Row]) -> None:
        for index, (x, value) in enumerate(zip(xs, values, strict=True)):
            try:
                x.update(self.calendar(value.get(self.timestamp)))  # type: ignore[misc, arg-type]
            except (ValueError, TypeError, OverflowError) as error:
                raise BadRecord(f"timestamp field {self.timestamp!r}: {error}", index) from None

    def _add_lags(self, field: str, xs: list[Row], values: Sequence[Row], pasts: list) -> None:
        steps = [(step, f"{field}.lag{step}") for step in self.lags[field]]
        for x, value, fields in zip(xs, values, pasts, strict=True):
            past = fields[field]
            for step, name in steps:
                if step > len(past):
                    break
                if past[step - 1] is not None:
                    x[name] = past[step - 1]
            past.appendleft(_lasting(value.get(field)))

    def snapshot(self) -> dict[str, Any]:
        """The lags' history, JSON-able; empty with a key: that of a key is in its context."""
        return {} if self.key is not None else dict(self.histories.get(None) or {})

    def restore(self, state: Mapping[str, Any]) -> None:
        if self.key is None:
            self.histories[None] = {
                field: list(map(_lasting, state.get(field, ()))) for field in self.lags
            }


def _lasting(value: Any) -> Any:
    """What a lag keeps of *value*: a finite number, or None.

    A record is judged by what it holds itself, never by what one before it held.
    """
    if type(value) is float:  # the common case
        return value if isfinite(value) else None
    try:
        return value if isfinite(float(value)) and not isinstance(value, str) else None
    except (TypeError, ValueError, OverflowError):
        return None
