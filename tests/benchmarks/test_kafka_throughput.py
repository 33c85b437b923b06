"""Records a second on Kafka: the client alone, the source, the pipelines; all in one run.

    pytest tests/benchmarks/test_kafka_throughput.py -s -p no:benchmark

Every rate is the best of three, of records of about 100 bytes in one partition.  The cost of
transactions is that of 1000 records each: the time from the first batch to the last one, against
the same run at least once, which sends the same records without transactions.  The same is also
said of processor time, which is little disturbed by what else the machine does.
"""

import json
import os
import time

import numpy as np
import pytest
from kafka_broker import CLIENTS, kafka

from connectors.kafka.settings import KafkaSettings
from connectors.kafka.source import KafkaSource
from stream_rnn.assembly.service import service
from stream_rnn.config import parse
from stream_rnn.service.exactly_once.partition import PartitionRun
from stream_rnn.service.observers import Observer

COUNT = int(os.environ.get("KAFKA_BENCHMARK_RECORDS", "200000"))
REPEATS = int(os.environ.get("KAFKA_BENCHMARK_ROUNDS", "3"))


def message(n: int) -> bytes:
    row = {"a": n * 0.5, "b": n % 7 * 1.25, "c": n % 13 - 6.5, "d": n % 17 * 0.125}
    return json.dumps({**row, "e": 1 / (n + 1), "y": n % 11 * 0.25}).encode()


@pytest.fixture(scope="module")
def topic(topics):
    name = topics.make(hint="bench")
    topics.produce(name, [message(n) for n in range(COUNT)])
    return name


class Rates:
    """Wall and CPU time of what is measured."""

    def __init__(self):
        self.table: dict[str, tuple[float, float]] = {}

    def measure(self, name: str, run, *arguments) -> None:
        best = []
        for _ in range(REPEATS):
            wall, cpu = time.perf_counter(), time.process_time()
            count = run(*arguments)
            best.append((count / (time.perf_counter() - wall), count / (time.process_time() - cpu)))
        self.table[name] = max(best)
        print(f"\n{name:42} {max(best)[0]:10,.0f}/s wall {max(best)[1]:10,.0f}/s CPU", end="")

    def ratio(self, name: str, base: str) -> float:
        return self.table[name][0] / self.table[base][0]


@pytest.fixture(scope="module")
def rates():
    return Rates()


def raw_poll(bootstrap: str, topic: str) -> int:
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_bytes=8 << 20,
        max_partition_fetch_bytes=8 << 20,
    )
    place = kafka.TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek(place, 0)
    count = 0
    while count < COUNT:
        count += sum(map(len, consumer.poll(1000, max_records=5000).values()))
    consumer.close()
    return count


def source(settings: KafkaSettings, topic: str) -> int:
    reader, count = KafkaSource(settings, topic, stop_at_end=True), 0
    while not reader.finished:
        count += len(reader.next_batch(5000, 1.0))
    reader.close()
    return count


CONFIG = """
source = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{topic}", client = "{client}", \
stop_at_end = true, group = "{group}"}}
sink = {sink}
features = {{target = "y"}}
estimator = {{type = "regressor", cell = {{type = "LSTM", units = 8}}}}
metrics = {{enabled = false}}
run.batch_records = 1000
run.transaction_records = {batch}
{more}
"""


class Nothing:
    """An estimator that neither learns nor predicts."""

    def stream(self, xs, ys):
        return [{"prediction": 0.0} for _ in xs]

    def snapshot(self):
        return {}, {}

    def health(self):
        return {}


class Span(Observer):
    """The rate from the end of the first batch to the end of the last: start and end left out."""

    def __init__(self):
        self.times, self.counts = [], []

    def batch(self, _pipeline, outcome):
        self.times.append((time.perf_counter(), time.process_time()))
        self.counts.append(outcome.counts["consumed"])

    @property
    def rates(self) -> np.ndarray:
        """By the clock, and by processor time of this process."""
        return sum(self.counts[1:]) / np.subtract(self.times[-1], self.times[0])


def run(text: str, learns: bool = True, span: Span | None = None) -> int:
    line = service(parse(text), (span,) if span else ())
    if not learns:
        make = line.make_run

        def without(partition) -> PartitionRun:
            learner = make(partition)
            learner.task.estimator = Nothing()
            return learner

        line.make_run = without
    count = line.run()["consumed"]
    line.close()
    return count


def config(topics, topic, folder, client, exactly_once, batch=1000):
    """To a file (False), to a topic at least once (None) or exactly once (True)."""
    options = {"bootstrap": topics.bootstrap, "topic": topic, "client": client, "batch": batch}
    out = folder / f"{time.time()}.jsonl" if exactly_once is False else topics.make(hint="out")
    sink = f'{{type = "file", path = "{out}"}}'
    if exactly_once is not False:
        sink = (
            f'{{type = "kafka", bootstrap = "{topics.bootstrap}", topic = "{out}", '
            f'client = "{client}"}}'
        )
    more = f'checkpoint = {{url = "{folder}/{time.time()}"}}'
    if exactly_once is None:
        more += '\nrun.delivery = "at-least-once"'
    group = f"bench-{time.time()}"
    return CONFIG.format(**options, sink=sink, group=group, more=more)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", CLIENTS)
def test_rates(topics, topic, rates, tmp_path, client):
    settings = KafkaSettings(topics.bootstrap, client=client)
    if "raw poll" not in rates.table:
        rates.measure("raw poll", raw_poll, topics.bootstrap, topic)
    run(config(topics, topic, tmp_path, client, False))  # compiles

    def learning(exactly_once, learns=True, batch=1000):
        return run(config(topics, topic, tmp_path, client, exactly_once, batch), learns)

    rates.measure(f"{client}: source", source, settings, topic)
    rates.measure(f"{client}: to a file", learning, False)
    rates.measure(f"{client}: at least once", learning, None)
    rates.measure(f"{client}: exactly once", learning, True)
    rates.measure(f"{client}: exactly once, not learning", learning, True, False)
    for part, base in [
        (f"{client}: source", "raw poll"),
        (f"{client}: to a file", "raw poll"),
        (f"{client}: exactly once", f"{client}: at least once"),
        (f"{client}: exactly once", f"{client}: exactly once, not learning"),
    ]:
        print(f"\n{part} / {base} = {rates.ratio(part, base):.2f}", end="")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_transactions_cost(topics, topic, tmp_path, client):
    """1000 records each; the two ways take turns, so that a busy machine slows both."""
    run(config(topics, topic, tmp_path, client, False))  # compiles
    rates: dict[str, list[np.ndarray]] = {"at least once": [], "exactly once": []}
    rates["not learning"] = []
    for _ in range(REPEATS):
        for name, exactly_once in (
            ("at least once", None),
            ("exactly once", True),
            ("not learning", True),
        ):
            span = Span()
            text = config(topics, topic, tmp_path, client, exactly_once, 1000)
            run(text, name != "not learning", span)
            rates[name].append(span.rates)
            wall, cpu = span.rates
            print(f"\n{client}: {name:16} {wall:10,.0f}/s wall {cpu:10,.0f}/s CPU", end="")
    best = {name: np.max(found, axis=0) for name, found in rates.items()}
    cost = 1 - best["exactly once"] / best["at least once"]
    share = best["exactly once"] / best["not learning"]
    for n, clock in enumerate(("wall", "CPU")):
        print(
            f"\n{client}, {clock}: transactions cost {cost[n]:.1%}; "
            f"learning on / off = {share[n]:.2f}",
            end="",
        )
    assert share[0] >= 0.70
