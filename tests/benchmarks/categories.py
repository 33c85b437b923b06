"""Text as features: what an estimator does by itself beside encoders, the same learner behind each.

    python tests/benchmarks/categories.py [--records 5000] [--seeds 2]

Each record is predicted before it is learned: accuracy of classes, mean absolute error of
numbers; µs a record, `learn_one` after `predict_one`, the quickest of pieces; and for what streams
µs a record of batches of 200, as a service learns them, and how many times those of "without",
which leaves the text out (the median of pairs that are run in turn).  "default" hands the text
to the estimator.  Streams: river's Agrawal with its categories as text; identifiers by Zipf's
law, and 2000 alike, whose effects differ; two fields of 40 values that add up.  ``--many`` shows
a field of a million different values: time and memory of each hundred thousand records.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from river import compose, feature_extraction, preprocessing, stats
from river.datasets import synth

from stream_rnn import CategoryEncoder, RecurrentClassifier, RecurrentRegressor


def agrawal(T: int) -> Iterator[tuple[dict, Any]]:
    for x, y in synth.Agrawal(classification_function=2, seed=1).take(T):
        yield {k: f"v{v}" if k in ("elevel", "car", "zipcode") else v for k, v in x.items()}, str(y)


def identifiers(T: int, most: int = 100_000) -> Iterator[tuple[dict, Any]]:
    """Ids by Zipf's law, each with an effect of its own."""
    rng = np.random.default_rng(2)
    effects = rng.normal(size=most) * 3
    for _ in range(T):
        i, u = int(rng.zipf(1.3)) % most, rng.normal()
        yield {"id": f"id{i}", "u": u}, effects[i] + u + 0.5 * rng.normal()


def alike(T: int) -> Iterator[tuple[dict, Any]]:
    """2000 ids, each as often as the others."""
    rng = np.random.default_rng(5)
    effects = rng.normal(size=2000) * 3
    for _ in range(T):
        i, u = int(rng.integers(2000)), rng.normal()
        yield {"id": f"id{i}", "u": u}, effects[i] + u + 0.5 * rng.normal()


def crossed(T: int) -> Iterator[tuple[dict, Any]]:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=40), rng.normal(size=40)
    for _ in range(T):
        i, j, u = int(rng.integers(40)), int(rng.integers(40)), rng.normal()
        yield {"a": f"a{i}", "b": f"b{j}", "u": u}, a[i] + 2 * b[j] + u + 0.3 * rng.normal()


def target_means(fields: list[str]) -> Any:
    """River's target statistics of each field, beside the numbers."""
    aggregates = [
        feature_extraction.TargetAgg(by=field, how=stats.BayesianMean(0.0, 3.0)) for field in fields
    ]
    union = compose.SelectType(float, int)
    for aggregate in aggregates:
        union = union + aggregate
    return union


def variants(fields: list[str], classes: bool) -> dict[str, Any]:
    numbers = compose.SelectType(float, int)
    one_hot = compose.SelectType(str) | preprocessing.OneHotEncoder()
    found = {"without": numbers, "default": None, "CategoryEncoder": CategoryEncoder()}
    if not classes:
        found["TargetAgg"] = target_means(fields)
    if "id" not in fields:
        found["OneHotEncoder"] = compose.SelectType(float, int) + one_hot
    return found


def run(encoder: Any, learner: Any, records: list, classes: bool) -> tuple[float, float]:
    """(score, µs a record)."""
    model, score = learner if encoder is None else encoder | learner, 0.0
    marks: list[float] = []
    for n, (x, y) in enumerate(records):
        if n % 200 == 0:
            marks.append(time.process_time())
        p = model.predict_one(x)
        score += p == y if classes else abs((p or 0.0) - y)
        model.learn_one(x, y)
    return score / len(records), min(np.diff(marks)) / 200 * 1e6


def batches(records: list, classes: bool) -> tuple[float, float]:
    """(µs a record with text, how many times those of numbers alone), in batches."""
    make = RecurrentClassifier if classes else RecurrentRegressor
    ys = [y for _, y in records]
    whole = [x for x, _ in records]
    numbers = [{k: v for k, v in x.items() if not isinstance(v, str)} for x in whole]
    models, times = (make(), make()), []
    for at in range(0, len(ys), 200):
        for model, xs in zip(models, (whole, numbers), strict=True):
            start = time.process_time()
            model.stream(xs[at : at + 200], ys[at : at + 200])
            times.append((time.process_time() - start) / 200 * 1e6)
    pairs = np.array(times).reshape(-1, 2)[2:]
    return float(np.median(pairs[:, 0])), float(np.median(pairs[:, 0] / pairs[:, 1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--many", action="store_true")
    options = parser.parse_args()
    if options.many:
        many()
        return
    print("| stream | encoder | score | µs a record | in batches |\n|---|---|---|---|---|")
    for name, make, classes in (
        ("Agrawal, accuracy", agrawal, True),
        ("identifiers, MAE", identifiers, False),
        ("alike, MAE", alike, False),
        ("crossed, MAE", crossed, False),
    ):
        records = list(make(options.records))
        fields = [k for k, v in records[0][0].items() if isinstance(v, str)]
        for label in variants(fields, classes):
            found = []
            for seed in range(options.seeds):
                learner = (
                    RecurrentClassifier(seed=seed) if classes else RecurrentRegressor(seed=seed)
                )
                found.append(run(variants(fields, classes)[label], learner, records, classes))
            score, cost = np.mean(found, axis=0)
            beside = ""
            if label == "default":
                beside = "{:.0f} ({:.2f} times)".format(*batches(records, classes))
            print(
                f"| {name} | {label} | {score:.4f} | {cost:.0f} | {beside} |",
                flush=True,
            )


def many(T: int = 1_000_000, piece: int = 100_000) -> None:
    """A field whose every value is new."""
    print("| records | µs a record | MB |\n|---|---|---|")
    model, rng = RecurrentRegressor(seed=0), np.random.default_rng(0)
    for at in range(0, T, piece):
        start = time.process_time()
        for n in range(at, at + piece, 1000):
            u = rng.normal(size=1000).tolist()
            model.stream([{"id": f"id{n + k}", "u": v} for k, v in enumerate(u)], u)
        took = (time.process_time() - start) / piece * 1e6
        size = sum(a.nbytes for a in model._features.arrays().values()) / 1e6
        print(f"| {at + piece:,} | {took:.0f} | {size:.1f} |", flush=True)


if __name__ == "__main__":
    main()
