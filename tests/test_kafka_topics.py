"""Topics that come, go, are made again, or match a pattern; on a real broker."""

import json
import time

import pytest
from kafka_broker import CLIENTS, CLIENTS_IN_TURN, make_again
from kafka_chaos import Job
from kafka_service import Service

from connectors.base import Lost
from connectors.kafka.driver import Gone, Partition
from connectors.kafka.origins import Origin, check_origin, origins
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.source import KafkaSource
from connectors.kafka.watch import Watch
from connectors.labelled import LabelledSource
from stream_rnn.assembly.check import conflicts
from stream_rnn.assembly.exactly_once import delivery
from stream_rnn.assembly.service import service
from stream_rnn.assembly.topics import widths_at_the_start
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import load, parse
from stream_rnn.errors import ConfigError
from stream_rnn.metrics import Metrics

NEW = ("connectors.kafka.source", "stream_rnn.service.exactly_once.session")


@pytest.fixture(params=CLIENTS_IN_TURN)
def settings(request, kafka_bootstrap):
    return KafkaSettings(kafka_bootstrap, client=request.param)


@pytest.fixture
def soon(monkeypatch):
    """New topics are seen at once."""
    for module in (*NEW, "connectors.kafka.python_consumer", "connectors.kafka.confluent_consumer"):
        monkeypatch.setattr(f"{module}.METADATA_SECONDS", 0.2)


def rows(n, start=0):
    return [json.dumps({"n": i}).encode() for i in range(start, start + n)]


def numbers(source, count, seconds=30):
    """The first *count* values of ``n``."""
    seen, deadline = [], time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < deadline:
        seen += [record.value["n"] for record in source.next_batch(10, 0.2)]
    return seen


# -- which topic it is ---------------------------------------------------------------------------


def test_a_topic_made_again_is_another_one_whatever_its_offsets(topics, settings):
    topic = topics.make()
    topics.produce(topic, rows(5))
    source = KafkaSource(settings, topic)
    assert numbers(source, 5) == [0, 1, 2, 3, 4]
    position = json.loads(json.dumps(source.snapshot()))
    source.close()
    assert set(position[topic]) == {"0", "id", "cluster"}
    assert origins(settings, [topic]) == {topic: Origin.of(position[topic])}
    make_again(topics, topic)
    topics.produce(topic, rows(9, 100))
    again = KafkaSource(settings, topic)
    with pytest.raises(Lost, match=f"'{topic}' has been deleted and made again since the check"):
        again.restore(position)
    assert again.restore_left(position) is None
    assert numbers(again, 9) == list(range(100, 109))
    again.close()


def test_a_topic_made_again_while_it_is_read_is_noticed(topics, settings, soon):
    """Its new records go on behind the offset of before, so that no client complains."""
    topic = topics.make()
    topics.produce(topic, rows(5))
    source = KafkaSource(settings, topic)
    assert numbers(source, 5) == [0, 1, 2, 3, 4]
    make_again(topics, topic)
    topics.produce(topic, rows(50, 100))
    with pytest.raises(Lost, match=f"'{topic}' has been deleted and made again|has been deleted"):
        numbers(source, 100)
    position = source.snapshot()  # still of the topic that was
    source.close()
    again = KafkaSource(settings, topic)
    assert again.restore_left(position) is None
    assert numbers(again, 50) == list(range(100, 150))
    again.close()


def test_the_ids_are_asked_beside_the_reading_and_an_outage_is_no_answer(monkeypatch):
    known, answers, asked = {"t": Origin("a", "c")}, [OSError("down"), {}, {"t": known_as("b")}], []

    def ask(settings, names):
        asked.append(names)
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr("connectors.kafka.watch.ask_origins", ask)
    watch = Watch(KafkaSettings("b:1"), lambda: known, seconds=0.0)

    def look_on():
        for _ in range(1000):
            watch.look()
            time.sleep(0.001)

    with pytest.raises(Lost, match=r"topic 't' has been deleted and made again while it was read"):
        look_on()
    assert asked == [["t"]] * 3
    Watch(KafkaSettings("b:1"), dict, seconds=0.0).look()  # nothing is known: nothing is asked
    assert len(asked) == 3


def known_as(number):
    return Origin(number, "c")


def test_another_cluster_is_named_and_old_positions_are_trusted():
    check_origin("t", None, Origin("a", "b"))  # of a version that kept none
    check_origin("t", Origin("a", "b"), None)  # a broker that tells none
    with pytest.raises(Lost, match=r"'t' is in another cluster.*was c1 and is now c2.*bootstrap"):
        check_origin("t", Origin("a", "c1"), Origin("b", "c2"))


def test_what_is_cut_back_goes_on_at_its_end(topics, settings):
    topic = topics.make()
    topics.produce(topic, rows(5))
    source = KafkaSource(settings, topic)
    position = source.snapshot()
    position[topic]["0"] = 60
    with pytest.raises(Lost, match="ends at 5: it was deleted and made again, it was cut back"):
        source.restore(position)
    assert source.restore_left(position) is None
    assert source.snapshot()[topic]["0"] == 5
    assert source.restore_left({topic: {"0": 60}}) is None  # nothing says which topic it was
    assert source.snapshot()[topic]["0"] == 0
    source.close()


def test_labels_that_are_lost_leave_the_records_where_they_are(topics, settings):
    names = topics.make(), topics.make()
    for name in names:
        topics.produce(name, rows(5))
    both = LabelledSource(*(KafkaSource(settings, name) for name in names))
    while len(both.next_batch(10, 0.2)):
        pass
    position = json.loads(json.dumps(both.snapshot()))
    both.close()
    make_again(topics, names[1])
    topics.produce(names[1], rows(2, 100))
    again = LabelledSource(*(KafkaSource(settings, name) for name in names))
    with pytest.raises(Lost, match="made again"):
        again.restore(position)
    assert again.restore_left(position) is None
    assert numbers(again, 2) == [100, 101]
    again.close()


# -- patterns ------------------------------------------------------------------------------------


def test_topics_that_match_come_and_go(topics, settings, soon, caplog):
    first = topics.make(hint="orders")
    prefix = first[:-3]
    topics.produce(first, rows(3))
    source = KafkaSource(settings, f"^{prefix}", start="latest")
    assert numbers(source, 1, 0.5) == []
    second = f"{prefix}-second"
    topics._admin.create_topics([second], wait_for_metadata=True)
    topics.produce(second, rows(2, 10))
    assert numbers(source, 2) == [10, 11]  # from its beginning
    position = json.loads(json.dumps(source.snapshot()))
    assert set(position) == {first, second}
    topics._admin.delete_topics([first])
    topics.produce(second, rows(1, 12))
    assert numbers(source, 1) == [12]
    deadline = time.monotonic() + 30
    while first in source.snapshot() and time.monotonic() < deadline:
        source.next_batch(10, 0.2)
    assert set(source.snapshot()) == {second}
    assert f"topics were deleted: {first}" in caplog.text
    source.close()
    again = KafkaSource(settings, f"^{prefix}")
    again.restore(position)
    assert "deleted since the checkpoint" in caplog.text
    assert numbers(again, 1) == [12]
    again.close()


def test_nothing_that_matches_is_named(settings):
    with pytest.raises(Gone, match="no topic matches"):
        KafkaSource(settings, "^nothing-like-this-")
    with pytest.raises(ValueError, match="is no regular expression"):
        KafkaSource(settings, "^(")


def test_a_configuration_names_several_topics():
    config = parse("""
        source = {type = "kafka", topic = ["rides", "^orders-"], bootstrap = "b:1"}
        sink = {type = "kafka", topic = "orders-out", bootstrap = "b:1"}
        checkpoint = {url = "c"}
        features = {target = "y"}
    """)
    with pytest.raises(ConfigError, match=r"sink writes to what source reads"):
        conflicts(config)
    labels = parse("""
        source = {type = "kafka", topic = "^orders-", bootstrap = "b:1"}
        sink = {type = "kafka", topic = "out", bootstrap = "b:1"}
        checkpoint = {url = "c"}
        features = {target = "y"}
        labels = {key = "id", topic = "labels"}
    """)
    with pytest.raises(ConfigError, match=r"source.topic: with labels.topic"):
        delivery(labels)


def test_a_topic_that_comes_later_is_new_to_the_group(tmp_path):
    assert widths_at_the_start(str(tmp_path), {"a": 2}, True) == {"a": 2}
    assert widths_at_the_start(str(tmp_path), {"a": 4, "b": 3}, True) == {"a": 2, "b": 0}
    assert widths_at_the_start(str(tmp_path), {"c": 3}) == {"c": 3}  # by name: as it is told


# -- exactly once --------------------------------------------------------------------------------


def run(job, *overrides, observers=()):
    return service(load(job.config, overrides), observers).run()


@pytest.fixture
def job(topics, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = Job(topics, tmp_path, every=500)
    job.fill(300)
    return job


@pytest.mark.slow
def test_a_member_skips_to_a_topic_that_was_made_again(topics, job):
    sent = job.sent[0][:40]
    assert run(job)["consumed"] == 300
    make_again(topics, job.topic)
    topics.produce(job.topic, sent)
    with pytest.raises(Lost, match=r"made again since.*lost_position = 'skip'"):
        run(job)
    metrics = Metrics("m")
    counters = run(job, "checkpoint.lost_position='skip'", observers=(metrics,))
    assert counters["consumed"] == 40
    assert "stream_rnn_source_gaps_total 1.0" in metrics.text()
    assert len(topics.read(job.out)[0]) == 340
    store = Store(f"{job.folder}/checkpoints/{Partition(job.topic, 0)}")
    assert store.load_newest().manifest["counters"]["learned"] == 340  # by the model of before
    topics.produce(job.topic, sent[:7])
    assert run(job)["consumed"] == 7  # and the next run goes on
    assert len(topics.read(job.out)[0]) == 347


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_a_member_notices_a_topic_made_again_while_it_reads(topics, tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    job = Job(topics, tmp_path, every=500, client=client)
    job.fill(30)
    text = job.config.read_text().replace("stop_at_end = true", "")
    job.config.write_text(text)
    with Service(job.config, "--set", "checkpoint.lost_position=skip") as member:
        wait_for_results(topics, job, 30)
        make_again(topics, job.topic)
        topics.produce(job.topic, job.sent[0][:20] * 5)
        member.wait_for("made again")  # until then a client may have read on where it was
        deadline = time.monotonic() + 90
        while offsets_of(topics, job)[-100:] != list(range(100)) and time.monotonic() < deadline:
            time.sleep(1.0)
        assert member.terminate() == 0
    assert offsets_of(topics, job)[-100:] == list(range(100))  # from the first of the new ones


def offsets_of(topics, job):
    return [json.loads(record.value)["offset"] for record in topics.read(job.out)[0]]


@pytest.mark.slow
def test_a_member_skips_a_position_beyond_the_end(topics, job):
    """As after the loss of a broker: the checkpoint and the group are ahead of the topic."""
    assert run(job)["consumed"] == 300
    folder = f"{job.folder}/checkpoints/{Partition(job.topic, 0)}"
    store = Store(folder)
    found = store.load_newest()
    place = {**found.manifest["position"][job.topic], "0": 500}
    store.save({**found.manifest, "position": {job.topic: place}}, found.arrays)
    from test_exactly_once import group_offset

    group_offset(topics, job, 500)
    with pytest.raises(Lost, match=r"offset 500.*ends at 300.*skip"):
        run(job)
    job.send(0, job.sent[0][:20])
    assert run(job, "checkpoint.lost_position='skip'")["consumed"] == 0  # from the end of then
    job.send(0, job.sent[0][:10])
    assert run(job)["consumed"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_a_group_reads_what_matches(topics, tmp_path, client):
    job = Job(topics, tmp_path, every=500, client=client)
    job.fill(30)
    prefix = job.topic
    text = job.config.read_text().replace(
        f'topic = "{job.topic}"', f'topic = "^{prefix}$|^{prefix}-x"'
    )
    job.config.write_text(text.replace("stop_at_end = true", ""))
    with Service(job.config) as member:
        member.wait_for("assigned")
        topics._admin.create_topics([f"{prefix}-x"], wait_for_metadata=True)
        topics.produce(f"{prefix}-x", job.sent[0][:20])
        wait_for_results(topics, job, 50)
        topics._admin.delete_topics([f"{prefix}-x"])
        job.send(0, job.sent[0][:5])
        wait_for_results(topics, job, 55)
        assert member.terminate() == 0


def wait_for_results(topics, job, count, seconds=60):
    deadline = time.monotonic() + seconds
    while len(topics.read(job.out)[0]) < count and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(topics.read(job.out)[0]) == count
