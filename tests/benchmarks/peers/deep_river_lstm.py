"""µs of CPU time a record of deep-river's LSTMRegressor, as JSON; runs in its own environment.

    python -m venv peers && peers/bin/pip install -r requirements.txt
    peers/bin/python deep_river_lstm.py --units 8 32 128

Predict and learn through `predict_one` and `learn_one`, window 10, 10 features, one thread.
"""

import argparse
import json
import time

import numpy as np
import torch
from deep_river.regression.zoo import LSTMRegressor

WARM, RECORDS, REPEATS = 30, 200, 3


def cost(units: int) -> float:
    rng = np.random.default_rng(0)
    rows = [dict(enumerate(x.tolist())) for x in rng.standard_normal((WARM + RECORDS, 10))]
    model, best = LSTMRegressor(n_features=10, hidden_size=units, window_size=10), float("inf")
    for row in rows[:WARM]:
        model.predict_one(row)
        model.learn_one(row, row[0])
    for _ in range(REPEATS):
        start = time.process_time()
        for row in rows[WARM:]:
            model.predict_one(row)
            model.learn_one(row, row[0])
        best = min(best, time.process_time() - start)
    return best / RECORDS * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, nargs="+", default=[8, 32, 128])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps({units: cost(units) for units in options.units}))


if __name__ == "__main__":
    main()
