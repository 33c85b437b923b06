"""Many keys in one stream: memory, records a second, and what a checkpoint costs.

``python tests/benchmarks/keys.py``: LSTM(8) with SnAp1 and Adam, 4 inputs; records of keys
drawn evenly, which is the worst for contexts that are not in memory.  Every line is a process
of its own, whose peak of resident memory is that of the operating system (`getrusage`).

    fresh     records/s while every key comes for the first time
    steady    records/s after that
    full      seconds and MB of the first checkpoint
    one %     the same of a checkpoint after one key in a hundred has changed
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

LINES = [("none", 1), ("weights", 100_000), ("weights", 10_000), ("nothing", 10_000)]
BATCH = 1000


def make(share, limit):
    from stream_rnn import LSTM, Adam, Keyed, RecurrentRegressor, SnAp1

    model = RecurrentRegressor(LSTM(8), SnAp1(), Adam(0.01), seed=1)
    return model if share == "none" else Keyed(model, "id", share, limit)


def batches(owners, rng, keyed):
    """Records of *owners* (T,), as lists of features and targets."""
    for start in range(0, len(owners), BATCH):
        part = owners[start : start + BATCH].tolist()
        U, y = rng.normal(size=(len(part), 4)).tolist(), rng.normal(size=len(part)).tolist()
        xs = [dict(zip("abcd", u, strict=True)) for u in U]
        if keyed:
            for x, owner in zip(xs, part, strict=True):
                x["id"] = f"sensor-{owner}"
        yield xs, y


def learn(model, owners, rng, keyed):
    """Records a second of processor time, of `stream` alone."""
    taken = 0.0
    for xs, ys in batches(owners, rng, keyed):
        start = time.process_time()
        model.stream(xs, ys)
        taken += time.process_time() - start
    return len(owners) / taken


def save(store, task):
    start = time.perf_counter()
    meta, arrays = task.snapshot()
    store.save({"task": meta}, arrays, task.contexts)
    return time.perf_counter() - start, store.last_size / 1e6


def measure(share, limit, keys, records):
    from stream_rnn.checkpoints.store import Store
    from stream_rnn.features.rows import Rows
    from stream_rnn.service.task import Task

    rng, keyed = np.random.default_rng(0), share != "none"
    learn(make(share, limit), np.arange(2000) % 100, rng, keyed)  # compiles
    model = make(share, limit)
    result = {"fresh": learn(model, rng.permutation(keys), rng, keyed)}
    task = Task(model, Rows("y", key="id" if keyed else None))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        result["full"] = save(store, task)
        result["steady"] = learn(model, rng.integers(0, keys, records), rng, keyed)
        save(store, task)
        learn(model, rng.choice(keys, max(1, keys // 100), replace=False), rng, keyed)
        result["one %"] = save(store, task)
    result["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=200_000, help="after the first of each key")
    parser.add_argument("--line", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.line:
        share, limit = options.line.split(":")
        print(json.dumps(measure(share, int(limit), options.keys, options.records)))
        return
    print("| share | in memory | fresh | steady | full | one % | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for share, limit in LINES:
        command = [sys.executable, __file__, "--line", f"{share}:{limit}"]
        command += ["--keys", str(options.keys), "--records", str(options.records)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
        full, part = ("{:.2f} s, {:.1f} MB".format(*found[name]) for name in ("full", "one %"))
        print(
            f"| {share} | {limit if share != 'none' else '-':,} | {found['fresh']:,.0f} "
            f"| {found['steady']:,.0f} | {full} | {part} | {found['MiB']:,.0f} |"
            if share != "none"
            else f"| no keys | | {found['fresh']:,.0f} | {found['steady']:,.0f} | {full} | {part} "
            f"| {found['MiB']:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
