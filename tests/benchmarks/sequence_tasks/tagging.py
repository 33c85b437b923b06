"""One label a token: entities and parts of speech, frozen after one pass and prequential.

The files are in the order they have, so there is one run; where a network's weights are drawn, one
for each of three seeds.
"""

import gzip
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stream_rnn import LSTM, Bidirectional, EntityF1, SequenceLabeler, TokenAccuracy

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

    def __init__(self, **settings: Any) -> None:
        self.model = SequenceLabeler(**settings)
        self.model.learn_one(["compile"], ["O"])  # the first one compiles
        self.model.predict_one(["compile"])
        self.model = SequenceLabeler(**settings)

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


class Contestant(NamedTuple):
    """What is run, and how often: *make* takes a seed."""

    who: str
    role: str
    make: Callable[[int], Any]
    seeds: int = 1


UNITS, SEEDS = 32, 3
BOTH, AHEAD = Bidirectional(LSTM(UNITS)), LSTM(UNITS)


def contestants(seeds: int) -> list[Contestant]:
    """Peers, the default, with a network beside the features, and without features."""
    drawn = min(seeds, SEEDS)

    def product(name: str, seeds: int, **settings: Any) -> Contestant:
        return Contestant(name, PRODUCT, lambda seed: Product(seed=seed, **settings), seeds)

    return [
        Contestant(MostFrequent.name, PEER, lambda seed: MostFrequent()),
        Contestant(PlainCRF.name, PEER, lambda seed: PlainCRF()),
        product("SequenceLabeler()", 1),
        product(f"with Bidirectional(LSTM({UNITS}))", drawn, cell=BOTH),
    ]


def alone(seeds: int) -> list[Contestant]:
    """Networks without features; that which reads from one side is the other one's peer."""
    drawn = min(seeds, SEEDS)
    return [
        Contestant(
            f"LSTM({UNITS}), sparse=False", PEER,
            lambda seed: Product(cell=AHEAD, sparse=False, seed=seed), drawn,
        ),
        Contestant(
            f"Bidirectional(LSTM({UNITS})), sparse=False", PRODUCT,
            lambda seed: Product(cell=BOTH, sparse=False, seed=seed), drawn,
        ),
    ]  # fmt: skip


def entities(contestants: Callable, data: Path, seeds: int) -> Iterator[Row]:
    """Names in web text, both files frozen and prequential."""
    dev, test = (read(data / "ner" / f"en_ewt-ud-{part}.iob2", 1, 2) for part in ("dev", "test"))
    if contestants is not alone:
        yield Row("must reach", GOAL, {name: [value] for name, value in ENTITIES.items()})
    for who, role, make, times in contestants(seeds):
        figures: dict[str, list[float]] = {name: [] for name in ENTITIES}
        for seed in range(times):
            forward, cost = frozen(make(seed), dev, test, EntityF1())
            backward, _ = frozen(make(seed), test, dev, EntityF1())
            values = forward, backward, *prequential(make(seed), dev, test)
            for name, value in zip(ENTITIES, values, strict=True):
                figures[name].append(value)
        yield Row(who, role, figures, f"{cost:.0f} µs a token, predict and learn")


def prequential(model: Any, first: Sentences, second: Sentences) -> tuple[float, float]:
    """Entity F1 of both files, each sentence predicted, then learned; and of the second alone."""
    both, later = EntityF1(), EntityF1()
    for n, (words, labels) in enumerate(first + second):
        made = model.predict(words)
        both.update(labels, made)
        if n >= len(first):
            later.update(labels, made)
        model.learn(words, labels)
    return both.get(), later.get()


def parts_of_speech(train: str, goal: float, data: Path, seeds: int) -> Iterator[Row]:
    """Universal parts of speech in web text."""
    learned = read(data / "pos" / train, 0, 1)
    test = read(data / "pos" / "en_ewt-ud-test.tsv", 0, 1)
    yield Row("must reach", GOAL, {"test": [goal]})
    for who, role, make, times in contestants(seeds):
        scores = []
        for seed in range(times):
            score, cost = frozen(make(seed), learned, test, TokenAccuracy())
            scores.append(score)
        yield Row(who, role, {"test": scores}, f"{cost:.0f} µs a token, predict and learn")


ENTITIES = {"dev→test": 0.55, "test→dev": 0.57, "prequential": 0.61, "second file": 0.67}
TASKS = {
    "entities": partial(entities, contestants),
    "entities, network alone": partial(entities, alone),
    "parts of speech, dev": partial(parts_of_speech, "en_ewt-ud-dev.tsv", 0.922),
    "parts of speech, train": partial(parts_of_speech, "en_ewt-ud-train.tsv.gz", 0.955),
}
