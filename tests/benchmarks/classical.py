"""The default regressor and classifier beside river's classical models, without any setting.

    python tests/benchmarks/classical.py [--seeds 3] [--streams Phishing Friedman ...]
                                         [--models StreamRegressor AMF ...] [--electricity CSV]
    python tests/benchmarks/classical.py --ablation [--streams Phishing ...]

Every record is predicted before it is learned, from the first on: mean absolute error of
regression, accuracy of classification; means over the seeds of whatever draws random
numbers.  Streams are those that river bundles, 5,000 records of its generators, and the
Electricity table where its file is given; features that are text are left out.  river's models
have their defaults too, behind a StandardScaler where they need one.  The best of a row is bold;
"loss" marks a row in which ours is behind the best of the others, chosen afterwards.  With
--ablation, the mixtures beside themselves without one of their members each.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any

from river import (
    datasets,
    ensemble,
    forest,
    linear_model,
    metrics,
    naive_bayes,
    neighbors,
    preprocessing,
)
from river import tree as trees
from river.datasets import synth
from river.stream import iter_csv

from stream_rnn import RecurrentClassifier, RecurrentRegressor, StreamClassifier, StreamRegressor
from stream_rnn.mixtures import bank

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


def without(kind: Any, members: tuple) -> dict[str, Callable[[int], Any]]:
    """The mixture of these *members*, and without one of them each."""
    found: dict[str, Callable[[int], Any]] = {"all": lambda seed: kind(seed=seed)}
    for n, label in enumerate(bank.labels(members)):
        rest = members[:n] + members[n + 1 :]
        found[f"without {label}"] = lambda seed, rest=rest: kind(rest, seed=seed)
    return found


def scaled(model: Any) -> Any:
    return preprocessing.StandardScaler() | model


REGRESSORS: dict[str, Callable[[int], Any]] = {
    "StreamRegressor": lambda seed: StreamRegressor(seed=seed),
    "RecurrentRegressor": lambda seed: RecurrentRegressor(seed=seed),
    "linear": lambda _: scaled(linear_model.LinearRegression()),
    "passive-aggressive": lambda _: scaled(linear_model.PARegressor(C=0.01)),
    "Hoeffding tree": lambda _: scaled(trees.HoeffdingTreeRegressor()),
    "adaptive tree": lambda seed: trees.HoeffdingAdaptiveTreeRegressor(seed=seed),
    "adaptive forest": lambda seed: forest.ARFRegressor(seed=seed),
    "AMF": lambda seed: scaled(forest.AMFRegressor(seed=seed)),
    "SRP": lambda seed: scaled(ensemble.SRPRegressor(seed=seed)),
    "neighbours": lambda seed: scaled(neighbors.KNNRegressor(engine=neighbors.SWINN(seed=seed))),
}
CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "StreamClassifier": lambda seed: StreamClassifier(seed=seed),
    "RecurrentClassifier": lambda seed: RecurrentClassifier(seed=seed),
    "softmax": lambda _: scaled(linear_model.SoftmaxRegression()),
    "ALMA": lambda _: scaled(linear_model.ALMAClassifier()),
    "Bayes": lambda _: naive_bayes.GaussianNB(),
    "Hoeffding tree": lambda _: trees.HoeffdingTreeClassifier(),
    "adaptive tree": lambda seed: trees.HoeffdingAdaptiveTreeClassifier(seed=seed),
    "adaptive forest": lambda seed: forest.ARFClassifier(seed=seed),
    "AMF": lambda seed: scaled(forest.AMFClassifier(seed=seed)),
    "SRP": lambda seed: ensemble.SRPClassifier(seed=seed),
    "leveraging bagging": lambda seed: ensemble.LeveragingBaggingClassifier(
        trees.HoeffdingTreeClassifier(), seed=seed
    ),
    "neighbours": lambda seed: scaled(neighbors.KNNClassifier(engine=neighbors.SWINN(seed=seed))),
}
CERTAIN = {"linear", "softmax", "Bayes", "ALMA", "passive-aggressive", "Hoeffding tree"}
TWO_CLASSES = {"ALMA"}


def run(model: Any, rows: list[tuple[dict, Any]], metric: Any) -> tuple[float, float]:
    """(metric, seconds) of predicting each record, then learning it."""
    start = time.process_time()
    for x, y in rows:
        prediction = model.predict_one(x)
        if prediction is None and isinstance(metric, metrics.MAE):
            prediction = 0.0  # neighbours, before there are any
        metric.update(y, prediction)
        model.learn_one(x, y)
    return metric.get(), time.process_time() - start


def two_classes(rows: list[tuple[dict, Any]]) -> list[tuple[dict, bool]] | None:
    """The records with classes False and True, None where there are more than two."""
    names = list(dict.fromkeys(y for _, y in rows))
    return [(x, y == names[1]) for x, y in rows] if len(names) == 2 else None


def mean_score(label: str, build: Any, rows: Any, metric: Any, seeds: int) -> tuple[float, float]:
    """(metric, seconds), means over the seeds; NaN where the model is not for such a stream."""
    rows = two_classes(rows) if label in TWO_CLASSES else rows
    if rows is None:
        return float("nan"), 0.0
    found = [run(build(seed), rows, metric()) for seed in range(1 if label in CERTAIN else seeds)]
    return tuple(sum(part) / len(found) for part in zip(*found, strict=True))  # type: ignore[return-value]


def table(streams, models, metric, digits: int, best, options) -> None:
    """Print a row for each stream, and µs a record below."""
    if options.models:
        models = {label: build for label, build in models.items() if label in options.models}
    streams = {n: m for n, m in streams.items() if not options.streams or n in options.streams}
    if not models or not streams:
        return
    print(f"\n| {metric.__name__} | {' | '.join(models)} | |\n|{'---|' * (len(models) + 2)}")
    spent, records = dict.fromkeys(models, 0.0), dict.fromkeys(models, 0)
    for name, make in streams.items():
        rows, means = take(make(), None if name == "Electricity" else RECORDS), {}
        for label, build in models.items():
            means[label], seconds = mean_score(label, build, rows, metric, options.seeds)
            spent[label] += seconds
            records[label] += len(rows) if means[label] == means[label] else 0
        first = best(v for v in means.values() if v == v)
        cells = [f"{v:.{digits}f}" if not v >= 1e4 else f"{v:.0e}" for v in means.values()]
        bold = [f"**{c}**" if v == first else c for c, v in zip(cells, means.values())]
        ahead = means[next(iter(models))] == first or options.ablation
        note = "" if ahead else "loss"
        row = " | ".join(bold).replace("nan", "–")
        print(f"| {name} | {row} | {note} |", flush=True)
    each = (f"{spent[label] / max(records[label], 1) * 1e6:.0f}" for label in models)
    print(f"| µs a record | {' | '.join(each)} | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--streams", nargs="+")
    parser.add_argument("--models", nargs="+", choices=[*REGRESSORS, *CLASSIFIERS])
    parser.add_argument("--electricity", metavar="CSV", help="the table's file: a stream more")
    parser.add_argument("--ablation", action="store_true", help="ours without a member each")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # of models that overflow
    classification = dict(CLASSIFICATION)
    if options.electricity:
        classification["Electricity"] = lambda: electricity(options.electricity)
    if options.ablation:
        ours = without(StreamRegressor, bank.NUMBERS), without(StreamClassifier, bank.CLASSES)
        table(REGRESSION, ours[0], metrics.MAE, 3, min, options)
        table(classification, ours[1], metrics.Accuracy, 4, max, options)
        return
    for x, y in take(datasets.Phishing())[:2]:  # compiles
        for classifier in (RecurrentClassifier(), StreamClassifier()):
            classifier.learn_one(x, y)
        for regressor in (RecurrentRegressor(), StreamRegressor()):
            regressor.learn_one(x, float(y))
    table(REGRESSION, REGRESSORS, metrics.MAE, 3, min, options)
    table(classification, CLASSIFIERS, metrics.Accuracy, 4, max, options)


if __name__ == "__main__":
    main()
