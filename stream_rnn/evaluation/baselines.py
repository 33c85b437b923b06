"""What a model must beat: forecasts that need no learning.

Each baseline has `predict` (a value, or class probabilities) and `learn`, called in that
order for every target, as for a model.
"""

from collections import Counter, deque
from typing import Any, Protocol


class Baseline(Protocol):
    """Predicts the next target from the targets alone."""

    name: str

    def predict(self) -> Any:
        """A number; of a classification baseline, the probability of each class seen."""

    def learn(self, y: Any) -> None:
        """Take the target that came."""


class LastValue:
    """The target before: ŷ(t) = y(t-1).

    With *horizon* h the forecast is made h records ahead: ŷ(t) = y(t-h).

    >>> baseline = LastValue()
    >>> baseline.predict()
    0.0
    >>> baseline.learn(3.0)
    >>> baseline.predict()
    3.0
    """

    name = "last value"

    def __init__(self, horizon: int = 1):
        if horizon < 1:
            raise ValueError(f"horizon={horizon} must be a number of records, 1 or more")
        self._past: deque[float] = deque(maxlen=horizon)

    def predict(self) -> float:
        """The oldest target kept; 0.0 before there is one."""
        return self._past[0] if self._past else 0.0

    def learn(self, y: float) -> None:
        self._past.append(y)


class SeasonalLastValue(LastValue):
    """The target one period before: ŷ(t) = y(t-period), for a series with a season.

    >>> baseline = SeasonalLastValue(period=2)
    >>> for y in (1.0, 5.0, 1.1):
    ...     baseline.learn(y)
    >>> baseline.predict()
    5.0
    """

    def __init__(self, period: int):
        super().__init__(period)
        self.name = f"value {period} before"


class RunningMean:
    """The mean of all targets so far.

    >>> baseline = RunningMean()
    >>> for y in (1.0, 2.0, 6.0):
    ...     baseline.learn(y)
    >>> baseline.predict()
    3.0
    """

    name = "running mean"

    def __init__(self) -> None:
        self._count, self._mean = 0, 0.0

    def predict(self) -> float:
        """The mean; 0.0 before there is a target."""
        return self._mean

    def learn(self, y: float) -> None:
        self._count += 1
        self._mean += (y - self._mean) / self._count


class LastClass:
    """The class before, as likely as classes have repeated so far, and the likeliest of all.

    >>> baseline = LastClass()
    >>> for y in ("up", "up", "up", "down"):
    ...     baseline.learn(y)
    >>> baseline.predict()
    {'up': 0.4, 'down': 0.6}
    """

    name = "last class"

    def __init__(self) -> None:
        self._classes: dict[Any, None] = {}
        self._last: Any = None
        self._same, self._changed = 1.0, 1.0

    def predict(self) -> dict[Any, float]:
        """The last class with the share of records that repeated theirs, else even."""
        others = len(self._classes) - 1
        if others < 1:
            return dict.fromkeys(self._classes, 1.0)
        stay = max(self._same / (self._same + self._changed), 1.000001 / (others + 1))
        return {c: stay if c == self._last else (1.0 - stay) / others for c in self._classes}

    def learn(self, y: Any) -> None:
        """Take the class *y* in."""
        if self._classes:
            if y == self._last:
                self._same += 1.0
            else:
                self._changed += 1.0
        self._classes[y] = None
        self._last = y


class Majority:
    """Each class with its share of the targets so far; so the most frequent one is predicted.

    >>> baseline = Majority()
    >>> for y in ("up", "up", "down", "up"):
    ...     baseline.learn(y)
    >>> baseline.predict()
    {'up': 0.75, 'down': 0.25}
    """

    name = "majority class"

    def __init__(self) -> None:
        self._counts: Counter = Counter()

    def predict(self) -> dict[Any, float]:
        """The share of each class; empty before there is a target."""
        total = self._counts.total()
        return {c: count / total for c, count in self._counts.items()}

    def learn(self, y: Any) -> None:
        self._counts[y] += 1


class PerTarget:
    """A baseline for several targets: one of its kind for each name.

    >>> baseline = PerTarget(LastValue)
    >>> baseline.learn({"a": 1.0, "b": 2.0})
    >>> baseline.predict()
    {'a': 1.0, 'b': 2.0}
    """

    def __init__(self, kind: type[LastValue] | type[RunningMean]):
        self._kind, self.name = kind, kind.name
        self._parts: dict[str, Any] = {}

    def predict(self) -> dict[str, float]:
        """The prediction of each target seen so far."""
        return {name: part.predict() for name, part in self._parts.items()}

    def learn(self, y: dict[str, float]) -> None:
        """Take the targets *y*, by name, in."""
        for name, value in y.items():
            if value is None or value != value:
                continue
            self._parts.setdefault(name, self._kind()).learn(value)
