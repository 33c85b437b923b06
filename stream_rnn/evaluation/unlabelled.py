"""Judges of what has no target to be compared with: anomaly scores, and text."""

from array import array
from typing import Any

import numpy as np

from ..features.missing import is_missing
from .comparison import ErrorCurve
from .scores import Score

NORMAL = frozenset(("0", "false", "no", "normal", "n", "ok", "negative"))


class AnomalyJudge:
    """Counts alarms; where records are labelled, says how well they are told apart.

    A label is an anomaly unless it is 0, false, or text such as "normal".  Anomalies that follow
    each other are one, which is found if there is an alarm within it.

    >>> judge = AnomalyJudge("model")
    >>> for score, label in ((0.1, 0), (0.2, 0), (3.0, 1), (0.3, 0)):
    ...     judge.update({"score": score, "alarm": score > 2, "target": label})
    >>> found = judge.scorers[0].score().values
    >>> found["ROC AUC"], found["found"], found["of"], found["false alarms"]
    (1.0, 1.0, 1.0, 0.0)
    """

    task = "anomaly detection"

    def __init__(self, name: str):
        self.name, self.count, self.alarms = name, 0, 0
        self.curves, self.scorers = [ErrorCurve()], [self]
        self._scores, self._labels, self._alarms = array("d"), array("b"), array("b")

    def update(self, row: dict[str, Any], answers: Any = None) -> None:
        """Take the next result."""
        self.count += 1
        self.alarms += bool(row["alarm"])
        self.curves[0].add(row["score"])
        label = row.get("target")
        if not is_missing(label):
            self._scores.append(row["score"])
            self._labels.append(str(label).strip().casefold() not in NORMAL and label != 0)
            self._alarms.append(bool(row["alarm"]))

    def score(self) -> Score:
        """Alarms, their share, and the area under the curve of the labelled ones."""
        values = {
            "alarms": float(self.alarms),
            "alarms/1000": 1000 * self.alarms / max(1, self.count),
        }
        labels = np.array(self._labels, bool)
        if labels.any() and not labels.all():
            values["ROC AUC"] = area(np.array(self._scores), labels)
        if labels.any():
            alarms = np.array(self._alarms, bool)
            values |= {"found": float(found(labels, alarms)), "of": float(len(runs(labels)))}
            values["false alarms"] = float((alarms & ~labels).sum())
        return Score(self.name, values)

    def rivals(self) -> list[Score]:
        """None."""
        return []


class TextJudge:
    """Bits per symbol of lines of text.

    >>> judge = TextJudge("model")
    >>> judge.update({"bits": 12.0, "bits_per_symbol": 3.0})
    >>> judge.update({"bits": 4.0, "bits_per_symbol": 1.0})
    >>> judge.scorers[0].score().values
    {'bits/symbol': 2.0, 'bits/symbol of the last half': 1.0}
    """

    task = "text prediction"

    def __init__(self, name: str):
        self.name, self.count = name, 0
        self.curves, self.scorers = [ErrorCurve()], [self]
        self._bits, self._symbols = array("d"), array("d")

    def update(self, row: dict[str, Any], answers: Any = None) -> None:
        """Take the next result."""
        self.count += 1
        self.curves[0].add(row["bits_per_symbol"])
        self._bits.append(row["bits"])
        self._symbols.append(row["bits"] / row["bits_per_symbol"] if row["bits"] else 0.0)

    def score(self) -> Score:
        """Bits per symbol of all, and of the lines after half of them."""
        bits, symbols = np.array(self._bits), np.array(self._symbols)
        half = len(bits) // 2
        return Score(
            self.name,
            {
                "bits/symbol": float(bits.sum() / max(1.0, symbols.sum())),
                "bits/symbol of the last half": float(
                    bits[half:].sum() / max(1.0, symbols[half:].sum())
                ),
            },
        )

    def rivals(self) -> list[Score]:
        """None."""
        return []


def runs(labels: np.ndarray) -> np.ndarray:
    """(n, 2): the first of each run of True in *labels* (T,), and the first after it.

    >>> runs(np.array([False, True, True, False, True])).tolist()
    [[1, 3], [4, 5]]
    """
    padded = np.concatenate(([False], labels, [False])).astype(np.int8)
    return np.flatnonzero(np.diff(padded)).reshape(-1, 2)


def found(labels: np.ndarray, alarms: np.ndarray) -> int:
    """How many runs of *labels* have an alarm within them."""
    return sum(bool(alarms[first:end].any()) for first, end in runs(labels))


def area(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve: how often an anomaly (T,) scores higher than another record.

    >>> area(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True]))
    0.875
    """
    order, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]  # the mean rank of equal scores
    positive = int(labels.sum())
    above = ranks[labels].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(order[inverse]) - positive)))
