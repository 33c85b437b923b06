"""What one of MOA's models predicts for a table, as JSON; runs in an environment of its own.

    peers/bin/python moa_models.py ROWS.npz MODEL SEED

Needs Java, and capymoa (0.15.1 was measured).  Every record is predicted before it is learned.
"""

import json
import sys
import time

import numpy as np
from capymoa import classifier, regressor
from capymoa.stream import NumpyStream


def main() -> None:
    path, name, seed = sys.argv[1:]
    table = np.load(path)
    X, y, discrete = table["X"], table["y"], table["classes"] > 0
    kind = "categorical" if discrete else "numeric"
    stream = NumpyStream(X, y.astype(int) if discrete else y, target_type=kind)
    build = getattr(classifier if discrete else regressor, name)
    model = build(stream.get_schema(), random_seed=int(seed))
    predictions: list[float | None] = []
    start = time.process_time()
    while stream.has_more_instances():
        instance = stream.next_instance()
        made = model.predict(instance)
        predictions.append(None if made is None or not np.isfinite(made) else float(made))
        model.train(instance)
    print(json.dumps({"predictions": predictions, "seconds": time.process_time() - start}))


if __name__ == "__main__":
    main()
