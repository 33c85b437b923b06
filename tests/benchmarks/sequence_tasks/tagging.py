"""One label a token: entities and parts of speech, frozen after one pass and prequential.

The files are in the order they have, so there is one run and no seed.
"""

import gzip
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from stream_rnn import EntityF1, SequenceLabeler, TokenAccuracy

from .peers.tagging import MostFrequent, PlainCRF
from .table import GOAL, PEER, PRODUCT, Row

Sentences = list[tuple[list[str], list[str]]]


def read(path: Path, word: int, label: int) -> Sentences:
    """Sentences of a file with a token a line, its columns apart by tabs."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    found = []
    for block in text.split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line and line[0] != "#"]
        rows = [row for row in rows if len(row) > label]
        if rows:
            found.append(([row[word] for row in rows], [row[label] for row in rows]))
    return found


class Product:
    """The estimator, as the others here."""

    name = "SequenceLabeler()"

    def __init__(self) -> None:
        self.model = SequenceLabeler()
        self.model.learn_one(["compile"], ["O"])  # the first one compiles
        self.model.predict_one(["compile"])
        self.model = SequenceLabeler()

    def predict(self, words: list[str]) -> list[Any]:
        return self.model.predict_one(words)

    def learn(self, words: list[str], labels: list[str]) -> None:
        self.model.learn_one(words, labels)


def frozen(model: Any, train: Sentences, test: Sentences, metric: Any) -> tuple[float, float]:
    """Learn one file, then be scored on the other; the score, and µs a token of learning."""
    started = time.process_time()
    for words, labels in train:
        model.predict(words)
        model.learn(words, labels)
    spent = time.process_time() - started
    for words, labels in test:
        metric.update(labels, model.predict(words))
    return metric.get(), spent / sum(len(words) for words, _ in train) * 1e6


def entities(data: Path, seeds: int) -> Iterator[Row]:
    """Names in web text, both files frozen and prequential."""
    dev, test = (read(data / "ner" / f"en_ewt-ud-{part}.iob2", 1, 2) for part in ("dev", "test"))
    goal = {"dev→test": 0.55, "test→dev": 0.57, "prequential": 0.61, "second file": 0.67}
    yield Row("must reach", GOAL, {name: [value] for name, value in goal.items()})
    for make in (MostFrequent, PlainCRF, Product):
        forward, cost = frozen(make(), dev, test, EntityF1())
        backward, _ = frozen(make(), test, dev, EntityF1())
        model, both, second = make(), EntityF1(), EntityF1()
        for n, (words, labels) in enumerate(dev + test):
            made = model.predict(words)
            both.update(labels, made)
            if n >= len(dev):
                second.update(labels, made)
            model.learn(words, labels)
        values = (forward, backward, both.get(), second.get())
        figures = {name: [value] for name, value in zip(goal, values, strict=True)}
        yield Row(make.name, role(make), figures, f"{cost:.0f} µs a token, predict and learn")


def parts_of_speech(train: str, goal: float, data: Path, seeds: int) -> Iterator[Row]:
    """Universal parts of speech in web text."""
    learned = read(data / "pos" / train, 0, 1)
    test = read(data / "pos" / "en_ewt-ud-test.tsv", 0, 1)
    yield Row("must reach", GOAL, {"test": [goal]})
    for make in (MostFrequent, PlainCRF, Product):
        score, cost = frozen(make(), learned, test, TokenAccuracy())
        note = f"{cost:.0f} µs a token, predict and learn"
        yield Row(make.name, role(make), {"test": [score]}, note)


def role(make: type) -> str:
    return PRODUCT if make is Product else PEER


TASKS = {
    "entities": entities,
    "parts of speech, dev": partial(parts_of_speech, "en_ewt-ud-dev.tsv", 0.922),
    "parts of speech, train": partial(parts_of_speech, "en_ewt-ud-train.tsv.gz", 0.955),
}
