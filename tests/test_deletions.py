"""Tombstones that delete their keys: a deleted key is one that was never seen."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import TOMBSTONE, Record
from stream_rnn.assembly.parts import task
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError
from stream_rnn.keys.key import MESSAGE_KEY
from stream_rnn.metrics import Metrics
from stream_rnn.service.deletions import meant
from stream_rnn.service.ledger import Ledger

pytestmark = pytest.mark.usefixtures("interpreted")

CONFIG = """
key = "k"
share = "{share}"
max_contexts = 2
source = {{type = "kafka", topic = "t", tombstones = "forget"}}
sink = {{type = "stdout"}}
features = {{target = "y", lags = {{y = [1, 2]}}}}
estimator = {{type = "regressor", cell = {{type = "Elman", units = 2}}}}
drift.detector = "none"
"""
SHARES = ["weights", "nothing"]


def records(steps):
    """Of (key, whether it is deleted) pairs."""
    found = []
    for n, (key, is_deleted) in enumerate(steps):
        row = None if is_deleted else {"k": key, "u": (n * 7 % 5) / 5, "y": (n * 3 % 11) / 11}
        raw = b"" if row is None else json.dumps(row).encode()
        told = TOMBSTONE if is_deleted else None
        found.append(Record(row, raw, told, "t-0", n, 0.0, key.encode()))
    return found


def renamed(steps):
    """The naive twin: no deletions, but another name for a key after each of its own."""
    times, found = {}, []
    for key, is_deleted in steps:
        times[key] = times.get(key, 0) + is_deleted
        if not is_deleted:
            found.append((f"{key}{times[key]}", False))
    return found


def rows_of(outcomes):
    """Predictions, and the numbers of the records that they are of."""
    return [row["prediction"] for outcome in outcomes for row in outcome.rows]


STEP = st.tuples(st.sampled_from("abcd"), st.sampled_from([False, False, True]))
STEPS = st.lists(STEP, max_size=12)


@pytest.mark.parametrize("share", SHARES)
@settings(max_examples=25)
@given(steps=STEPS, size=st.integers(1, 7), saves=st.sets(st.integers(0, 5)))
def test_a_deleted_key_is_one_that_was_never_seen(tmp_path_factory, share, steps, size, saves):
    """Whatever is in memory, in batches of any size, and over checkpoints."""
    config = parse(CONFIG.format(share=share))
    store = Store(tmp_path_factory.mktemp("store"))
    learner, outcomes, todo = task(config), [], records(steps)
    for n, start in enumerate(range(0, len(todo), size)):
        outcomes.append(learner.learn(todo[start : start + size]))
        if n in saves:
            ledger = Ledger(learner, store)
            ledger.position = start + size
            ledger.save({})
            learner = task(config)
            resumed = Ledger(learner, store)
            resumed.resume(resumed.newest())
    twin, others = task(config), renamed(steps)
    numbers = [n for n, (_, is_deleted) in enumerate(steps) if not is_deleted]
    same = [
        record._replace(value={**todo[n].value, "k": record.value["k"]})
        for n, record in zip(numbers, records(others), strict=True)
    ]
    assert rows_of(outcomes) == rows_of([twin.learn([record]) for record in same])
    assert sum(outcome.passed for outcome in outcomes) == len(steps) - len(numbers)
    living = {key for key, _ in others} - {
        f"{key}{n}" for key in "abcd" for n in range(steps.count((key, True)))
    }
    assert len(learner.contexts) == len(living)


def test_counts(interpreted):
    learner = task(parse(CONFIG.format(share="weights")))
    steps = [("a", False), ("b", True), ("a", True), ("a", True), ("a", False), ("b", False)]
    outcome = learner.learn(records(steps))
    assert (outcome.passed, outcome.forgotten) == (3, 1)  # b was not known, then a was not
    assert outcome.counts == {"consumed": 6, "predicted": 3, "learned": 3, "refused": 0}
    assert outcome.keys == ["a", "a", "b"]
    metrics = Metrics("m")
    ledger = Ledger(learner)
    metrics.batch(Running(ledger), outcome)
    assert metrics.values["keys_forgotten_total", ()] == 1
    assert metrics.values["records_passed_over_total", ()] == 3


class Running:
    def __init__(self, ledger):
        self.ledger, self.part = ledger, None

    def metrics(self):
        return ()


def test_room_is_made_for_another_key(interpreted):
    learner = task(parse("max_keys = 2\n" + CONFIG.format(share="nothing")))
    steps = [("a", False), ("b", False), ("c", False), ("a", True), ("c", False)]
    outcome = learner.learn(records(steps))
    assert [letter["offset"] for letter in outcome.refused] == [2]
    assert outcome.reasons == {"too_many_keys": 1}


def test_what_a_message_key_means():
    assert list(meant(b"\xff", "k")) == []  # no text
    assert list(meant(None, "k")) == []
    assert list(meant(b"[1]", "k")) == ["[1]"]  # a list is no key
    assert list(meant(b"1.0", "k")) == ["1.0", 1]
    assert list(meant(b'"north"', "k")) == ['"north"', "north"]
    assert list(meant(b'{"other": 1}', "k")) == ['{"other": 1}']
    assert list(meant(b"[" * 100_000, "k")) == ["[" * 100_000]
    assert list(meant(b"\xff", MESSAGE_KEY)) == [b"\xff"]


def test_without_the_setting_they_are_passed_over(interpreted):
    text = CONFIG.format(share="nothing").replace(', tombstones = "forget"', "")
    learner = task(parse(text))
    outcome = learner.learn(records([("a", False), ("a", True)]))
    assert (outcome.passed, outcome.forgotten, len(learner.contexts)) == (1, 0, 1)


KEY, SHARE = 'key = "k"\n', 'share = "nothing"\nmax_contexts = 2\n'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({KEY: "", SHARE: ""}, "needs key: name"),
        ({KEY: "sequence.length = 3\n", SHARE: ""}, r"needs sequence\.by: name"),
        ({KEY: 'labels.key = "id"\n', SHARE: ""}, "not go together with labels.*leave it out"),
        ({'key = "k"\n': 'key = "k"\nlookahead = 1\n'}, "not go together with lookahead"),
        ({'"forget"': '"learn"'}, r"source\.tombstones"),
    ],
)
def test_what_does_not_go_together(change, said):
    text = CONFIG.format(share="nothing")
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(ConfigError, match=said):
        parse(text)


GATHERED = """
sequence = {by = "k", length = 3}
source = {type = "kafka", topic = "t", tombstones = "forget"}
sink = {type = "stdout"}
features = {target = "y"}
estimator = {type = "sequence-regressor", network = false, reservoir = 8}
"""


class Counted:
    """Stands for an estimator of sequences: its prediction is how often it was asked."""

    _reads_sequences = True

    def __init__(self):
        self.asked = 0

    def stream(self, xs, ys):
        self.asked += len(xs)
        return [{"prediction": self.asked} for _ in xs]


def test_an_open_sequence_of_a_deleted_key_is_gone(monkeypatch):
    monkeypatch.setattr("stream_rnn.specs.estimator", lambda _: Counted())
    steps = [("a", False), ("b", False), ("a", False), ("a", True), ("c", True), ("b", True)]
    steps += [("a", False), ("a", False), ("a", False), ("b", False), ("b", False)]
    parts, whole = task(parse(GATHERED)), task(parse(GATHERED))
    at_once = whole.learn(records(steps))
    one_by_one = [parts.learn([record]) for record in records(steps)]
    assert [row["steps"] for row in at_once.rows] == [None, None, None, None, None, 3, None, None]
    assert [row for outcome in one_by_one for row in outcome.rows] == at_once.rows
    assert at_once.forgotten == sum(outcome.forgotten for outcome in one_by_one) == 2
    assert at_once.passed == 3
    assert {key: len(one.steps) for key, one in whole.estimator._open.items()} == {"b": 2}


def test_a_river_pipeline_can_forget(interpreted):
    from stream_rnn import Elman, Keyed, RecurrentRegressor

    model, other = (Keyed(RecurrentRegressor(Elman(2), seed=1), "k", "nothing") for _ in "ab")
    for n in range(9):
        model.learn_one({"k": 17.0, "u": n}, n)
        other.learn_one({"k": 18, "u": n}, n)
    assert model.forget(17)
    assert not model.forget(17)
    assert not model.forget("17")
    assert model.predict_one({"k": 17, "u": 3.0}) == other.predict_one({"k": 17, "u": 3.0})
    assert np.isfinite(model.predict_one({"k": 17, "u": 3.0}))
