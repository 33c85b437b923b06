"""When an exactly-once run refuses to start, and what it says then."""

import shutil
import threading
import time

import numpy as np
import pytest
from kafka_broker import CLIENTS, kafka
from kafka_chaos import Job

from connectors.base import Denied, SinkError, SourceError, Unreachable
from connectors.kafka.clients import open_consumer
from connectors.kafka.driver import Fenced, GroupOptions, Partition
from connectors.kafka.python_consumer import PythonConsumer
from connectors.kafka.records import JsonMessages
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.transactions import TransactionalSink
from stream_rnn.assembly.exactly_once import delivery, with_one_client
from stream_rnn.assembly.service import service
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import load, parse
from stream_rnn.errors import CheckpointError, ConfigError
from stream_rnn.metrics import Metrics
from stream_rnn.service.exactly_once.session import Session


def run(job):
    """In this process, over all that was sent."""
    return service(load(job.config)).run()


@pytest.fixture
def job(topics, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = Job(topics, tmp_path, every=500)
    job.fill(700)
    return job


def group_offset(topics, job, offset):
    place = kafka.TopicPartition(job.topic, 0)
    value = kafka.structs.OffsetAndMetadata(offset, "", -1)
    topics._admin.alter_group_offsets(job.topic, {place: value})


def test_a_second_run_goes_on_where_the_first_ended(job):
    assert run(job)["consumed"] == 700
    job.send(0, job.sent[0][:50])
    assert run(job)["consumed"] == 50
    job.verify()


def test_metrics_tell_what_happens(job):
    job.send(0, [b"{"])
    metrics = Metrics("m")
    service(load(job.config), (metrics,)).run()
    samples = dict(
        line.rsplit(" ", 1) for line in metrics.text().splitlines() if not line.startswith("#")
    )
    assert float(samples["stream_rnn_records_consumed_total"]) == 701
    assert float(samples["stream_rnn_records_predicted_total"]) == 700
    assert float(samples['stream_rnn_records_dead_lettered_total{reason="undecodable"}']) == 1
    assert float(samples['stream_rnn_transactions_total{outcome="committed"}']) >= 2
    assert float(samples["stream_rnn_assigned_partitions"]) == 1
    place = f'{{partition="0",topic="{job.topic}"}}'
    assert float(samples[f"stream_rnn_consumer_position_offset{place}"]) == 701
    assert float(samples[f"stream_rnn_consumer_lag_records{place}"]) == 0
    learner = f'{{learner="m",partition="0",topic="{job.topic}"}}'
    assert float(samples[f"stream_rnn_loss_observations_total{learner}"]) == 700


def lose_an_answer(patch):
    """The brokers commit, and the answer of one commit does not arrive."""
    commit, answers = TransactionalSink.commit, []

    def lost(sink):
        commit(sink)
        answers.append(sink)
        if len(answers) == 2:
            raise Unreachable("the answer is lost")

    patch.setattr(TransactionalSink, "commit", lost)


def break_while_committing(patch):
    """The consumer fails while a commit is under way."""
    commit, broken = TransactionalSink.commit, threading.Event()
    gather = Session._gather

    def slow(sink):
        broken.wait(10)
        time.sleep(0.1)
        commit(sink)

    def broken_once(session, stop):
        if session.publishing and not broken.is_set():
            broken.set()
            raise Unreachable("no broker answers")
        gather(session, stop)

    patch.setattr(TransactionalSink, "commit", slow)
    patch.setattr(TransactionalSink, "discard", lambda sink: None)  # leaves it the time
    patch.setattr(Session, "_gather", broken_once)


@pytest.mark.parametrize(
    "fault", [lose_an_answer, pytest.param(break_while_committing, marks=pytest.mark.slow)]
)
def test_what_is_committed_while_a_session_breaks_is_counted(job, monkeypatch, fault):
    text = job.config.read_text().replace("every_records = 500", "every_records = 5000")
    job.config.write_text(text.replace("batch_records = 500", "batch_records = 100"))
    fault(monkeypatch)
    metrics = Metrics("m")
    counters = service(load(job.config), (metrics,)).run()
    job.verify()
    assert counters["consumed"] == counters["predicted"] == 700
    for name in ("consumed", "predicted", "learned"):
        assert metrics.values[f"records_{name}_total", ()] == 700
    assert metrics.values["records_replayed_total", ()] > 0


def test_a_record_of_the_largest_size_is_a_dead_letter(topics, job):
    job.send(0, [b"[" * 1_048_000, *job.sent[0][:9]])
    run(job)
    job.verify()
    [letter] = topics.read(job.dead)[0]
    assert dict(letter.headers)["truncated"] == b"1048000"


def test_checkpoints_in_a_store_that_fsspec_reaches(job, caplog):
    """Two runs, the second of which goes on from what the first has left there."""
    overrides = [f"checkpoint.url=memory://{job.topic}"]
    assert service(load(job.config, overrides)).run()["consumed"] == 700
    job.send(0, job.sent[0][:60])
    with caplog.at_level("INFO"):
        assert service(load(job.config, overrides)).run()["consumed"] == 60
    assert "at offset 700, published up to 700" in caplog.text
    _, _, (_, arrays, _) = job.expected(0)
    newest = Store(f"memory://{job.topic}/{job.topic}-0").load_newest()
    for name, array in arrays.items():
        assert np.array_equal(newest.arrays[name], array, equal_nan=True), name


def test_the_same_records_keyed_as_they_came(topics, job):
    topics.produce(job.topic, job.sent[0][:20], keys=[b"k%d" % n for n in range(20)])
    job.sent[0] += job.sent[0][:20]
    run(job)
    keys = [record.key for record in topics.read(job.out)[0]]
    assert keys == [None] * 700 + [b"k%d" % n for n in range(20)]
    job.verify()


def test_another_delivery_does_not_start_anew_without_a_word(job):
    run(job)
    with pytest.raises(CheckpointError, match=r"models of this source's partitions.*set run\.del"):
        service(load(job.config, ["run.delivery=at-least-once"])).run()


def test_the_group_is_behind_the_checkpoint(topics, job):
    run(job)
    group_offset(topics, job, 300)
    with pytest.raises(CheckpointError, match=r"offset 700.*committed 300.*Set the group"):
        run(job)


def test_the_checkpoints_are_gone(job):
    run(job)
    shutil.rmtree(job.folder / "checkpoints")
    with pytest.raises(CheckpointError, match=r"offset 700.*no checkpoint.*source\.group"):
        run(job)


def test_the_group_is_gone(topics, job):
    run(job)
    topics._admin.delete_groups([job.topic])
    with pytest.raises(CheckpointError, match="committed nothing"):
        run(job)


def test_retention_ate_the_position(topics, job):
    run(job)
    job.send(0, job.sent[0][:300])
    topics._admin.delete_records({kafka.TopicPartition(job.topic, 0): 900})
    with pytest.raises(SourceError, match=r"offset 700.*before 900.*200 records.*retention\.ms"):
        run(job)


def test_a_partition_that_is_added_begins_at_its_beginning(topics, job):
    job.config.write_text(
        job.config.read_text().replace("stop_at_end = true", 'stop_at_end = true\nstart = "latest"')
    )
    assert run(job)["consumed"] == 0  # the group begins at the end
    topics._admin.create_partitions({job.topic: 2})
    topics.produce(job.topic, job.sent[0][:200], partition=1)
    assert run(job)["consumed"] == 200


def test_tombstones_are_passed_over_and_counted(topics, job):
    job.send(0, [None, *job.sent[0][:5], None, None])
    metrics = Metrics("m")
    assert service(load(job.config), (metrics,)).run()["predicted"] == 705
    assert metrics.values["records_passed_over_total", ()] == 3
    job.verify()
    assert run(job)["consumed"] == 0  # the last ones are committed, too
    assert not any(topics.read(job.dead).values())


def test_another_model_is_refused(job):
    run(job)
    job.config.write_text(job.config.read_text().replace("units = 6", "units = 7"))
    with pytest.raises(CheckpointError, match="of another stream: estimator was"):
        run(job)


def test_a_missing_topic_is_named(topics, job):
    topics._admin.delete_topics([job.dead])
    with pytest.raises(ConfigError, match=f"dead_letter: topic '{job.dead}' does not exist"):
        run(job)


KAFKA = '{type = "kafka", bootstrap = "127.0.0.1:9", topic = "t"}'


def by(client):
    return KAFKA.replace("}", f', client = "{client}"}}')


@pytest.mark.parametrize("named", ["source", "sink"])
def test_a_client_that_is_named_once_is_that_of_both(named):
    tables = {"source": KAFKA, "sink": KAFKA, named: by("kafka-python")}
    config = parse("".join(f"{n} = {t}\n" for n, t in tables.items()) + "features.target = 'y'")
    same = with_one_client(config)
    assert same.source.client == same.sink.client == "kafka-python"


@pytest.mark.parametrize(
    ("source", "sink", "more", "expected"),
    [
        (KAFKA, KAFKA, 'checkpoint.url = "c"', True),
        (KAFKA, KAFKA, 'run.delivery = "at-least-once"', False),
        (KAFKA, '{type = "stdout"}', "", False),
        ('{type = "stdin"}', KAFKA, "", False),
        (KAFKA, KAFKA, "", r"needs \[checkpoint\]"),
        (KAFKA, '{type = "stdout"}', 'run.delivery = "exactly-once"', "Kafka sink"),
        (KAFKA, KAFKA, 'checkpoint.url = "c"\ndead_letter = {type = "stdout"}', "dead_letter"),
        (by("confluent"), by("kafka-python"), 'checkpoint.url = "c"', r"sink\.client = 'kafka-py"),
    ],
)
def test_when_it_is_exactly_once(source, sink, more, expected):
    config = parse(f"source = {source}\nsink = {sink}\nfeatures.target = 'y'\n{more}")
    if isinstance(expected, str):
        with pytest.raises(ConfigError, match=expected):
            delivery(config)
    else:
        assert (delivery(config) == "exactly-once") == expected


class Group:
    """The metadata of a member, real or not."""

    def __init__(self, generation_id, member_id):
        self.generation_id, self.member_id = generation_id, member_id
        self.group_instance_id = None


def transactional(topics, name):
    out = topics.make()
    return out, [
        TransactionalSink(KafkaSettings(topics.bootstrap), Partition(name, 0), out, 1, "app")
        for _ in range(2)
    ]


def publish(sink, *arguments):
    sink.send(*arguments)
    sink.commit()


def test_a_member_outside_of_its_group_cannot_commit(topics):
    out, (sink, _) = transactional(topics, topics.make())
    sink.open()
    with pytest.raises(Fenced, match="removed from its group"):
        publish(sink, [{"n": 1}], [None], [], [], 1, Group(-1, ""))
    with pytest.raises(SinkError, match="not open"):
        publish(sink, [{"n": 1}], [None], [], [], 1, Group(-1, ""))
    assert topics.read(out) == {0: []}


class SilentClient:
    """Behaves as kafka-python does when a batch fails with a sequence or epoch error during a
    commit: the record's future fails, and the commit returns as if all were well."""

    def __init__(self):
        self.calls = []

    def send(self, *_arguments):
        return self

    def get(self, timeout):
        raise kafka.errors.OutOfOrderSequenceNumberError

    def __getattr__(self, name):
        return lambda *arguments: self.calls.append(name)


def test_a_commit_that_would_fail_silently_is_an_error(topics, monkeypatch):
    out, (sink, _) = transactional(topics, topics.make())
    sink.open()
    genuine = sink._producer._client
    sink._producer._client = client = SilentClient()
    with pytest.raises(SinkError, match="not written: OutOfOrderSequenceNumber"):
        publish(sink, [{"n": 1}], [None], [], [], 1, Group(1, "member"))
    assert "commit_transaction" not in client.calls
    assert client.calls[-1] == "close"
    genuine.close()
    assert topics.read(out) == {0: []}


class Heard:
    """A listener that remembers what is owned now, and what was assigned and revoked."""

    def __init__(self):
        self.owned, self.events = set(), []

    def assigned(self, partitions):
        self.owned = self.owned | partitions
        self.events.append(("assigned", {p.number for p in partitions}))

    def revoked(self, partitions):
        self.owned = self.owned - partitions
        self.events.append(("revoked", {p.number for p in partitions}))

    lost = revoked


def poll_until(condition, *consumers):
    deadline = time.monotonic() + 30  # one hears of another one by a heartbeat, each 6 s
    while not condition():
        assert time.monotonic() < deadline
        for consumer in consumers:
            consumer.poll(10, 0.05)


def test_an_earlier_owner_is_fenced(topics):
    name = topics.make()
    out, (first, second) = transactional(topics, name)
    heard = Heard()
    consumer = open_consumer(KafkaSettings(topics.bootstrap), JsonMessages(), GroupOptions(name))
    consumer.subscribe([name], heard)
    poll_until(lambda: heard.owned, consumer)
    first.open()
    publish(first, [{"n": 1}], [b"a"], [], [], 1, consumer.group_metadata())
    second.open()
    with pytest.raises(Fenced):
        publish(first, [{"n": 2}], [b"a"], [], [], 2, consumer.group_metadata())
    publish(second, [{"n": 3}], [b"a"], [], [], 2, consumer.group_metadata())
    second.close()
    consumer.close()
    assert [record.value for record in topics.read(out)[0]] == [b'{"n":1}', b'{"n":3}']


@pytest.mark.parametrize("client", CLIENTS)
def test_a_cooperative_member_keeps_what_does_not_move(topics, client):
    topic = topics.make(partitions=4)
    settings = KafkaSettings(topics.bootstrap, client=client)
    group = GroupOptions(topic, session_seconds=10.0, cooperative=True)
    one, other = Heard(), Heard()
    first = open_consumer(settings, JsonMessages(), group)
    first.subscribe([topic], one)
    poll_until(lambda: len(one.owned) == 4, first)
    second = open_consumer(settings, JsonMessages(), group)
    second.subscribe([topic], other)
    poll_until(lambda: len(one.owned) == len(other.owned) == 2, first, second)
    revoked = [numbers for event, numbers in one.events if event == "revoked" and numbers]
    assert [len(numbers) for numbers in revoked] == [2], "the other two stayed"
    first.close()
    second.close()


def test_a_letter_with_a_long_key_fits_too(topics, job):
    """Value and key together are above what the topic takes; the other records go on."""
    values = [b"{" + b"x" * 948_400, b"{", b"{"]
    keys = [b"k" * 100_000, b"k" * 600_000, b"short"]
    topics.produce(job.topic, values, keys=keys)
    assert run(job)["refused"] == 3
    letters = topics.read(job.dead)[0]
    assert [len(letter.value) for letter in letters] == [900_000, 1, 1]
    assert [len(letter.key or b"") for letter in letters] == [100_000, 0, 5]
    assert dict(letters[0].headers)["truncated"] == b"948401"
    assert dict(letters[1].headers)["key_left_out"] == b"600000"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_static_member_comes_back_without_a_rebalance(topics, client):
    topic = topics.make(partitions=2)
    settings = KafkaSettings(topics.bootstrap, client=client)

    def member(name):
        heard = Heard()
        consumer = open_consumer(
            settings, JsonMessages(), GroupOptions(topic, instance=name, session_seconds=30.0)
        )
        consumer.subscribe([topic], heard)
        return consumer, heard

    first, one = member("one")
    poll_until(lambda: len(one.owned) == 2, first)
    second, other = member("other")
    poll_until(lambda: len(one.owned) == len(other.owned) == 1, first, second)
    mine, before = set(other.owned), list(one.events)
    second.close()
    again, other = member("other")
    poll_until(lambda: other.owned == mine, first, again)
    assert one.events == before, "the one that stayed has not heard of it"
    first.close()
    again.close()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("between", [0.0, 0.05])
def test_short_polls_do_not_leave_a_join_half_done(topics, client, between):
    """A join ends within some poll, or between two of them."""
    settings = KafkaSettings(topics.bootstrap, client=client)
    for _ in range(2):
        topic = topics.make(partitions=2)
        heard = Heard()
        group = GroupOptions(topic, instance="one", session_seconds=2.0)
        consumer = open_consumer(settings, JsonMessages(), group)
        consumer.subscribe([topic], heard)
        deadline = time.monotonic() + 20
        settled = 0
        while settled < (100 if between == 0.0 else 10):
            assert time.monotonic() < deadline, heard.owned
            consumer.poll(10, 0.002)
            time.sleep(between)
            settled = settled + 1 if len(heard.owned) == 2 else 0
        consumer.close()


def test_a_compression_without_its_package_is_said(monkeypatch):
    def poll(*_arguments, **_options):
        raise kafka.errors.UnsupportedCodecError("Libraries for lz4 compression codec not found")

    consumer = object.__new__(PythonConsumer)
    consumer._client = type("Client", (), {"poll": poll})()
    with pytest.raises(Denied, match=r"lz4.*pip install 'stream-rnn\[kafka-codecs\]'"):
        consumer.poll(1, 0.0)
