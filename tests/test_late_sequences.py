"""Labels of whole sequences that come later, in records of their own."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record
from stream_rnn import ConfigError, SequenceClassifier, Sequences
from stream_rnn.assembly.parts import task
from stream_rnn.config import from_table

TABLE = {
    "source": {"type": "file", "path": "in.jsonl"},
    "sink": {"type": "file", "path": "out.jsonl"},
    "metrics": {"enabled": False},
    "features": {"target": "label", "exclude": ["t"]},
    "sequence": {"by": "machine", "end": "done"},
    "labels": {"key": "cycle", "time": "t", "within": 50},
    "estimator": {"type": "sequence-classifier", "network": False, "reservoir": 4},
}


def steps(seed, count):
    """Steps of two machines, mixed; every cycle rises or falls."""
    rng, open_, cycle, found = np.random.default_rng(seed), {}, 0, []
    for t in range(count):
        machine = "AB"[int(rng.integers(2))]
        if machine not in open_:
            cycle += 1
            open_[machine] = [f"c{cycle}", bool(rng.integers(2)), int(rng.integers(2, 5)), 0]
        name, up, length, n = open_[machine]
        open_[machine][3] += 1
        done = n + 1 == length
        if done:
            del open_[machine]
        u = float((n if up else -n) + rng.normal(0, 0.1))
        x = {"machine": machine, "u": u, "done": done}
        found.append((x, name, "up" if up else "down", t))
    return found


def messages(seed, count, lost, rng):
    """Records, and the label of each cycle up to 40 seconds after its end, if it is not lost."""
    events = []
    for x, cycle, label, t in steps(seed, count):
        events.append((t, 0, {**x, "cycle": cycle, "t": t}))
        if x["done"] and cycle not in lost:
            events.append((t + rng.integers(41), 1, {"cycle": cycle, "label": label, "t": t}))
    values = [value for *_, value in sorted(events, key=lambda event: event[:2])]
    return [Record(v, json.dumps(v).encode(), None, "p", n) for n, v in enumerate(values)]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(1, 30).map("c{}".format), max_size=3))
def test_what_is_learned_is_what_would_have_been_learned_in_time(seed, lost):
    rng = np.random.default_rng(seed)
    late = task(from_table(TABLE))
    records, rows = messages(seed, 150, lost, rng), []
    records.append(
        Record({"machine": "Z", "u": 0.0, "cycle": "z", "t": 10_000}, b"", None, "p", 999)
    )
    while records:
        size = int(rng.integers(1, 20))
        rows += late.learn(records[:size]).rows
        records = records[size:]
    assert len(rows) == 151
    prompt = Sequences(SequenceClassifier(network=False, reservoir=4), "machine", "done")
    known = steps(seed, 150)
    ys = [label if x["done"] and c not in lost else None for x, c, label, _ in known]
    own = prompt.stream([x for x, *_ in known], ys)
    assert [row["steps"] for row in rows[:-1]] == [row["steps"] for row in own]
    ours, theirs = late.estimator.late.estimator.snapshot(), prompt.estimator.snapshot()
    for name, array in theirs.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array, name)


def test_it_is_known_and_goes_on_with_the_same_bits():
    records = messages(1, 400, set(), np.random.default_rng(0))
    whole, first, second = (task(from_table(TABLE)) for _ in range(3))
    rows = whole.learn(records).rows
    before = first.learn(records[:301]).rows
    second.restore(*first.snapshot())
    assert before + second.learn(records[301:]).rows == rows
    ended = [row for row in rows if row["steps"]]
    truth = {cycle: label for _, cycle, label, _ in steps(1, 400)}
    right = [row["prediction"] == truth[row["cycle"]] for row in ended]
    assert np.mean(right[-60:]) > 0.9
    assert not any("target" in row for row in rows)


def test_a_gap_has_no_record_that_a_label_could_name():
    table = TABLE | {"sequence": {"gap": "1m"}}
    with pytest.raises(ConfigError, match=r"sequence\.gap"):
        task(from_table(table))
