"""A topic that takes less than the configuration says: a letter, and the others go on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka_broker import CLIENTS, kafka
from kafka_chaos import Job

from connectors.kafka.limits import Limits, topic_limits
from connectors.kafka.messages import OVERHEAD, dead_letter
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.sink import KafkaSink
from stream_rnn.assembly.service import service
from stream_rnn.config import load


def reach(topics, client):
    return KafkaSettings.from_options({"bootstrap": topics.bootstrap, "client": client})


def narrow(topics, topic, size):
    """What an operator does to a topic."""
    resource = kafka.admin.ConfigResource("topic", topic, {"max.message.bytes": str(size)})
    topics._admin.alter_configs([resource])


@pytest.mark.parametrize("client", CLIENTS)
def test_a_topic_tells_its_limit(topics, client):
    small, usual = topics.make(max_message_bytes="2000"), topics.make()
    found = topic_limits(reach(topics, client), [small, usual])
    assert found == {small: 2000, usual: 1_048_588}


def test_one_that_does_not_tell_is_named(topics, caplog):
    assert Limits(reach(topics, CLIENTS[0]), ["not-there"]).now() == {}
    assert "topic not-there does not tell its max.message.bytes" in caplog.text


@pytest.mark.parametrize("client", CLIENTS)
def test_a_result_that_the_topic_does_not_take_is_a_letter(topics, tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    job = Job(topics, tmp_path, every=500, client=client)
    narrow(topics, job.out, 3000)
    narrow(topics, job.dead, 1500)
    [messages] = job.shares(12)
    row = {**json.loads(messages[5]), "note": "x" * 4000}
    job.send(0, [*messages[:5], json.dumps(row).encode(), *messages[6:]])
    keep = ["run.copy=['ordinal_date', 'note']", "features.exclude=['note']"]
    assert service(load(job.config, keep)).run()["predicted"] == 11
    offsets = [json.loads(record.value)["offset"] for record in topics.read(job.out)[0]]
    assert offsets == [n for n in range(12) if n != 5]
    [letter] = topics.read(job.dead)[0]
    told = dict(letter.headers)
    assert (told["reason"], told["offset"]) == (b"unwritable", b"5")
    assert b"more than the 3000 that one message may have" in told["error"]
    assert len(letter.value) < 1500 < int(told["truncated"])


def test_rows_of_a_sink_too(topics):
    topic = topics.make(max_message_bytes="3000")
    sink = KafkaSink(reach(topics, CLIENTS[-1]), topic)
    rows = [{"n": n, "text": "x" * 200} for n in range(100)]  # more than a batch may hold
    sink.write(rows)
    sink.flush()
    sink.close()
    assert [json.loads(record.value)["n"] for record in topics.read(topic)[0]] == [*range(100)]


@given(
    st.binary(max_size=3000),
    st.none() | st.binary(max_size=3000),
    st.text(max_size=3000),
    st.integers(700, 4000),
)
def test_a_letter_fits_whatever_is_in_it(raw, key, error, limit):
    row = {"partition": "rivers-0", "offset": 2**60, "error": error, "raw": raw.hex()}
    value, key, headers = dead_letter(row, key, topic_bytes=limit)
    size = sum(len(name) + len(content) + 10 for name, content in headers)
    assert OVERHEAD + len(value) + len(key or b"") + size <= limit
    assert raw.hex().encode().startswith(value)
