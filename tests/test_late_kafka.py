"""Labels in Kafka: in the records' topic, in one of their own, and after kill -9."""

import json
import random
import time

import numpy as np
import pytest
from kafka_broker import CLIENTS_IN_TURN, kafka, make_again
from kafka_service import TABLES, Service, river_rows

from connectors.base import Lost
from stream_rnn.assembly.parts import task
from stream_rnn.assembly.service import service
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import load, parse
from stream_rnn.errors import ConfigError
from stream_rnn.metrics import Metrics

CONFIG = (
    """
features = {{target = "approval"}}
labels = {{key = "id"{labels}}}
checkpoint = {{url = "checkpoints", every_records = {every}}}
metrics = {{port = 0}}
run = {{batch_records = 40, transaction_records = 20, transaction_seconds = 0.02{run}}}

"""
    + TABLES
    + """
[estimator]
type = "regressor"
cell = {{type = "LSTM", units = 4}}
learner = "SnAp1"
optimizer = [{{type = "Clip"}}, {{type = "Adam", lr = 0.002}}]
seed = 7
"""
)


class LateJob:
    """Topics of records and labels, and what labels in time would have taught."""

    def __init__(
        self, topics, folder, client="kafka-python", alone=False, run="", every=300, session=30
    ):
        self.topics, self.folder, self.alone = topics, folder, alone
        self.names = {hint: topics.make(hint=hint) for hint in ("topic", "out", "dead", "told")}
        labels = "" if alone else f', topic = "{self.names["told"]}", within = "1h"'
        self.config = folder / "late.toml"
        self.config.write_text(
            CONFIG.format(
                bootstrap=topics.bootstrap,
                client=client,
                labels=labels,
                run=run,
                every=every,
                session=session,
                **{name: topic for name, topic in self.names.items() if name != "told"},
            )
        )
        self.rows: list[dict] = []
        self.began = time.time() - 10_000

    def send(self, count, delay):
        """*count* records, one a second; the label of each comes up to *delay* seconds later."""
        rng = random.Random(count)
        start = len(self.rows)
        rows = [{"id": start + n, **row} for n, row in enumerate(river_rows(count))]
        self.rows += rows
        sent = [
            (row["id"], "topic", {k: v for k, v in row.items() if k != "approval"}) for row in rows
        ]
        sent += [
            (row["id"] + rng.uniform(0, delay), "topic" if self.alone else "told", told)
            for row in rows
            for told in [{"id": row["id"], "approval": row["approval"]}]
        ]
        producer = kafka.KafkaProducer(bootstrap_servers=self.topics.bootstrap, linger_ms=20)
        for at, name, value in sorted(sent, key=lambda one: one[0]):
            milliseconds = round((self.began + at) * 1000)
            producer.send(self.names[name], json.dumps(value).encode(), timestamp_ms=milliseconds)
        producer.flush()
        producer.close()

    def results(self):
        return [json.loads(record.value) for record in self.topics.read(self.names["out"])[0]]

    def checkpoint(self):
        return Store(self.folder / "checkpoints" / f"{self.names['topic']}-0").load_newest()

    def verify(self):
        """Every prediction once and in order; parameters as if labels had come with records."""
        assert [row["id"] for row in self.results()] == list(range(len(self.rows)))
        newest = self.checkpoint()
        count = len(self.rows)
        counters = {"consumed": 2 * count, "predicted": count, "learned": count, "refused": 0}
        assert newest.manifest["counters"] == counters
        config = load(self.config, ["labels.max_pending=1"])
        truth = task(config)
        truth.rows.missing_target = "refuse"
        xs, ys = truth.rows.transform(self.rows)
        learner = truth.estimator.late
        learner.stream(xs, ys)
        for name, array in learner.snapshot().arrays.items():
            assert np.array_equal(newest.arrays[f"learner/{name}"], array, equal_nan=True), name


@pytest.fixture
def job(topics, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda **options: LateJob(topics, tmp_path, **options)


@pytest.mark.parametrize("alone", [True, False])
def test_labels_in_the_same_topic_and_in_their_own(job, alone):
    late = job(alone=alone)
    late.send(400, delay=60)
    counters = service(load(late.config)).run()
    assert counters == {"consumed": 800, "predicted": 400, "learned": 400, "refused": 0}
    late.verify()
    late.send(300, delay=5)
    assert service(load(late.config)).run()["learned"] == 300
    late.verify()


def test_at_least_once_over_two_topics(job):
    late = job(run=', delivery = "at-least-once"')
    late.send(300, delay=30)
    line = service(load(late.config))
    assert line.run() == {"consumed": 600, "predicted": 300, "learned": 300, "refused": 0}
    line.close()
    assert [row["id"] for row in late.results()] == list(range(300))


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS_IN_TURN)
def test_kills_change_nothing(job, client):
    late = job(client=client, session=6)
    late.send(3000, delay=200)
    rng = random.Random(5)
    for share in (0.0, 0.5):
        with Service(late.config) as running:
            deadline = time.monotonic() + 240  # the first one compiles
            while len(late.results()) <= share * 3000 and running.process.poll() is None:
                assert time.monotonic() < deadline, running.log
            time.sleep(rng.uniform(0, 0.05))
            running.kill()
    with Service(late.config) as running:
        assert running.wait(240) == 0, running.log
    assert "in another order" not in running.log
    late.verify()


def test_a_bad_label_is_a_dead_letter_and_not_its_record(topics, job):
    late = job()
    late.send(50, delay=5)
    bad = [b"{", b'{"id": 3}', b'{"approval": 4.0}', b'{"id": 3, "approval": "much"}']
    topics.produce(late.names["told"], bad)
    counters = service(load(late.config)).run()
    assert counters == {"consumed": 104, "predicted": 50, "learned": 50, "refused": 4}
    letters = topics.read(late.names["dead"])[0]
    assert [letter.value for letter in letters] == bad
    headers = [dict(letter.headers) for letter in letters]
    assert {h["topic"].decode() for h in headers} == {late.names["told"]}
    assert [h["reason"] for h in headers] == [b"undecodable", b"missing_target", b"label", b"label"]


def test_what_the_configuration_refuses(topics, job, monkeypatch):
    late = job()
    wide = topics.make(partitions=2)
    with pytest.raises(ConfigError, match=r"has 2 partitions, source\.topic .* has 1"):
        service(load(late.config, [f"labels.topic={wide}"]))
    with pytest.raises(ConfigError, match=r"labels: topic 'nowhere' does not exist"):
        service(load(late.config, ["labels.topic=nowhere"]))
    with pytest.raises(ConfigError, match=r"labels\.source: with delivery"):
        service(load(late.config, ['labels={key="id", source={type="file", path="l.csv"}}']))
    with pytest.raises(ConfigError, match="is the source's own topic"):
        parse(late.config.read_text(), [f"labels.topic={late.names['topic']}"])


@pytest.mark.slow
def test_labels_made_again_are_skipped_and_the_records_stay(job, topics, caplog):
    """The labels' topic is another one: its labels count from its beginning, no record twice."""
    late = job()
    late.send(200, delay=5)
    assert service(load(late.config)).run()["learned"] == 200
    make_again(topics, late.names["told"])
    late.send(100, delay=5)  # to both topics, the labels to the new one
    with pytest.raises(Lost, match=r"made again since the checkpoint.*lost_position = 'skip'"):
        service(load(late.config)).run()
    metrics = Metrics("m")
    skip = ["checkpoint.lost_position='skip'"]
    counters = service(load(late.config, skip), (metrics,)).run()
    assert counters["predicted"] == counters["learned"] == 100
    assert "stream_rnn_source_gaps_total 1.0" in metrics.text()
    assert [row["id"] for row in late.results()] == list(range(300))
    assert late.checkpoint().manifest["counters"]["learned"] == 300


@pytest.mark.slow
def test_records_made_again_are_skipped_and_the_labels_stay(job, topics):
    late = job()
    late.send(200, delay=5)
    assert service(load(late.config)).run()["learned"] == 200
    make_again(topics, late.names["topic"])
    late.send(100, delay=5)
    skip = ["checkpoint.lost_position='skip'"]
    assert service(load(late.config, skip)).run()["learned"] == 100
    assert [row["id"] for row in late.results()] == list(range(300))
