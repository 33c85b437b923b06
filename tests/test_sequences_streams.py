"""Sequences gathered from the records of a stream: by key, end marker, gap, length."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.memory import MemorySource
from stream_rnn import (
    BadRecord,
    CheckpointError,
    ConfigError,
    RecurrentRegressor,
    SequenceClassifier,
    SequenceRegressor,
    Sequences,
    dumps,
    load,
    loads,
)
from stream_rnn.assembly.parts import task
from stream_rnn.assembly.service import pipeline
from stream_rnn.config import from_table
from stream_rnn.evaluation.evaluate import evaluate
from stream_rnn.features.rows import Rows
from stream_rnn.service.task import Task


def small(kind=SequenceClassifier):
    return kind(network=False, reservoir=4, seed=1)


class Recorder:
    """Stands for an estimator of sequences: its prediction is how often it was asked."""

    _reads_sequences = True

    def __init__(self):
        self.seen = []

    def stream(self, xs, ys):
        self.seen += zip(xs, ys, strict=True)
        return [{"prediction": len(self.seen)} for _ in xs]


def naive(records, by, length):
    """Cut per key where the mark is set, or the length is reached."""
    still, done = {}, []
    for key, u, end, y in records:
        steps, target = still.pop(key if by else None, ([], None))
        steps, target = [*steps, {"u": u}], target if y is None else y
        if end or len(steps) >= length:
            done.append((steps, target))
        else:
            still[key if by else None] = steps, target
    return done


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans(), st.none() | st.just("y"))
    ),
    st.booleans(),
    st.integers(1, 4),
)
def test_what_makes_a_sequence(records, by, length):
    inner = Recorder()
    model = Sequences(inner, "k" if by else None, "e", length=length)
    rows = []
    for k, u, e, y in records:
        x = {"k": k, "u": u, "e": e} if by else {"u": u, "e": e}
        rows += model.stream([x], [y])
    assert inner.seen == naive(records, by, length)
    ended = [row for row in rows if row["prediction"] is not None]
    assert [row["steps"] for row in ended] == [len(steps) for steps, _ in inner.seen]
    assert [row["target"] for row in ended] == [target for _, target in inner.seen]
    assert len(rows) == len(records)


def test_silence_ends_a_sequence_and_its_row_is_that_of_the_record_after_it():
    inner = Recorder()
    model = Sequences(inner, gap=10.0, time="t")
    rows = model.stream(
        [{"u": 1, "t": 0}, {"u": 2, "t": 10}, {"u": 3, "t": 21}, {"u": 4, "t": None}],
        ["a", None, "b", None],
    )
    assert inner.seen == [([{"u": 1}, {"u": 2}], "a")]
    assert [row["prediction"] for row in rows] == [None, None, 1, None]
    assert rows[2]["target"] == "a"


def test_what_is_open_at_the_end_is_said(caplog):
    model = Sequences(Recorder(), "k", length=2)
    served = Task(model, Rows("y", missing_target="advance"))
    model.stream([{"k": k, "u": 1} for k in "aab"], [None] * 3)
    served.finish()
    assert "1 of the sequences are open" in caplog.text
    model.stream([{"k": "b", "u": 1}], [None])
    caplog.clear()
    served.finish()
    assert not caplog.text


@pytest.mark.parametrize(
    ("mark", "ends"),
    [(1, True), ("true", True), ("x", True), (0, False), ("False", False), ("", False)],
)
def test_end_marks(mark, ends):
    row = Sequences(Recorder(), end="e").stream([{"u": 1, "e": mark}], [None])[0]
    assert (row["steps"] == 1) is ends


def test_too_many_open_ends_the_one_that_was_silent_for_the_longest():
    inner = Recorder()
    model = Sequences(inner, "k", max_open=2)
    model.stream([{"k": k, "u": n} for n, k in enumerate("abac")], list("wxyz"))
    assert inner.seen == [([{"u": 1}], "x")]


def test_what_is_refused_changes_nothing():
    model = Sequences(small(), "k", length=2)
    model.stream([{"k": "a", "u": 1.0}], [None])
    before = dumps(model)
    with pytest.raises(BadRecord, match="red") as caught:
        model.stream([{"k": "a", "u": 1.0}, {"k": "a", "u": "red"}], [None, "x"])
    assert caught.value.index == 1
    with pytest.raises(BadRecord, match=r"sequence\.by"):
        model.stream([{"u": 1.0}], [None])
    assert dumps(model) == before


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_a_saved_one_goes_on_inside_its_sequences(kind):
    rng = np.random.default_rng(0)
    model = Sequences(small(kind), "k", "e")
    for n in range(81):
        x = {"k": n % 3, "u": float(rng.normal()), "e": n % 11 > 8}
        model.stream([x], [float(n % 2)])
    assert model._open
    again = loads(dumps(model))
    for n in range(20):
        x = {"k": n % 3, "u": float(rng.normal()), "e": n % 4 == 3}
        assert model.predict_one(x) == again.predict_one(x)
        assert model.stream([x], [float(n % 2)]) == again.stream([x], [float(n % 2)])
    other = Sequences(small(kind), "k", "e", length=5)
    with pytest.raises(CheckpointError, match="length"):
        other.restore(model.snapshot())


# Configurations -----------------------------------------------------------------------------------

TABLE = {
    "source": {"type": "file", "path": "in.csv"},
    "sink": {"type": "file", "path": "out.jsonl"},
    "metrics": {"enabled": False},
    "features": {"target": "label"},
    "sequence": {"by": "machine", "end": "done"},
    "estimator": {"type": "sequence-classifier", "network": False, "reservoir": 4},
    "checkpoint": {"url": "checkpoints", "every_records": 60},
    "run": {"batch_records": 20},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sequence": None}, r"\[sequence\]"),
        ({"key": "machine"}, r"sequence\.by"),
        ({"sequence": {"gap": "1m"}}, r"features\.timestamp"),
        ({"sequence": {"gap": "soon"}}, r"sequence\.gap"),
        ({"estimator": {"type": "regressor"}}, "single records"),
    ],
)
def test_what_does_not_go_together(change, says):
    table = {name: value for name, value in (TABLE | change).items() if value is not None}
    with pytest.raises(ConfigError, match=says):
        task(from_table(table))


def test_single_records_are_no_sequences():
    with pytest.raises(ConfigError, match="single records"):
        Sequences(RecurrentRegressor())


def write_stream(path, cycles):
    """Three machines, mixed; each cycle rises or falls, and its last record tells which."""
    rng = np.random.default_rng(0)
    queues = []
    for machine in "ABC":
        rows = []
        for _ in range(cycles):
            up, T = rng.random() < 0.5, int(rng.integers(3, 9))
            for k in range(T):
                u = (k if up else -k) / T + rng.normal(0, 0.1)
                last = k == T - 1
                rows.append(f"{machine},{u:.3f},{int(last)},{['down', 'up'][up] if last else ''}")
        queues.append(rows)
    lines = []
    while any(queues):
        queue = queues[int(rng.integers(3))]
        if queue:
            lines.append(queue.pop(0))
    path.write_text("\n".join(["machine,u,done,label", *lines, ""]))
    return len(lines)


@pytest.mark.slow
def test_kills_inside_sequences_change_nothing(tmp_path):
    peace, war = tmp_path / "peace", tmp_path / "war"
    for folder in (peace, war):
        folder.mkdir()
        count = write_stream(folder / "in.csv", 400)
        (folder / "pipeline.toml").write_text(TOML)
    run(peace)
    rng, kills = random.Random(1), 0
    while kills < 5:
        process = run(war, wait=False)
        before = size(war)
        started = time.monotonic()
        while process.poll() is None and size(war) <= before and time.monotonic() - started < 60:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.2))
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
    run(war)
    assert kills >= 2
    out = (peace / "out.jsonl").read_bytes()
    assert (war / "out.jsonl").read_bytes() == out
    rows = [json.loads(line) for line in out.decode().splitlines()]
    assert len(rows) == count
    ended = [row for row in rows if row["steps"]]
    assert len(ended) == 1200
    assert np.mean([row["prediction"] == row["target"] for row in ended[100:]]) > 0.95
    model = load(war / "checkpoints")
    assert dumps(model) == dumps(load(peace / "checkpoints"))
    assert model.estimator.health()["learned"] == 1200


def size(folder):
    path = folder / "out.jsonl"
    return path.stat().st_size if path.exists() else 0


TOML = """
source = {type = "file", path = "in.csv"}
sink = {type = "file", path = "out.jsonl"}
metrics.enabled = false
features.target = "label"
sequence = {by = "machine", end = "done"}
checkpoint = {url = "checkpoints", every_records = 60}
run.batch_records = 20

[estimator]
type = "sequence-classifier"
network = false
reservoir = 4
"""


def run(folder, wait=True):
    command = [sys.executable, "-m", "stream_rnn", "-q", "run", "pipeline.toml"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    if wait:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    return process


def test_what_is_open_when_a_file_ends_is_learned_if_that_is_said(tmp_path):
    """A row of its own for each, once; and more of the file begins new sequences."""
    steps = [{"machine": m, "u": float(n), "label": m} for n in range(3) for m in "ab"]
    lines = [json.dumps(step) + "\n" for step in steps]
    (tmp_path / "in.jsonl").write_text("".join(lines))
    table = {
        "source": {"type": "file", "path": str(tmp_path / "in.jsonl")},
        "sink": {"type": "file", "path": str(tmp_path / "out.jsonl")},
        "metrics": {"enabled": False},
        "checkpoint": {"url": str(tmp_path / "checkpoints")},
        "features": {"target": "label"},
        "sequence": {"by": "machine", "at_end": "learn"},
        "estimator": {"type": "sequence-classifier", "network": False, "reservoir": 4},
    }
    for _ in range(2):  # the second run finds nothing new
        made = pipeline(from_table(table))
        made.run()
        made.close()
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [row["steps"] for row in rows] == [None] * 6 + [3, 3]
        assert [row["target"] for row in rows[6:]] == ["a", "b"]
    twin = SequenceClassifier(network=False, reservoir=4)
    for m in "ab":
        twin.learn_one([{"u": float(n)} for n in range(3)], m)
    asked = [{"u": 0.0}, {"u": 1.0}]
    assert made.task.estimator.estimator.predict_proba_one(asked) == twin.predict_proba_one(asked)
    for change in ({"source": {"type": "kafka", "topic": "t"}}, {"labels": {"key": "u"}}):
        with pytest.raises(ConfigError, match=r"sequence\.at_end = 'learn'"):
            task(from_table(table | change))


def test_evaluate_scores_whole_sequences(tmp_path):
    write_stream(tmp_path / "in.csv", 60)
    (tmp_path / "pipeline.toml").write_text(TOML)
    command = [sys.executable, "-m", "stream_rnn", "-q", "evaluate", "in.csv"]
    made = subprocess.run(
        [*command, "--config", "pipeline.toml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    print(made.stdout, made.stderr)
    assert "180" in made.stdout


@pytest.mark.parametrize(
    ("limit", "scored", "said"),
    [
        (None, 3, "sequences without an end: 2, 1 of them scored as they stood"),
        (5, 2, "1 of the sequences are open"),
    ],
)
def test_an_evaluation_scores_what_is_open_at_the_end(limit, scored, said):
    """Of all data nothing more comes; where a limit ends it, something may."""
    kinds = "aabbcd"
    values = [{"k": k, "u": n, "y": None if k == "d" else 1.0} for n, k in enumerate(kinds)]
    model = Sequences(Recorder(), "k", length=2)
    task = Task(model, Rows("y", missing_target="advance"))
    result = evaluate(MemorySource(values), task, limit=limit)
    assert result.scored == scored
    assert result.at_end.startswith(said)
