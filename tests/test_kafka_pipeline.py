"""The whole way, on a real broker: a topic in, ``stream-rnn run``, a topic out."""

import json
import re
import time

import pytest
from kafka_service import Service, as_messages, river_rows

from stream_rnn import LSTM, RTRL, Adam, Clip, ConfigError, RecurrentRegressor
from stream_rnn.assembly.service import service as build
from stream_rnn.config import load

BROKER = re.compile(r"127\.0\.0\.1:\d+")

CONFIG = """
source = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{topic}"}}
sink = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{out}"}}
dead_letter = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{dead}"}}
features = {{target = "approval"}}
checkpoint = {{url = "checkpoints", every_records = 300}}
metrics = {{port = 0}}
run = {{copy = ["ordinal_date"], delivery = "at-least-once"}}

[estimator]
type = "regressor"
cell = {{type = "LSTM", units = 6}}
learner = {{type = "RTRL"}}
optimizer = [{{type = "Clip", limit = 1.0}}, {{type = "Adam", lr = 0.002}}]
seed = 7
"""


def estimator():
    return RecurrentRegressor(
        cell=LSTM(6), learner=RTRL(), optimizer=(Clip(1.0), Adam(0.002)), seed=7
    )


def in_process(rows):
    """The predictions of the same estimator, one record at a time."""
    model, predictions = estimator(), []
    for row in rows:
        x = {name: value for name, value in row.items() if name != "approval"}
        predictions.append(model.predict_one(x))
        model.learn_one(x, row["approval"])
    return predictions


@pytest.fixture
def job(topics, tmp_path):
    """Topics and the configuration of one run."""
    names = {
        "topic": topics.make(hint="in"),
        "out": topics.make(hint="out"),
        "dead": topics.make(hint="dead"),
    }
    config = tmp_path / "pipeline.toml"
    config.write_text(CONFIG.format(bootstrap=topics.bootstrap, **names))
    return config, names


def wait_until(ready, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_from_topic_to_topic_bit_for_bit(topics, job):
    config, names = job
    rows = river_rows()
    bad = [b"{", b'{"approval": 40.0, "ordinal_date": Infinity}', None]
    half = len(rows) // 2
    messages = as_messages(rows)
    topics.produce(names["topic"], [*messages[:half], *bad])
    with Service(config) as service:
        service.wait_for("metrics on")
        topics.produce(names["topic"], messages[half:])
        wait_until(
            lambda: service.metrics()["stream_rnn_records_consumed_total"] == len(rows) + len(bad)
        )
        metrics = service.metrics()
        assert service.terminate() == 0, service.log
    assert metrics["stream_rnn_records_predicted_total"] == len(rows)
    assert metrics["stream_rnn_records_learned_total"] == len(rows)
    refused = 'stream_rnn_records_dead_lettered_total{reason="undecodable"}'
    assert metrics[refused] == len(bad) - 1
    assert metrics["stream_rnn_records_passed_over_total"] == 1  # the tombstone
    lag = f'stream_rnn_consumer_lag_records{{partition="0",topic="{names["topic"]}"}}'
    assert metrics[lag] == 0

    written = topics.read(names["out"])[0]
    results = [json.loads(record.value) for record in written]
    assert [row["prediction"] for row in results] == in_process(rows)
    assert [row["target"] for row in results] == [row["approval"] for row in rows]
    assert [row["ordinal_date"] for row in results] == [row["ordinal_date"] for row in rows]
    offsets = [*range(half), *range(half + len(bad), len(rows) + len(bad))]
    assert [row["offset"] for row in results] == offsets
    letters = topics.read(names["dead"])[0]
    assert [letter.value for letter in letters] == bad[:-1]


def test_a_killed_run_repeats_but_loses_and_changes_nothing(topics, job):
    config, names = job
    rows = river_rows()
    topics.produce(names["topic"], as_messages(rows))
    with Service(config, "--set", "run.batch_records=40") as service:
        wait_until(lambda: len(topics.read(names["out"])[0]) > 350)
        service.kill()
    with Service(config, "--set", "source.stop_at_end=true") as service:
        assert service.wait() == 0, service.log
    expected = in_process(rows)
    seen = {}
    for record in topics.read(names["out"])[0]:
        row = json.loads(record.value)
        assert seen.setdefault(row["offset"], row["prediction"]) == expected[row["offset"]]
    assert len(seen) == len(rows)


def test_a_sink_is_never_its_source_under_another_address(job):
    """A topic is known by its id; --check asks no broker."""
    config, names = job
    text = config.read_text()
    sink = f'sink.bootstrap="{BROKER.search(text)[0].replace("127.0.0.1", "localhost")}"'
    for part in ("sink", "dead_letter"):
        override = [sink.replace("sink", part), f"{part}.topic='{names['topic']}'"]
        with pytest.raises(ConfigError, match=rf"{part}: topic '.*' on localhost:.* is what the"):
            build(load(config, override))
    build(load(config, [sink])).close()  # another topic of the same cluster
