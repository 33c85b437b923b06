"""Records of many keys in files, queries over them, and what one process makes of the same."""

import json
import os
import warnings

import numpy as np

from stream_rnn import (
    LSTM,
    RTRL,
    Kalman,
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentRegressor,
    TextPredictor,
)
from stream_rnn.spark import learn

SCHEMA = "id long, key string, a double, b double, y double, c string, text string"

#: Estimator, target, features.
CASES = {
    "regressor": (RecurrentRegressor(LSTM(4), RTRL(), Kalman(), seed=1), "y", ["a", "b"]),
    "classifier": (RecurrentClassifier(LSTM(4), seed=1), "c", ["a", "b"]),
    "forecaster": (RecurrentForecaster(horizons=(1, 3), seed=1), "y", []),
    "detector": (RecurrentAnomalyDetector(), None, ["a", "b"]),
    "text": (TextPredictor(preset="contexts"), None, ["text"]),
}


def records(keys, count, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        k, a, b = int(rng.integers(keys)), *np.round(rng.normal(size=2), 6).tolist()
        y = round(0.7 * a - 0.4 * b + 0.1 * k, 6)
        c = "up" if a > 0.3 else "down" if a < -0.3 else "same"
        text = f"sensor {k} is {c}"
        rows.append({"id": i, "key": f"k{k}", "a": a, "b": b, "y": y, "c": c, "text": text})
    return rows


def write(folder, rows, files, first=0):
    """*rows* in so many files, whose times rise: by them Spark orders what it reads."""
    os.makedirs(folder, exist_ok=True)
    per = -(-len(rows) // files)
    for n in range(files):
        path = os.path.join(folder, f"{first + n:05d}.jsonl")
        with open(path + ".tmp", "w") as out:
            for row in reversed(rows[n * per : (n + 1) * per]):  # `order` must undo it
                out.write(json.dumps(row) + "\n")
        os.utime(path + ".tmp", (1.7e9 + first + n, 1.7e9 + first + n))
        os.rename(path + ".tmp", path)


def query(spark, case, folder, work, **more):
    """What `learn` makes of all files in *folder*, in parquet; it ends when all are read."""
    estimator, target, features = CASES[case]
    df = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(str(folder))
    out = learn(df, estimator, key="key", target=target, order="id", features=features, **more)
    return run(out, work)


def run(out, work):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer = out.writeStream.option("checkpointLocation", f"{work}/checkpoint")
        writer = writer.trigger(availableNow=True).format("parquet").option("path", f"{work}/out")
        started = writer.start()
        started.awaitTermination()
    return started


def read(spark, work):
    """The rows of a sink as dicts, by id."""
    found = [row.asDict(recursive=True) for row in spark.read.parquet(f"{work}/out").collect()]
    by_id = {row["id"]: row for row in found}
    assert len(by_id) == len(found)
    return by_id


def plain(case, rows):
    """Results by id, and models by key, of one process and one record at a time."""
    estimator, target, features = CASES[case]
    models, results = {}, {}
    for row in rows:
        model = models.setdefault(row["key"], estimator.clone())
        x = {name: row[name] for name in features}
        results[row["id"]] = model.stream([x], [target and row[target]])[0]
    return results, models


def same_row(got, expected):
    """Whether a row of Spark's holds exactly this result."""
    assert got["error"] is None
    for name, value in expected.items():
        if name == "top":
            value = [{"symbol": s, "probability": p} for s, p in value]
        assert got[name] == value, name
    return True


def same_state(a, b):
    (mine, meta), (theirs, other) = a.snapshot(), b.snapshot()
    return meta == other and {n: v.tobytes() for n, v in mine.items()} == {
        n: v.tobytes() for n, v in theirs.items()
    }
