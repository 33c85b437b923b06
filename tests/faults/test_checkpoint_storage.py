"""Checkpoints that cannot be written: the service goes on, says so, and is still exact."""

import resource
import time

import pytest
from kafka_chaos import Job
from kafka_service import as_messages, river_rows

FAILURES = 'stream_rnn_checkpoint_failures_total{reason="write"}'


def published(job) -> int:
    return sum(map(len, job.topics.read(job.out).values()))


def wait_for(service, condition, seconds=100.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, service.log
        assert service.process.poll() is None, service.log
        time.sleep(0.2)


@pytest.fixture
def job(topics, tmp_path):
    job = Job(topics, tmp_path, batch=100, every=200)
    job.fill(600)
    return job


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_full_disk_and_an_unwritable_directory(job):
    checkpoints = job.folder / "checkpoints"
    with job.service("--set", "source.stop_at_end=false") as service:
        wait_for(service, lambda: published(job) == 600)
        limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1000, -1))
        job.send(0, as_messages(river_rows(600)))  # no file grows beyond 1000 bytes now
        wait_for(service, lambda: published(job) == 1200)
        wait_for(service, lambda: service.metrics()[FAILURES] >= 1)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)

        checkpoints.rename(job.folder / "away")
        checkpoints.write_text("a file is in the way")
        failures = service.metrics()[FAILURES]
        job.send(0, as_messages(river_rows(600)))
        wait_for(service, lambda: published(job) == 1800)
        wait_for(service, lambda: service.metrics()[FAILURES] > failures)
        service.kill()
    checkpoints.unlink()
    (job.folder / "away").rename(checkpoints)
    with job.service() as service:  # learns again from the last one that was written
        service.wait_for(r"at offset \d{3,4}, published up to 1800")
        assert service.wait() == 0, service.log
    job.verify()


@pytest.mark.timeout(280)
def test_it_stops_when_told_to(job):
    (job.folder / "checkpoints").mkdir()
    options = ("--set", "source.stop_at_end=false", "--set", "checkpoint.on_failure=stop")
    with job.service(*options) as service:
        wait_for(service, lambda: published(job) == 600)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1000, -1))
        job.send(0, as_messages(river_rows(600)))
        assert service.wait() == 3, service.log
    assert "cannot write a checkpoint" in service.log
    with job.service() as service:
        assert service.wait() == 0, service.log
    job.verify()
