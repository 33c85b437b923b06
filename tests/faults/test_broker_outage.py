"""The broker goes away, by itself and by force: the service waits and loses nothing."""

import time

import pytest
from kafka_broker import Broker, Topics
from kafka_chaos import Job
from kafka_service import as_messages, river_rows


@pytest.fixture
def broker():
    with Broker() as node:
        yield node


@pytest.fixture
def topics_there(broker):
    helper = Topics(broker.bootstrap)
    yield helper
    helper.close()


def outage(broker, topics, folder, end, seconds: float) -> None:
    job = Job(topics, folder, partitions=2, batch=100, every=500, session=6.0)
    job.fill(3000)
    with job.service("--set", "source.stop_at_end=false") as service:
        deadline = time.monotonic() + 60
        while not sum(map(len, topics.read(job.out).values())):
            assert time.monotonic() < deadline, service.log
        end()
        time.sleep(seconds)
        assert service.process.poll() is None, service.log
        broker.start()
        for n in range(2):
            job.send(n, as_messages(river_rows(200)))
        deadline = time.monotonic() + 240  # a send that was under way is given up after 120 s
        while sum(map(len, topics.read(job.out).values())) < 3400:
            assert time.monotonic() < deadline, service.log
            time.sleep(0.5)
        assert service.terminate() == 0, service.log
    job.verify()


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_a_broker_that_is_killed_and_restarted(broker, topics_there, tmp_path):
    outage(broker, topics_there, tmp_path, broker.kill, seconds=3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_broker_that_is_stopped_for_30_seconds(broker, topics_there, tmp_path):
    outage(broker, topics_there, tmp_path, broker.stop, seconds=30)
