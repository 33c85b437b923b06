"""A day of syslog lines through ``stream-rnn run``, killed and resumed again and again."""

import json
import random
import signal
import time

import pytest
from syslog_lines import syslog_day
from test_kill import finish, left_behind, size, start

from stream_rnn.checkpoints.store import Store

PIPELINE = """
source = {{type = "file", path = "day.log", format = "text"}}
sink = {{type = "file", path = "out.jsonl"}}
dead_letter = {{type = "file", path = "refused.jsonl"}}
metrics.enabled = false

[estimator]
type = "text"
{settings}

[checkpoint]
url = "checkpoints"
every_records = {every}

[run]
batch_records = 25
copy = ["text"]
"""


LONG = 900  # seconds, on a busy machine


def lay_out(folder, lines, settings, every):
    folder.mkdir()
    (folder / "pipeline.toml").write_text(PIPELINE.format(settings=settings, every=every))
    (folder / "day.log").write_text("\n".join(lines) + "\n")


def strike(folder, at, rng):
    """Start it, and kill it when its output has grown to `at` bytes."""
    process = start(folder)
    while size(folder / "out.jsonl") < at and process.poll() is None:
        time.sleep(0.0005)
    time.sleep(rng.uniform(0.0, 0.02))
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"ended before it was killed: {errors}"


def kill_and_compare(tmp_path, lines, settings, every, kills):
    """Run in peace and under kills; both leave the same.  The results of the lines."""
    peace, war = tmp_path / "peace", tmp_path / "war"
    for folder in (peace, war):
        lay_out(folder, lines, settings, every)
    finish(start(peace), LONG)
    files, manifest, arrays = left_behind(peace)
    rng = random.Random(5)
    for at in sorted(rng.uniform(0, 0.95) * len(files[0]) for _ in range(kills)):
        strike(war, at, rng)
    resumed = Store(war / "checkpoints").load_newest().manifest["position"]
    finish(start(war), LONG)
    assert resumed
    assert left_behind(war) == (files, manifest, arrays)
    return [json.loads(row) for row in files[0].splitlines()]


def check_flags(results, lines, places, missed, false_per_mille):
    assert [result["text"] for result in results] == lines
    flagged = {i for i, result in enumerate(results) if result["flag"]}
    assert len(set(places) - flagged) <= missed, [lines[i] for i in set(places) - flagged]
    false = flagged - set(places)
    assert len(false) <= false_per_mille * len(lines) / 1000, [lines[i] for i in sorted(false)]


@pytest.mark.slow
def test_part_of_a_day_with_kills(tmp_path):
    lines, places = syslog_day(900, planted=3)
    settings = 'preset = "contexts"\nsurprise_threshold = 4.0'
    results = kill_and_compare(tmp_path, lines, settings, every=100, kills=2)
    check_flags(results, lines, places, missed=0, false_per_mille=5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "settings"),
    [
        (8_000, 'preset = "default"\nunits = 48'),
        (10_000, 'preset = "fast"'),
        (5_000, 'unit = "word"\nunits = 32'),
    ],
)
def test_a_day_with_kills(tmp_path, count, settings):
    lines, places = syslog_day(count, planted=5)
    results = kill_and_compare(tmp_path, lines, settings, every=500, kills=12)
    check_flags(results, lines, places, missed=0, false_per_mille=2)
