"""kill -9 at random moments: every record still has exactly one effect.

The victims' arrays lie elsewhere in memory each time, and elsewhere than those of the run that
says what is expected.
"""

import os
import random
from collections import Counter

import pytest
from kafka_broker import CLIENTS_IN_TURN
from kafka_chaos import Job, Phases, kill_inside
from kafka_kinds import KINDS


def kill_again_and_again(job: Job, kills: int, seed: int) -> Counter:
    """Kill *kills* runs, then let one finish; where the victims died."""
    rng, died = random.Random(seed), Counter()
    phases = Phases(job.folder / "phases")
    compile_first(job)
    member = ("--set", "source.instance=one")  # takes its place in the group back at once
    while died["anywhere"] < kills:
        phases.path.unlink(missing_ok=True)
        with job.service(*member, victim="phases", MOVED="yes") as service:
            aim = rng.choice(("commit", "commit", "checkpoint", "rebalance"))
            skip = rng.choice((0, 1, 2)) if aim == "commit" else 0
            killed = kill_inside(service, phases, aim, rng, skip, patience=40)
            assert killed, f"ended after {died['anywhere']} kills, send more:\n{service.log}"
        died["anywhere"] += 1
        died.update(name for name, inside in phases.now().items() if inside)
    with job.service(*member) as service:
        assert service.wait(300) == 0, service.log
    return died


def compile_first(job: Job) -> None:
    """So that the victims do not all die while compiling."""
    job.expected(0)


@pytest.mark.parametrize("client", CLIENTS_IN_TURN)
def test_a_few_kills(topics, tmp_path, client):
    job = Job(topics, tmp_path, partitions=2, batch=300, every=700, client=client)
    job.fill(8000)
    died = kill_again_and_again(job, 4, seed=1)
    job.verify()
    assert died["commit"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", KINDS)
def test_many_kills(topics, tmp_path, kind):
    """Two hundred in all, or as many as KILLS says."""
    kills = int(os.environ.get("KILLS", "200")) // len(KINDS)
    job = Job(topics, tmp_path, partitions=2, batch=300, every=1000, kind=kind)
    job.fill(1000 * kills)
    died = kill_again_and_again(job, kills, seed=2)
    print(f"victims died inside: {dict(died)}")
    job.verify()
    assert min(died["commit"], died["checkpoint"], died["rebalance"]) >= kills // 20, died
