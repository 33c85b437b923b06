"""Written targets: how many are right, and how many edits the others need."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from .comparison import ErrorCurve
from .scores import Score


def edits(a: Sequence[Any], b: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions between two sequences (Levenshtein).

    >>> edits("kitten", "sitting")
    3
    """
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


class UsualSymbol:
    """Each source symbol's most frequent target symbol, where both sides are equally long.

    >>> usual = UsualSymbol()
    >>> usual.learn("ab", "AB")
    >>> usual.predict("bac")
    ['B', 'A']
    """

    name = "usual symbol of a symbol"

    def __init__(self) -> None:
        self._counts: dict[Any, Counter] = defaultdict(Counter)

    def predict(self, source: Sequence[Any]) -> list[Any]:
        """A symbol for each one that is known."""
        known = (self._counts.get(symbol) for symbol in source)
        return [counts.most_common(1)[0][0] for counts in known if counts]

    def learn(self, source: Sequence[Any], target: Sequence[Any]) -> None:
        """Count the symbols of a pair."""
        if len(source) == len(target):
            for a, b in zip(source, target, strict=True):
                self._counts[a][b] += 1


class TargetScorer:
    """Share of targets that are right, and edits for each symbol of the true ones."""

    def __init__(self, name: str):
        self.name = name
        self._count = self._right = self._edits = self._symbols = 0

    def update(self, truth: Sequence[Any], made: Sequence[Any]) -> float:
        """Count a target; its edits a symbol."""
        wrong = edits(list(truth), list(made))
        self._count += 1
        self._right += wrong == 0
        self._edits += wrong
        self._symbols += len(truth)
        return wrong / max(1, len(truth))

    def score(self) -> Score:
        """The share of targets that were right in all, and edits a symbol."""
        accuracy = self._right / max(1, self._count)
        errors = self._edits / max(1, self._symbols)
        return Score(self.name, {"accuracy": accuracy, "edits/symbol": errors})


class TargetJudge:
    """Scores a transducer beside the usual symbol of a symbol; rows have the *field* of sources.

    >>> judge = TargetJudge("model", "source")
    >>> for _ in range(2):
    ...     judge.update({"source": "ab", "target": "AB", "prediction": "AC"})
    >>> [(scorer.name, scorer.score().values["edits/symbol"]) for scorer in judge.scorers]
    [('model', 0.5), ('usual symbol of a symbol', 0.5)]
    """

    task = "sequences for sequences"

    def __init__(self, name: str, field: str):
        self.count, self._usual, self._field = 0, UsualSymbol(), field
        self.scorers = [TargetScorer(name), TargetScorer(self._usual.name)]
        self.curves = [ErrorCurve() for _ in self.scorers]

    def update(self, row: dict[str, Any], answers: Any = None) -> None:
        """Score both on a row; then the usual symbols are counted."""
        source, truth = row[self._field], row["target"]
        made = row["prediction"] or (), self._usual.predict(source)
        for scorer, curve, target in zip(self.scorers, self.curves, made, strict=True):
            curve.add(scorer.update(truth, target))
        self._usual.learn(source, truth)
        self.count += 1

    def rivals(self) -> list[Score]:
        """None."""
        return []
