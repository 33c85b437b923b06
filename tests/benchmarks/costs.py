"""µs a record of StreamRegressor and StreamClassifier, by how many features and classes there are.

    python tests/benchmarks/costs.py [--features 2 10 50 250] [--classes 2 4 10] [--one]

Records of normal numbers, of which the first ten make the target, each predicted and then
learned; the process's time for the fastest thousand of three after the first 2,000, as a table,
or with --one as dicts, one at a time (300 of them).
"""

import argparse
import time

import numpy as np

from stream_rnn import StreamClassifier, StreamRegressor

FIRST, RECORDS, SINGLE = 2000, 5000, 300


def table(features: int, classes: int) -> tuple[np.ndarray, list]:
    """Records (T, m), and numbers (0 *classes*) or classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(RECORDS, features))
    known = X[:, :10] @ rng.normal(size=(min(features, 10), max(classes, 1)))
    known += rng.normal(size=known.shape)
    return X, (known.argmax(axis=1) if classes else known[:, 0]).tolist()


def cost(features: int, classes: int, one: bool) -> float:
    """µs a record."""
    X, y = table(features, classes)
    model = StreamClassifier() if classes else StreamRegressor()
    model.prequential(X[:FIRST], y[:FIRST])
    parts = [slice(at, at + 1000) for at in range(FIRST, RECORDS, 1000)]
    if one:
        rows = [dict(enumerate(row)) for row in X[FIRST : FIRST + SINGLE].tolist()]
        start = time.process_time()
        for x, target in zip(rows, y[FIRST:], strict=False):
            model.predict_one(x)
            model.learn_one(x, target)
        return (time.process_time() - start) / SINGLE * 1e6
    spent = []
    for part in parts:
        start = time.process_time()
        model.prequential(X[part], y[part])
        spent.append(time.process_time() - start)
    return min(spent) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, nargs="+", default=[2, 10, 50, 250])
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 4, 10])
    parser.add_argument("--one", action="store_true", help="dicts, one at a time")
    options = parser.parse_args()
    kinds = [0, *options.classes]
    for classes in (0, 2):  # compiles
        cost(2, classes, options.one)
    print(f"| features | a number | {' | '.join(f'{c} classes' for c in options.classes)} |")
    print("|---" * (len(kinds) + 1) + "|")
    for features in options.features:
        cells = [f"{cost(features, classes, options.one):.0f}" for classes in kinds]
        print(f"| {features} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
