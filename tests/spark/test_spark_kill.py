"""kill -9 of the driver, and with it of JVM and workers: every record still has one effect."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from spark_streams import CASES, plain, read, records, same_row, same_state, write

from stream_rnn.spark import models

pytestmark = pytest.mark.slow
HERE = os.path.dirname(os.path.abspath(__file__))


def last(work, kind):
    """The newest batch whose offsets, or commit, are in the checkpoint; −1 for none."""
    folder = f"{work}/checkpoint/{kind}"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return max((int(name) for name in names if name.isdigit()), default=-1)


def start(case, folder, work):
    command = [sys.executable, os.path.join(HERE, "spark_job.py"), case, str(folder), str(work)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([HERE, *sys.path])}
    return subprocess.Popen(
        [*command, "3"], env=environment, start_new_session=True, stderr=subprocess.DEVNULL
    )


def kill_within_a_batch(case, folder, work, rng):
    """Whether a run was killed while it worked on a batch, a random time after it began."""
    before = last(work, "commits")
    child = start(case, folder, work)
    try:
        end = time.monotonic() + 240
        while child.poll() is None and last(work, "offsets") <= before:
            assert time.monotonic() < end, "no batch has begun"
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 6))
        return child.poll() is None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@pytest.mark.parametrize("case", CASES)
def test_every_record_is_learned_and_written_once(spark, case, tmp_path):
    rng = random.Random(case)
    kills = int(os.environ.get("SPARK_KILLS", "2"))  # ten, when somebody waits for it
    rows = records(keys=6, count=60 * (kills + 2))
    folder, work = tmp_path / "in", tmp_path
    write(folder, rows, files=2 * kills + 2)
    killed = sum(kill_within_a_batch(case, folder, work, rng) for _ in range(kills))
    assert killed == kills
    assert start(case, folder, work).wait(600) == 0
    expected, alone = plain(case, rows)
    got = read(spark, work)
    assert got.keys() == expected.keys()
    assert all(same_row(row, expected[number]) for number, row in got.items())
    found = models(spark, work / "checkpoint", CASES[case][0])
    assert found.keys() == alone.keys()
    assert all(same_state(model, alone[key]) for key, model in found.items())
