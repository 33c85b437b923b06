"""What a new field costs: the step at which its name appears, against the usual one.

Run: python tests/benchmarks/growth.py [--widths 5,60,250] [--estimators regressor,forecaster]

Process time in milliseconds of a prediction and of learning one record; every third record has one
name more, 40 times, so that the last widths are 40 above those that are named.
"""

import argparse
import random
import time
from typing import Any

import numpy as np

from stream_rnn import (
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentRegressor,
    StreamClassifier,
    StreamRegressor,
)

KINDS: dict[str, Any] = {
    "regressor": RecurrentRegressor,
    "classifier": RecurrentClassifier,
    "forecaster": RecurrentForecaster,
    "stream-regressor": StreamRegressor,
    "stream-classifier": StreamClassifier,
    "anomaly": RecurrentAnomalyDetector,
}
BEFORE, NEW, EVERY = 40, 40, 3  # records before the first new name, new names, records for each


def step(kind: str, model: Any, x: dict[str, float], y: Any) -> None:
    """Predict and learn one record."""
    if kind == "anomaly":
        model.score_one(x)
        model.learn_one(x)
    elif kind == "forecaster":
        model.learn_one(y, x)
    else:
        model.predict_one(x)
        model.learn_one(x, y)


def run(kind: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds of the steps with a new name, and of the others."""
    rng, model = random.Random(0), KINDS[kind]()
    names = [f"f{n}" for n in range(width)]
    new, usual = [], []
    for t in range(BEFORE + EVERY * NEW):
        grows = t >= BEFORE and t % EVERY == 0
        if grows:
            names.append(f"g{t}")
        x = {name: rng.gauss(0, 1) for name in names}
        y = rng.choice("ab") if "classifier" in kind else rng.gauss(0, 1)
        start = time.process_time()
        step(kind, model, x, y)
        if t >= BEFORE:
            (new if grows else usual).append(1e3 * (time.process_time() - start))
    return np.array(new), np.array(usual)


def main() -> None:
    """Print a line for each estimator and width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", default="5,60,250")
    parser.add_argument("--estimators", default=",".join(KINDS))
    asked = parser.parse_args()
    print("estimator          fields  new name: median  p99  usual: median")
    for kind in asked.estimators.split(","):
        for width in map(int, asked.widths.split(",")):
            run(kind, width)  # compiles
            new, usual = run(kind, width)
            row = np.median(new), np.quantile(new, 0.99), np.median(usual)
            print(f"{kind:18} {width:6}   {row[0]:15.2f} {row[1]:5.2f} {row[2]:13.2f}", flush=True)


if __name__ == "__main__":
    main()
