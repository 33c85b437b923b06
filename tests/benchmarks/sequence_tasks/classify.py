"""One class a sequence: JapaneseVowels, ItalyPowerDemand, BasicMotions."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stream_rnn import SequenceClassifier

from . import archive
from .peers.simple import GaussianPerClass, ReservoirLeastSquares
from .table import GOAL, PEER, PRODUCT, Row

PASSES = 5


class Product:
    """The estimator, as the others here."""

    def __init__(self, inputs: int, classes: int, seed: int, **settings: Any):
        self.model = SequenceClassifier(seed=seed, **settings)

    def predict(self, X):
        return self.model.predict_one(X)

    def once(self, X, y):
        (row,) = self.model.stream([X], [y])
        return row["prediction"]


def classify(
    load: Callable[[Path], tuple], goal: dict[str, float], data: Path, seeds: int
) -> Iterator[Row]:
    """All contestants in one pass, and the product in five."""
    sets = load(data)
    yield Row("must reach", GOAL, {name: [value] for name, value in goal.items()})
    for peer in (GaussianPerClass, ReservoirLeastSquares):
        yield contest(peer.name, PEER, peer, sets, seeds, "five passes" in goal)
    if importlib.util.find_spec("torch") is not None:
        from .peers.pytorch import TorchGRU

        yield contest("PyTorch GRU(32), Adam(0.01)", PEER, TorchGRU, sets, seeds, False)
    alone = partial(Product, network=False)
    yield contest("SequenceClassifier(network=False)", PRODUCT, alone, sets, seeds, False)
    yield contest("SequenceClassifier()", PRODUCT, Product, sets, seeds, "five passes" in goal)


def contest(who: str, role: str, make: Callable, sets: tuple, seeds: int, again: bool) -> Row:
    """One contestant on seeded shuffles of the training set."""
    (train, labels), (test, truths) = sets
    names = sorted(set(labels))
    y, z = [names.index(c) for c in labels], [names.index(c) for c in truths]
    figures: dict[str, list[float]] = {"test": [], "prequential": []}
    spent, steps = 0.0, 0
    for seed in range(seeds):
        model = make(train[0].shape[1], len(names), seed)
        order = np.random.default_rng(seed).permutation(len(train))
        for n in range(PASSES if again else 1):
            started = time.process_time()
            right = [learn(model, train[k], y[k]) for k in order]
            if seed:  # the first one compiles
                spent += time.process_time() - started
                steps += sum(len(train[k]) for k in order)
            if n == 0:
                figures["prequential"].append(np.mean(right))
                figures["test"].append(tested(model, test, z))
        if again:
            figures.setdefault("five passes", []).append(tested(model, test, z))
    cost = f"{spent / steps * 1e6:.0f} µs a step, predict and learn" if steps else ""
    return Row(who, role, figures, cost)


def learn(model: Any, X: np.ndarray, y: int) -> bool:
    """Predict, then learn; whether the prediction was right."""
    if hasattr(model, "once"):
        return model.once(X, y) == y
    made = model.predict(X)
    model.learn(X, y)
    return made == y


def tested(model: Any, X: list[np.ndarray], y: list[int]) -> float:
    """Share of test sequences told right."""
    return float(np.mean([model.predict(x) == c for x, c in zip(X, y, strict=True)]))


VOWELS = {"test": 0.98, "prequential": 0.90, "five passes": 0.982}
TASKS = {
    "vowels": partial(classify, archive.vowels, VOWELS),
    "power": partial(classify, lambda data: archive.bundled("ItalyPowerDemand"), {"test": 0.94}),
    "motions": partial(classify, lambda data: archive.bundled("BasicMotions"), {"test": 0.95}),
}
