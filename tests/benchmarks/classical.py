"""The default regressor and classifier beside river's classical models, without any setting.

    python tests/benchmarks/classical.py [--seeds 3] [--streams Phishing Friedman ...]

Every record is predicted before it is learned, from the first on: mean absolute error of
regression, accuracy of classification; means over the seeds of whatever draws random
numbers.  Streams are those that river bundles and 5,000 records of its generators; features
that are text are left out.  river's models have their defaults too, behind a StandardScaler
where they need one.  The best of a row is bold.
"""

import argparse
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from river import datasets, forest, linear_model, metrics, naive_bayes, neighbors, preprocessing
from river import tree as trees
from river.datasets import synth

from stream_rnn import RecurrentClassifier, RecurrentRegressor

RECORDS = 5000


def take(stream: Any) -> list[tuple[dict, Any]]:
    """Its records, without the features that are text."""
    rows = islice(stream, RECORDS)
    return [({k: v for k, v in x.items() if not isinstance(v, str)}, y) for x, y in rows]


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


REGRESSION: dict[str, Callable[[], Any]] = {
    "TrumpApproval": datasets.TrumpApproval,
    "ChickWeights": datasets.ChickWeights,
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
    "Hyperplane": lambda: synth.Hyperplane(seed=1, n_features=10, mag_change=0.001),
    "RBF, drift": rbf,
    "Sine": lambda: synth.Sine(seed=1),
    "Sine, drift": lambda: drift(synth.Sine, 0, 1),
}


def scaled(model: Any) -> Any:
    return preprocessing.StandardScaler() | model


REGRESSORS: dict[str, Callable[[int], Any]] = {
    "RecurrentRegressor": lambda seed: RecurrentRegressor(seed=seed),
    "linear": lambda _: scaled(linear_model.LinearRegression()),
    "Hoeffding tree": lambda seed: trees.HoeffdingAdaptiveTreeRegressor(seed=seed),
    "adaptive forest": lambda seed: forest.ARFRegressor(seed=seed),
    "neighbours": lambda seed: scaled(neighbors.KNNRegressor(engine=neighbors.SWINN(seed=seed))),
}
CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "RecurrentClassifier": lambda seed: RecurrentClassifier(seed=seed),
    "softmax": lambda _: scaled(linear_model.SoftmaxRegression()),
    "Bayes": lambda _: naive_bayes.GaussianNB(),
    "Hoeffding tree": lambda seed: trees.HoeffdingAdaptiveTreeClassifier(seed=seed),
    "adaptive forest": lambda seed: forest.ARFClassifier(seed=seed),
    "neighbours": lambda seed: scaled(neighbors.KNNClassifier(engine=neighbors.SWINN(seed=seed))),
}
CERTAIN = {"linear", "softmax", "Bayes"}  # draw no random numbers


def run(model: Any, rows: list[tuple[dict, Any]], metric: Any) -> tuple[float, float]:
    """(metric, seconds) of predicting each record, then learning it."""
    start = time.process_time()
    for x, y in rows:
        prediction = model.predict_one(x)
        metric.update(y, prediction)
        model.learn_one(x, y)
    return metric.get(), time.process_time() - start


def table(streams, models, metric, digits: int, best, options) -> None:
    """Print a row for each stream, and µs a record below."""
    print(f"\n| {metric.__name__} | {' | '.join(models)} |\n|{'---|' * (len(models) + 1)}")
    spent, records = dict.fromkeys(models, 0.0), 0
    for name, make in streams.items():
        if options.streams and name not in options.streams:
            continue
        rows = take(make())
        records += len(rows)
        means = {}
        for label, build in models.items():
            seeds = range(1 if label in CERTAIN else options.seeds)
            found = [run(build(seed), rows, metric()) for seed in seeds]
            means[label] = sum(score for score, _ in found) / len(found)
            spent[label] += sum(seconds for _, seconds in found) / len(found)
        first = best(means.values())
        cells = [f"{v:.{digits}f}" if v < 1e4 else f"{v:.0e}" for v in means.values()]
        bold = [f"**{c}**" if v == first else c for c, v in zip(cells, means.values())]
        print(f"| {name} | {' | '.join(bold)} |", flush=True)
    if records:
        print(f"| µs a record | {' | '.join(f'{s / records * 1e6:.0f}' for s in spent.values())} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--streams", nargs="+", choices=[*REGRESSION, *CLASSIFICATION])
    options = parser.parse_args()
    for x, y in take(datasets.Phishing())[:2]:  # compiles
        RecurrentClassifier().learn_one(x, y)
        RecurrentRegressor().learn_one(x, float(y))
    table(REGRESSION, REGRESSORS, metrics.MAE, 3, min, options)
    table(CLASSIFICATION, CLASSIFIERS, metrics.Accuracy, 4, max, options)


if __name__ == "__main__":
    main()
