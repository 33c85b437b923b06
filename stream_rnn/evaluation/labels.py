"""Labelled sentences: from a file with a token a line to records, and who is compared on them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from connectors.base import Record, Source

from .comparison import ErrorCurve
from .scores import Score
from .sequence_metrics import EntityF1, TokenAccuracy

WORD, LABEL = "word", "label"


class TokenLines:
    """A source of sentences, of one whose records are lines: ``{"tokens": […], "labels": […]}``.

    A line is a token, its columns apart by tabs, or by spaces where it has no tab; an empty line
    ends a sentence, and one that begins with ``#`` is none.

    >>> from connectors.memory import MemorySource
    >>> lines = ["# a remark", "in\\tO", "Rome\\tB-LOC", "", "so\\tO"]
    >>> source = TokenLines(MemorySource([{"text": line} for line in lines]), ("word", "label"))
    >>> [record.value for record in source.next_batch(9, 1.0)]
    [{'tokens': ['in', 'Rome'], 'labels': ['O', 'B-LOC']}, {'tokens': ['so'], 'labels': ['O']}]
    """

    def __init__(self, lines: Source, columns: Sequence[str], label: str = LABEL):
        self.lines = lines
        self._places = columns.index(WORD), columns.index(label)
        self._sentences = self._read()
        self.finished = False

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """The next sentences."""
        made = []
        for record in self._sentences:
            made.append(record)
            if len(made) == max_records:
                return made
        self.finished = True
        return made

    def _read(self) -> Iterator[Record]:
        pairs: list[tuple[str, str]] = []
        number = 0
        while not self.lines.finished:
            for line in self.lines.next_batch(1000, 1.0):
                text = "" if line.value is None else line.value["text"]
                if text.startswith("#"):
                    continue
                if text.strip():
                    parts = split(text)
                    pairs.append(tuple(parts[p] if p < len(parts) else "" for p in self._places))  # type: ignore[arg-type]
                elif pairs:
                    yield _sentence(pairs, number)
                    pairs, number = [], number + 1
        if pairs:
            yield _sentence(pairs, number)

    def fraction(self) -> float | None:
        """Which part has been read, where that is known."""
        return self.lines.fraction() if hasattr(self.lines, "fraction") else None

    def snapshot(self) -> Any:
        """Of the lines; sentences are not resumed."""
        return self.lines.snapshot()

    def restore(self, position: Any) -> None:
        """Go on at a position of the lines."""
        self.lines.restore(position)

    def close(self) -> None:
        """Close the lines."""
        self.lines.close()


def split(line: str) -> list[str]:
    """The columns of a line."""
    return line.split("\t") if "\t" in line else line.split()


def _sentence(pairs: Sequence[tuple[str, str]], number: int) -> Record:
    value = {"tokens": [word for word, _ in pairs], "labels": [label for _, label in pairs]}
    error = None
    if not all(label for _, label in pairs):
        error = f"sentence {number + 1}: a token has no label"
    return Record(None if error else value, msgspec.json.encode(value), error, "0", number)


class UsualLabel:
    """The label that a word has had most often; that of all words for a new one.

    >>> usual = UsualLabel()
    >>> usual.learn(["in", "Rome"], ["O", "B-LOC"])
    >>> usual.predict(["Rome", "by"])
    ['B-LOC', 'O']
    """

    name = "usual label of the word"

    def __init__(self) -> None:
        self._of_word: dict[Any, Counter] = defaultdict(Counter)
        self._of_all: Counter = Counter()

    def predict(self, tokens: Sequence[Any]) -> list[str | None]:
        """A label for each token; None before the first."""
        usual = self._of_all.most_common(1)[0][0] if self._of_all else None
        known = (self._of_word.get(_key(token)) for token in tokens)
        return [counts.most_common(1)[0][0] if counts else usual for counts in known]

    def learn(self, tokens: Sequence[Any], labels: Sequence[str]) -> None:
        """Count the labels of a sentence."""
        for token, label in zip(tokens, labels, strict=True):
            self._of_word[_key(token)][label] += 1
            self._of_all[label] += 1


def _key(token: Any) -> Any:
    return token if isinstance(token, str) else tuple(sorted(map(repr, token.items())))


class LabelScorer:
    """Token accuracy, and F1 of entities where labels mark some, of one contestant."""

    def __init__(self, name: str):
        self.name, self._marks = name, False
        self._accuracy, self._f1 = TokenAccuracy(), EntityF1()

    def update(self, truth: Sequence[str], made: Sequence[Any]) -> float:
        """Count a sentence; its share of wrong labels."""
        self._accuracy.update(truth, made)
        self._f1.update(truth, made)
        self._marks |= any(label.startswith("B-") for label in truth)
        return sum(a != b for a, b in zip(truth, made, strict=True)) / max(1, len(truth))

    def score(self) -> Score:
        values = {"accuracy": self._accuracy.get()}
        return Score(self.name, values | ({"entity F1": self._f1.get()} if self._marks else {}))


class LabelJudge:
    """Scores a labeler beside the usual label of each word; rows have ``tokens``.

    >>> judge = LabelJudge("model")
    >>> for _ in range(2):
    ...     row = {"tokens": "in Rome", "target": "O B-LOC", "prediction": ["O", "O"]}
    ...     judge.update(row)
    >>> [(scorer.name, scorer.score().values) for scorer in judge.scorers]
    [('model', {'accuracy': 0.5, 'entity F1': 0.0}), ('usual label of the word', \
{'accuracy': 0.5, 'entity F1': 0.6666666666666666})]
    """

    task = "labels of tokens"

    def __init__(self, name: str):
        self.count, self._usual = 0, UsualLabel()
        self.scorers = [LabelScorer(name), LabelScorer(self._usual.name)]
        self.curves = [ErrorCurve() for _ in self.scorers]

    def update(self, row: dict[str, Any], answers: Any = None) -> None:
        """Score both on the sentence of a row; then the usual labels are counted."""
        tokens, truth = listed(row["tokens"]), listed(row["target"])
        made = row["prediction"], self._usual.predict(tokens)
        for scorer, curve, labels in zip(self.scorers, self.curves, made, strict=True):
            curve.add(scorer.update(truth, labels))
        self._usual.learn(tokens, truth)
        self.count += 1

    def rivals(self) -> list[Score]:
        """None."""
        return []


def listed(value: Any) -> Any:
    """A text as the list of its words."""
    return value.split() if isinstance(value, str) else value
