"""kill -9 at random moments, again and again: the end is that of a run left in peace."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from stream_rnn.checkpoints.store import Store

RECORDS = 24_000
PIPELINE = """
source = {type = "file", path = "in.csv"}
sink = {type = "file", path = "out.jsonl"}
dead_letter = {type = "file", path = "refused.jsonl"}
metrics.enabled = false

[features]
target = "y"
lags = {y = [1, 2]}

[estimator]
type = "regressor"
cell = {type = "LSTM", units = 4}
optimizer = [{type = "Clip"}, {type = "Adam"}]

[checkpoint]
url = "checkpoints"
every_records = 150

[run]
batch_records = 50
"""


def write_stream(path):
    """Noise to predict, and among it rows that cannot be learned."""
    rng = np.random.default_rng(1)
    u = rng.normal(size=(RECORDS, 2))
    y = np.sin(np.arange(RECORDS) / 9) + 0.3 * u[:, 0] + 0.1 * rng.normal(size=RECORDS)
    lines = [f"{a:.4f},{b:.4f},{c:.4f}" for (a, b), c in zip(u, y, strict=True)]
    for row in rng.integers(0, RECORDS, 60):
        lines[row] = ["nan,0.1,0.2", "0.1,word,0.2", "0.1,0.2", "0.1,0.2,inf"][row % 4]
    path.write_text("\n".join(["a,b,y", *lines, ""]))


def start(folder):
    command = [sys.executable, "-m", "stream_rnn", "-q", "run", "pipeline.toml"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def finish(process, seconds=120):
    try:
        _, errors = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors


def size(path):
    return path.stat().st_size if path.exists() else 0


def left_behind(folder, out="out.jsonl"):
    """All that a run leaves: the bytes of both files, every array, position and counters."""
    newest = Store(folder / "checkpoints").load_newest()
    kept = ("position", "sinks", "counters", "task", "identity")
    manifest = {name: newest.manifest[name] for name in kept}
    manifest["position"] = {
        k: v for k, v in manifest["position"].items() if k not in ("inode", "device")
    }
    arrays = {name: (a.dtype, a.shape, a.tobytes()) for name, a in newest.arrays.items()}
    files = [(folder / name).read_bytes() for name in (out, "refused.jsonl")]
    return files, manifest, arrays


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_change_nothing(tmp_path, kills):
    peace, war = tmp_path / "peace", tmp_path / "war"
    for folder in (peace, war):
        folder.mkdir()
        (folder / "pipeline.toml").write_text(PIPELINE)
        write_stream(folder / "in.csv")
    finish(start(peace))
    expected = left_behind(peace)
    assert len(expected[0][0].splitlines()) + len(expected[0][1].splitlines()) >= RECORDS - 60
    inside = kill(war, len(expected[0][0]), kills)
    finish(start(war))
    print(f"{kills} kills, {inside} of them inside a checkpoint")
    files, manifest, arrays = left_behind(war)
    assert files == expected[0]
    assert manifest == expected[1]
    assert arrays == expected[2]


def kill(war, total, kills, out="out.jsonl"):
    """Kill runs at random moments, until there are nearly *total* bytes of output.

    Returns how many of them were inside a checkpoint.
    """
    rng, inside = random.Random(7), 0
    # Where in the output to strike, in order; three times nothing at all has been written.
    for strike in [0, 0, 0, *sorted(rng.uniform(0, 0.98 * total) for _ in range(kills - 3))]:
        process = start(war)
        time.sleep(rng.uniform(0.0, 0.9) if strike == 0 else 0)
        while size(war / out) < strike and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0.0, 0.006))  # a batch and its checkpoint take about as long
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, f"ended before it was killed: {errors}"
        inside += any((war / "checkpoints").glob(".tmp-*"))
    return inside


def test_sigterm_drains(tmp_path):
    """The batch in hand is finished, written and checkpointed; the exit status is 0."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE.replace('path = "in', 'follow=true,path="in'))
    write_stream(tmp_path / "in.csv")
    process = start(tmp_path)
    deadline = time.monotonic() + 120
    while size(tmp_path / "out.jsonl") < 5000 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    finish(process)
    newest = Store(tmp_path / "checkpoints").load_newest()
    rows = len((tmp_path / "out.jsonl").read_bytes().splitlines())
    assert newest.manifest["counters"]["predicted"] == rows > 0
    assert newest.manifest["sinks"]["sink"]["bytes"] == size(tmp_path / "out.jsonl")
