"""TBPTT(10) on every record against deep-river's LSTMRegressor with window 10.

    python tests/benchmarks/peers/compare.py --peer-python peers/bin/python

`peers/bin/python` is that of an environment made from `requirements.txt` beside this file.
Both learn the same rows one after the other in one run; µs of CPU time a record.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np

from stream_rnn import LSTM, TBPTT, Adam, RecurrentRegressor

RECORDS, REPEATS = 2000, 5


def best(call, rows: int) -> float:
    call()
    costs = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        costs.append(time.process_time() - start)
    return min(costs) / rows * 1e6


def ours(units: int) -> tuple[float, float]:
    """µs a record through predict_one and learn_one, and through prequential."""
    X = np.random.default_rng(0).standard_normal((RECORDS, 10))
    rows, y = [dict(enumerate(x.tolist())) for x in X], X[:, 0].copy()
    model = RecurrentRegressor(LSTM(units), TBPTT(10), Adam(1e-3), skip=False, seed=1)

    def one_by_one():
        for row in rows:
            model.predict_one(row)
            model.learn_one(row, row[0])

    return best(one_by_one, RECORDS), best(lambda: model.prequential(X, y), RECORDS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--units", type=int, nargs="+", default=[8, 32, 128])
    options = parser.parse_args()
    script = Path(__file__).with_name("deep_river_lstm.py")
    command = [options.peer_python, script, "--units", *map(str, options.units)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = {int(k): v for k, v in json.loads(done.stdout.splitlines()[-1]).items()}
    print("| units | deep-river µs | learn_one µs | × | prequential µs | × |")
    print("|---|---|---|---|---|---|")
    for units in options.units:
        one, many = ours(units)
        peer = theirs[units]
        print(
            f"| {units} | {peer:.0f} | {one:.1f} | {peer / one:.0f} | "
            f"{many:.1f} | {peer / many:.0f} |"
        )


if __name__ == "__main__":
    main()
