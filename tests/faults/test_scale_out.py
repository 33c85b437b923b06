"""Several workers share the partitions; members die, come back and are paused."""

import json
import random
import signal
import threading
import time

import pytest
from kafka_broker import CLIENTS, CLIENTS_IN_TURN
from kafka_chaos import Job, Phases, kill_inside
from kafka_kinds import KINDS
from kafka_service import as_messages, river_rows


def feed(job: Job, count: int, seconds: float) -> threading.Thread:
    """Send *count* records over the partitions within about *seconds*, in the background."""
    shares, steps = job.shares(count), 20

    def run():
        for step in range(steps):
            for n, mine in enumerate(shares):
                size = -(-len(mine) // steps)
                job.send(n, mine[step * size : (step + 1) * size])
            time.sleep(seconds / steps)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def published(job: Job) -> int:
    return sum(map(len, job.topics.read(job.out).values()))


def wait_for(job: Job, count: int, services, seconds: float = 120.0, done=published) -> None:
    deadline = time.monotonic() + seconds
    while done(job) < count:
        logs = "\n".join(service.log for service in services)
        assert time.monotonic() < deadline, f"{done(job)} of {count}:\n{logs}"
        assert all(service.process.poll() is None for service in services), logs
        time.sleep(0.3)


def run_members(job: Job, count: int, kills: int, seed: int, cooperative: bool) -> dict[str, int]:
    """Three workers, killed and replaced while records flow; where they died."""
    rng = random.Random(seed)
    options = ["--set", "source.stop_at_end=false"]
    options += ["--set", f"source.cooperative={str(cooperative).lower()}"]
    died = {"commit": 0, "checkpoint": 0, "rebalance": 0}
    feeder = feed(job, count, seconds=5.0 + 4.0 * kills)
    services = [job.service(*options, victim=f"phases{n}") for n in range(3)]
    try:
        for kill in range(kills):
            n = rng.randrange(3)
            services[n].wait_for("assigned: ")
            time.sleep(rng.uniform(0, 2))
            phases = Phases(job.folder / f"phases{n}")
            if kill % 2:
                kill_inside(services[n], phases, "commit", rng, rng.choice((0, 1)), 15)
            else:
                services[n].kill()
            for name, inside in phases.now().items():
                died[name] += inside
            services[n].__exit__()
            services[n] = job.service(*options, victim=f"phases{n}")
        feeder.join()
        wait_for(job, count, services, done=Job.committed)
        for service in services:  # one that has only just been started knows no SIGTERM yet
            service.wait_for("metrics on ")
        assert [service.terminate() for service in services] == [0, 0, 0]
    finally:
        feeder.join()
        for service in services:
            service.__exit__()
    return died


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_three_workers_and_a_kill(topics, tmp_path):
    job = Job(topics, tmp_path, partitions=4, batch=300, every=700, session=1.5)
    run_members(job, 6000, kills=1, seed=3, cooperative=False)
    job.verify()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "regressor"])
def test_all_that_is_known_moves_with_its_partition(topics, tmp_path, kind):
    """Contexts of keys, those that are deleted, text, seasons, records that wait for labels."""
    job = Job(topics, tmp_path, partitions=4, batch=300, every=700, session=1.5, kind=kind)
    run_members(job, 6000, kills=1, seed=5, cooperative=False)
    job.verify()


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("cooperative", [False, True], ids=["range", "cooperative-sticky"])
def test_100_000_records_and_many_kills(topics, tmp_path, cooperative, client):
    job = Job(topics, tmp_path, partitions=4, batch=500, every=3000, session=1.5, client=client)
    died = run_members(job, 100_000, kills=16, seed=4, cooperative=cooperative)
    print(f"victims died inside: {died}")
    job.verify()


@pytest.mark.timeout(280)
@pytest.mark.parametrize("client", CLIENTS_IN_TURN)
def test_a_paused_worker_publishes_nothing_after_it_was_fenced(topics, tmp_path, client):
    job = Job(topics, tmp_path, batch=200, every=500, session=1.5, client=client)
    job.fill(1000)
    endless = ("--set", "source.stop_at_end=false")
    with job.service(*endless, victim="phases") as first:
        first.wait_for("assigned: .+-0")
        wait_for(job, 200, [first])
        job.send(0, as_messages(river_rows(3000)))  # which it is in the middle of
        first.process.send_signal(signal.SIGSTOP)
        before = published(job)
        with job.service(*endless) as second:  # takes over when the session has ended
            second.wait_for("assigned: .+-0", 60)
            wait_for(job, 4000, [second])
            written = {n: len(records) for n, records in topics.read(job.out).items()}
            first.process.send_signal(signal.SIGCONT)
            # It finds itself out of the group, discards its work and joins again as a member
            # without partitions, or shares them; either way nothing is published twice.
            first.wait_for(r"lost: .+-0|going on from the checkpoints", 60)
            time.sleep(2)
            assert {n: len(r) for n, r in topics.read(job.out).items()} == written
            job.send(0, as_messages(river_rows(300)))
            wait_for(job, 4300, [first, second])
            assert first.terminate() == 0, first.log
            assert second.terminate() == 0, second.log
    assert before < 4000
    job.verify()


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_workers_on_one_machine(topics, tmp_path):
    job = Job(topics, tmp_path, partitions=4, session=3.0)
    job.fill(4000)
    with job.service("--workers", "2") as service:
        assert service.wait(200) == 0, service.log
    assert service.log.count("assigned: ") >= 2
    job.verify()
    assert json.loads(topics.read(job.out)[3][0].value)["partition"] == f"{job.topic}-3"
