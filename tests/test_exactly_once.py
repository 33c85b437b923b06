"""When an exactly-once run refuses to start, and what it says then."""

import shutil

import pytest
from kafka_broker import kafka
from kafka_chaos import Job

from connectors.base import SinkError, SourceError
from connectors.kafka_driver import Fenced, Partition
from connectors.kafka_settings import KafkaSettings
from connectors.kafka_transactions import TransactionalSink
from stream_rnn.config import load, parse
from stream_rnn.config.assemble import service
from stream_rnn.config.exactly_once import is_exactly_once
from stream_rnn.errors import CheckpointError, ConfigError


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
    ],
)
def test_when_it_is_exactly_once(source, sink, more, expected):
    config = parse(f"source = {source}\nsink = {sink}\nfeatures.target = 'y'\n{more}")
    if isinstance(expected, str):
        with pytest.raises(ConfigError, match=expected):
            is_exactly_once(config)
    else:
        assert is_exactly_once(config) == expected


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


def test_a_member_outside_of_its_group_cannot_commit(topics):
    out, (sink, _) = transactional(topics, topics.make())
    sink.open()
    with pytest.raises(Fenced, match="removed from its group"):
        sink.publish([{"n": 1}], [None], [], [], 1, Group(-1, ""))
    with pytest.raises(SinkError, match="not open"):
        sink.publish([{"n": 1}], [None], [], [], 1, Group(-1, ""))
    assert topics.read(out) == {0: []}
