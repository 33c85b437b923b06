"""The Kafka source and sink on a real broker."""

import json
import time

import pytest
from kafka_broker import CLIENTS, kafka

from connectors.base import Record, SourceError, Unreachable, Unwritable
from connectors.dead_letter import letter
from connectors.kafka.driver import Gone
from connectors.kafka.positions import offsets_in, position_of
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.sink import KafkaSink
from connectors.kafka.source import KafkaSource


@pytest.fixture(params=CLIENTS)
def settings(request, kafka_bootstrap):
    return KafkaSettings(kafka_bootstrap, client=request.param)


def rows(n, start=0):
    return [json.dumps({"n": i, "level": i / 8}).encode() for i in range(start, start + n)]


def drain(source, size=64):
    records = []
    while not source.finished:
        records += source.next_batch(size, 0.5)
    return records


def offsets(source):
    """Its position without the ids of topics."""
    return position_of(offsets_in(source.snapshot()), {})


def opened(settings, topic, **options):
    return KafkaSource(settings, topic, stop_at_end=True, **options)


def test_reads_everything_in_order_with_offsets_keys_and_timestamps(topics, settings):
    topic = topics.make(partitions=2)
    topics.produce(topic, rows(500), partition=0, keys=[b"a"] * 500)
    topics.produce(topic, rows(300, 1000), partition=1)
    source = opened(settings, topic)
    records = drain(source)
    source.close()
    by_partition = {
        name: [r for r in records if r.partition == name] for name in (f"{topic}-0", f"{topic}-1")
    }
    first, second = by_partition.values()
    assert [r.value["n"] for r in first] == list(range(500))
    assert [r.value["n"] for r in second] == list(range(1000, 1300))
    assert [r.offset for r in first] == list(range(500))
    assert {r.key for r in first} == {b"a"}
    assert {r.key for r in second} == {None}
    assert all(1.7e9 < r.timestamp < 1e10 for r in records)
    assert first[3].raw == b'{"n": 3, "level": 0.375}'


def test_the_position_is_that_of_the_last_record_handed_out(topics, settings):
    topic = topics.make()
    topics.produce(topic, rows(100))
    source = opened(settings, topic)
    assert offsets(source) == {topic: {"0": 0}}
    before = source.next_batch(37, 5.0)
    position = json.loads(json.dumps(source.snapshot()))
    assert position[topic]["0"] == 37
    source.next_batch(20, 5.0)
    source.close()
    again = opened(settings, topic)
    again.restore(position)
    assert again.lag() == {f"{topic}-0": 63}
    after = drain(again)
    assert [r.value["n"] for r in before + after] == list(range(100))
    assert again.lag() == {f"{topic}-0": 0}
    again.close()


def test_chosen_partitions_and_latest_start(topics, settings):
    topic = topics.make(partitions=3)
    for partition in range(3):
        topics.produce(topic, rows(5, 10 * partition), partition=partition)
    source = opened(settings, topic, partitions=[2])
    assert [r.value["n"] for r in drain(source)] == [20, 21, 22, 23, 24]
    source.close()
    latest = KafkaSource(settings, topic, partitions=[1], start="latest")
    assert latest.next_batch(10, 0.3) == []
    topics.produce(topic, rows(2, 50), partition=1)
    assert [r.value["n"] for r in latest.next_batch(10, 10.0)] == [50, 51]
    assert not latest.finished
    latest.close()


def test_a_partition_that_is_added_is_read_from_its_beginning(topics, settings, monkeypatch):
    monkeypatch.setattr("connectors.kafka.source.METADATA_SECONDS", 0.2)
    for driver in ("python_consumer", "confluent_consumer"):
        monkeypatch.setattr(f"connectors.kafka.{driver}.METADATA_SECONDS", 0.2)
    topic = topics.make()
    topics.produce(topic, rows(3))
    source = KafkaSource(settings, topic, start="latest")
    position = source.snapshot()
    assert position[topic]["0"] == 3
    topics._admin.create_partitions({topic: 2})
    topics.produce(topic, rows(5, 100), partition=1)
    seen, deadline = [], time.monotonic() + 30
    while len(seen) < 5 and time.monotonic() < deadline:
        seen += [record.value["n"] for record in source.next_batch(10, 0.5)]
    assert seen == [100, 101, 102, 103, 104]
    assert offsets(source) == {topic: {"0": 3, "1": 5}}
    source.close()
    again = KafkaSource(settings, topic, start="latest")  # as of a checkpoint before it was added
    again.restore(position)
    assert [record.value["n"] for record in again.next_batch(10, 10.0)] == seen
    again.close()


def for_a_while(source, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        source.next_batch(10, 0.5)


def test_a_topic_that_is_deleted_ends_the_run_with_a_sentence(topics, settings):
    topic = topics.make()
    topics.produce(topic, rows(3))
    source = KafkaSource(settings, topic)
    assert len(source.next_batch(10, 10.0)) == 3
    topics._admin.delete_topics([topic])
    with pytest.raises(Gone, match=f"{topic}.*has been deleted, or this user"):
        for_a_while(source)
    time.sleep(0.5)
    assert topic not in source._consumer.topics()  # nor has the client made it again
    source.close()


def test_bad_records_are_handed_out_with_their_reason(topics, settings):
    topic = topics.make()
    deep = b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"
    bad = [
        None,
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b'{"a": Infinity}',
        deep,
        b'{"a": "%s"}' % (b"x" * 999),
    ]
    topics.produce(topic, [b'{"a": 1}', *bad, b'{"a": {"b": [2]}}'])
    source = opened(settings, topic, max_record_bytes=500)
    good, *refused, last = drain(source)
    source.close()
    assert good.value == {"a": 1}
    assert last.value == {"a": {"b": [2]}}
    assert [r.raw for r in refused] == [value or b"" for value in bad]
    assert all(r.value is None for r in refused)
    words = [
        "tombstone",
        "not JSON",
        "not JSON",
        "not a JSON object",
        "not JSON",
        "not JSON",
        "nested",
        "more than the 500 allowed",
    ]
    for record, word in zip(refused, words, strict=True):
        assert word in record.error


def test_control_records_do_not_stop_a_bounded_run(topics, settings):
    topic = topics.make()
    producer = kafka.KafkaProducer(
        bootstrap_servers=topics.bootstrap, transactional_id=f"id-{topic}"
    )
    producer.init_transactions()
    for values, end in [(rows(5), "commit"), (rows(5, 100), "abort"), (rows(5, 5), "commit")]:
        producer.begin_transaction()
        for value in values:
            producer.send(topic, value, partition=0)
        producer.flush()
        getattr(producer, f"{end}_transaction")()
    producer.close()
    source = opened(settings, topic)
    records = drain(source)
    assert [r.value["n"] for r in records] == list(range(10))
    assert source.snapshot()[topic]["0"] == records[-1].offset + 1
    source.close()


def test_a_position_that_retention_deleted_is_refused_with_the_remedy(topics, settings):
    topic = topics.make()
    topics.produce(topic, rows(50))
    topics._admin.delete_records({kafka.TopicPartition(topic, 0): 30})
    source = opened(settings, topic)
    with pytest.raises(SourceError, match=r"offset 10.*before 30.*retention\.ms"):
        source.restore({topic: {"0": 10}})
    with pytest.raises(SourceError, match=r"offset 60.*ends at 50.*made again"):
        source.restore({topic: {"0": 60}})
    with pytest.raises(SourceError, match="not read here"):
        source.restore({topic: {"7": 0}})
    source.restore({topic: {"0": 30}})
    assert [r.value["n"] for r in drain(source)] == list(range(30, 50))
    source.close()


def test_a_missing_topic_or_partition_is_named(topics, settings):
    with pytest.raises(SourceError, match="'nowhere' does not exist"):
        KafkaSource(settings, "nowhere")
    topic = topics.make()
    with pytest.raises(SourceError, match=f"no partition {topic}-5"):
        KafkaSource(settings, topic, partitions=[5])


def test_the_sink_writes_json_keyed_and_in_order(topics, settings):
    topic = topics.make(partitions=3)
    sink = KafkaSink(settings, topic, key="site")
    sink.write([{"n": n, "site": f"s{n % 5}", "prediction": n / 3} for n in range(1000)])
    sink.flush()
    assert sink.snapshot() == {"written": 1000}
    sink.close()
    for records in topics.read(topic).values():
        numbers = [json.loads(r.value)["n"] for r in records]
        assert numbers == sorted(numbers)
        assert {r.key for r in records} <= {b"s0", b"s1", b"s2", b"s3", b"s4"}
    written = [json.loads(r.value) for rs in topics.read(topic).values() for r in rs]
    assert {row["n"]: row["prediction"] for row in written} == {n: n / 3 for n in range(1000)}


def test_dead_letters_keep_their_bytes(topics, settings):
    topic = topics.make()
    sink = KafkaSink(settings, topic, dead_letters=True)
    sink.write([{"partition": "a-0", "offset": 3, "error": "why", "raw_base64": "//4="}])
    sink.flush()
    sink.close()
    (record,) = topics.read(topic)[0]
    assert record.value == b"\xff\xfe"
    assert dict(record.headers) == {
        "topic": b"a",
        "partition": b"0",
        "offset": b"3",
        "error": b"why",
    }


def test_a_dead_letter_that_is_too_large_is_cut_and_says_so(topics, settings):
    """The largest record that a topic takes has no room for the letter's headers."""
    topic, raw = topics.make(), b"{" * 1_048_000
    sink = KafkaSink(settings, topic, dead_letters=True)
    sink.write([letter(Record(None, raw, "e" * 5000, "t-0", 3), stage="decode")])
    sink.close()
    [found] = topics.read(topic)[0]
    headers = dict(found.headers)
    assert found.value == raw[:1_000_000]
    assert headers["truncated"] == b"1048000"
    assert len(headers["error"].decode()) == 1001


def test_a_record_that_cannot_be_written_is_an_error(topics, settings):
    topic = topics.make(max_message_bytes="2000")
    sink = KafkaSink(settings, topic)
    with pytest.raises(Unwritable, match="5111 bytes, more than the 2000"):
        sink.write([{"text": "x" * 5000}])
    sink.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_no_broker_is_an_error_that_says_what_to_check(monkeypatch, client):
    module = {"confluent": "confluent_consumer", "kafka-python": "python_consumer"}[client]
    monkeypatch.setattr(f"connectors.kafka.{module}.BOOTSTRAP_SECONDS", 0.3)
    with pytest.raises(Unreachable, match=r"no Kafka broker at 127\.0\.0\.1:9 .*check"):
        KafkaSource(KafkaSettings("127.0.0.1:9", client=client), "any")
