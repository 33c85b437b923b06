"""How much each member of a mixture, or each kind of expert, counted while records came."""

from collections.abc import Mapping
from typing import Any

from ..estimators.learned import all_series
from ..estimators.protocol import learner_of, member_weights
from ..forecasting.weights import expert_weights


class WeightCurves:
    """Weights over time, at most *capacity* looks: every second is dropped when there are more.

    ``records[i]`` had come when the weights were ``weights[name][i]``, 0 for a name not yet met.

    >>> curves = WeightCurves(capacity=4)
    >>> for n in range(1, 8):
    ...     curves.add(n, {"a": 1 / n, "b": 1 - 1 / n})
    >>> curves.records, [round(weight, 2) for weight in curves.weights["b"]]
    ([1, 3, 5, 7], [0.0, 0.67, 0.8, 0.86])
    >>> curves.describe()
    'weights: b 0.00 -> 0.86, a 1.00 -> 0.14'
    """

    def __init__(self, capacity: int = 256):
        self.capacity, self._every, self._looks = capacity, 1, 0
        self.records: list[int] = []
        self.weights: dict[str, list[float]] = {}

    def add(self, records: int, weights: Mapping[str, float]) -> None:
        """Take the *weights* after so many *records*; nothing if there are none."""
        if not weights:
            return
        self._looks += 1
        if (self._looks - 1) % self._every:
            return
        if len(self.records) == self.capacity:
            self.records = self.records[::2]
            self.weights = {name: one[::2] for name, one in self.weights.items()}
            self._every *= 2
            if (self._looks - 1) % self._every:
                return
        for name in weights.keys() - self.weights.keys():
            self.weights[name] = [0.0] * len(self.records)
        self.records.append(records)
        for name, one in self.weights.items():
            one.append(float(weights.get(name, 0.0)))

    def largest(self, count: int) -> list[str]:
        """The names that ever counted most, by what they count at the end."""
        every = sorted(self.weights, key=lambda name: (-max(self.weights[name]), name))[:count]
        return sorted(every, key=lambda name: (-self.weights[name][-1], name))

    def describe(self, count: int = 4) -> str:
        """In one line: of the largest, the first and the last weight; empty if there are none."""
        if not self.weights:
            return ""
        said = (
            f"{name} {self.weights[name][0]:.2f} -> {self.weights[name][-1]:.2f}"
            for name in self.largest(count)
        )
        return "weights: " + ", ".join(said)


def weights_of(estimator: Any) -> dict[str, float]:
    """The weights of members, or of the kinds of experts of the first series; none elsewhere."""
    inner = learner_of(estimator)
    if weights := member_weights(inner):
        return weights
    series = all_series(inner)
    return expert_weights(series[0][1]) if len(series) == 1 else {}
