"""Text as features: our encoder beside river's, with the same learner behind each.

    python tests/benchmarks/categories.py [--records 5000] [--seeds 2]

Each record is predicted before it is learned: accuracy of classes, mean absolute error of
numbers, and µs a record.  "without" leaves the text out.  Streams: river's Agrawal with its
categories as text; identifiers whose effects differ; two fields of 40 values that interact.
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
    found = {"without": numbers, "CategoryEncoder": CategoryEncoder()}
    if not classes:
        found["TargetAgg"] = target_means(fields)
    if "id" not in fields:
        found["OneHotEncoder"] = compose.SelectType(float, int) + one_hot
    return found


def run(encoder: Any, learner: Any, records: list, classes: bool) -> tuple[float, float]:
    """(score, µs a record)."""
    model, score = encoder | learner, 0.0
    start = time.process_time()
    for x, y in records:
        p = model.predict_one(x)
        score += p == y if classes else abs((p or 0.0) - y)
        model.learn_one(x, y)
    return score / len(records), (time.process_time() - start) / len(records) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    print("| stream | encoder | score | µs a record |\n|---|---|---|---|")
    for name, make, classes in (
        ("Agrawal, accuracy", agrawal, True),
        ("identifiers, MAE", identifiers, False),
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
            print(f"| {name} | {label} | {score:.4f} | {cost:.0f} |", flush=True)


if __name__ == "__main__":
    main()
