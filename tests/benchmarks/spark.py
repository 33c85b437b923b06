"""Spark beside one process: CPU and time a record for 10, 1,000 and 20,000 keys.

Run from the repository root: ``python tests/benchmarks/spark.py [--keys 10 1000]``.  Prints a table
in Markdown.  A regressor LSTM(8) with RTRL and a Kalman filter, local[2], heap 1 GB, states in
RocksDB on disk; two partitions, no sink.  One batch goes before, so that workers are there and
code is loaded.  CPU is that of driver, JVM and Python workers together; of one process, its own.
``--disk`` is one row of 100,000 keys, one record each, with the memory that it took.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from itertools import count

import numpy as np
import psutil

from stream_rnn import LSTM, RTRL, Kalman, Keyed, RecurrentRegressor
from stream_rnn.spark import learn

MODEL = RecurrentRegressor(LSTM(8), RTRL(), Kalman(), seed=1)
SCHEMA = "id long, key string, a double, b double, y double"
SIZES = {10: (5000, 500), 1000: (50, 5), 20_000: (1,)}  # keys: records a key and batch
BATCHES = 2


def records(keys, per_key, seed):
    rng = np.random.default_rng(seed)
    owners = np.tile(np.arange(keys), per_key)
    a, b = np.round(rng.normal(size=(2, len(owners))), 6)
    y = np.round(0.7 * a - 0.4 * b, 6)
    return zip(owners.tolist(), a.tolist(), b.tolist(), y.tolist())


def write(path, rows, number):
    with open(path, "w") as out:
        for k, a, b, y in rows:
            row = {"id": next(number), "key": f"k{k}", "a": a, "b": b, "y": y}
            out.write(json.dumps(row) + "\n")


def processor_seconds():
    """Of this process and all below it."""
    total = 0.0
    for process in [me := psutil.Process(), *me.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def memory():
    """The largest resident set of the JVM, of a Python worker, in MB."""
    jvm, worker = 0, 0
    for process in psutil.Process().children(recursive=True):
        try:
            size = process.memory_info().rss
            if "java" in process.name():
                jvm = max(jvm, size)
            else:
                worker = max(worker, size)
        except psutil.NoSuchProcess:
            continue
    return jvm / 1e6, worker / 1e6


def in_spark(spark, keys, per_key, folder, runs=((0, 1), (1, BATCHES))):
    """Seconds of CPU and of time, records, bytes on disk: of the last of *runs* of batches."""
    number = count()
    os.makedirs(f"{folder}/in")
    df = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(f"{folder}/in")
    out = learn(df, MODEL, key="key", target="y", order="id")
    spent = []
    for first, files in runs:
        for n in range(first, first + files):
            write(f"{folder}/{n}.tmp", records(keys, per_key, n), number)
            os.utime(f"{folder}/{n}.tmp", (1.7e9 + n, 1.7e9 + n))
            os.rename(f"{folder}/{n}.tmp", f"{folder}/in/{n}.jsonl")
        begin = processor_seconds(), time.perf_counter()
        writer = out.writeStream.option("checkpointLocation", f"{folder}/checkpoint")
        writer.trigger(availableNow=True).format("noop").start().awaitTermination()
        spent.append((processor_seconds() - begin[0], time.perf_counter() - begin[1]))
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs)
    return *spent[-1], runs[-1][1] * keys * per_key, size


def in_one_process(keys, per_key):
    model = Keyed(MODEL, "key", share="nothing", max_contexts=keys)
    for n in range(1 + BATCHES):
        rows = list(records(keys, per_key, n))
        xs = [{"key": f"k{k}", "a": a, "b": b} for k, a, b, _ in rows]
        ys = [y for *_, y in rows]
        if n == 1:
            begin = time.process_time()
        for at in range(0, len(xs), 1000):
            model.stream(xs[at : at + 1000], ys[at : at + 1000])
    return time.process_time() - begin, BATCHES * keys * per_key


def session():
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "1g")
    for name, value in {
        "ui.enabled": "false",
        "ui.showConsoleProgress": "false",
        "python.unix.domain.socket.enabled": "true",
        "executorEnv.MALLOC_TRIM_THRESHOLD_": "100000000",
        "driver.host": "127.0.0.1",
        "driver.bindAddress": "127.0.0.1",
        "sql.shuffle.partitions": "2",
        "log.level": "ERROR",
    }.items():
        builder = builder.config(f"spark.{name}", value)
    return builder.getOrCreate()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--disk", action="store_true")
    options = parser.parse_args()
    spark = session()
    print("| keys | records a key and batch | one process, CPU µs | Spark, CPU µs | ratio "
          "| Spark, records/s |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for keys in [100_000] if options.disk else options.keys:
        for per_key in SIZES.get(keys, (1,)):
            with tempfile.TemporaryDirectory() as folder:
                runs = {"runs": ((0, 1),)} if options.disk else {}
                cpu, wall, done, size = in_spark(spark, keys, per_key, folder, **runs)
            if options.disk:
                jvm, worker = memory()
                print(f"100,000 keys: {wall:.0f} s, {cpu / done * 1e6:.0f} µs of CPU a record; "
                      f"JVM {jvm:.0f} MB, a worker {worker:.0f} MB, "
                      f"disk {size / 1e6:.0f} MB", flush=True)  # fmt: skip
                continue
            own, same = in_one_process(keys, per_key)
            plain, there = own / same * 1e6, cpu / done * 1e6
            print(f"| {keys:,} | {per_key:,} | {plain:.0f} | {there:.0f} | {there / plain:.1f} "
                  f"| {done / wall:,.0f} |", flush=True)  # fmt: skip
    spark.stop()


if __name__ == "__main__":
    main()
