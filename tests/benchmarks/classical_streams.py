"""The streams of `classical.py`: what river bundles, its generators, and one table from a file."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from river import datasets
from river.datasets import synth
from river.stream import iter_csv

RECORDS = 5000


def take(stream: Any, most: int | None = RECORDS) -> list[tuple[dict, Any]]:
    """Its records, without the features that are text."""
    rows = islice(stream, most)
    return [({k: v for k, v in x.items() if not isinstance(v, str)}, y) for x, y in rows]


def electricity(path: str) -> Any:
    """Whether prices rise in New South Wales: every column is a number, the class is the last."""
    names = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
    return iter_csv(path, target="class", converters=dict.fromkeys(names, float))


def drift(stream: type, first: int, second: int) -> Any:
    """A generator that changes its function half way."""
    return synth.ConceptDriftStream(
        stream=stream(classification_function=first, seed=1),
        drift_stream=stream(classification_function=second, seed=2),
        position=RECORDS // 2,
        width=50,
        seed=1,
    )


def rbf() -> Any:
    return synth.RandomRBFDrift(
        seed_model=1,
        seed_sample=1,
        n_classes=4,
        n_features=10,
        n_centroids=20,
        change_speed=0.001,
        n_drift_centroids=10,
    )


def flare() -> Any:
    """The first of the three targets; its features that are ordered letters become numbers."""
    for x, y in datasets.SolarFlare():
        numbers = {k: ord(v[0]) - ord("@") if isinstance(v, str) else v for k, v in x.items()}
        yield numbers, y["c-class-flares"]


REGRESSION: dict[str, Callable[[], Any]] = {
    "TrumpApproval": datasets.TrumpApproval,
    "ChickWeights": datasets.ChickWeights,
    "SolarFlare": flare,
    "Friedman": lambda: synth.Friedman(seed=1),
    "Friedman, drift": lambda: synth.FriedmanDrift(seed=1, position=(1500, 3000, 4000)),
    "Planes2D": lambda: synth.Planes2D(seed=1),
    "Mv": lambda: synth.Mv(seed=1),
}
CLASSIFICATION: dict[str, Callable[[], Any]] = {
    "Phishing": datasets.Phishing,
    "Bananas": datasets.Bananas,
    "ImageSegments": datasets.ImageSegments,
    "SEA": lambda: synth.SEA(seed=1),
    "Agrawal": lambda: synth.Agrawal(seed=1),
    "Agrawal, drift": lambda: drift(synth.Agrawal, 0, 4),
    "LED": lambda: synth.LED(seed=1),
    "LED, noise": lambda: synth.LED(seed=1, noise_percentage=0.1, irrelevant_features=True),
    "Hyperplane": lambda: synth.Hyperplane(seed=1, n_features=10, mag_change=0.001),
    "RBF, drift": rbf,
    "Sine": lambda: synth.Sine(seed=1),
    "Sine, drift": lambda: drift(synth.Sine, 0, 1),
}
