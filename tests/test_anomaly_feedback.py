"""What an operator says of alarms, in the stream: heeded at its place, once, and kept."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record
from stream_rnn.assembly.parts import identity, task
from stream_rnn.config import from_table
from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
from stream_rnn.web.tracker import Tracker

TABLE = {
    "source": {"type": "file", "path": "in.jsonl"},
    "sink": {"type": "file", "path": "out.jsonl"},
    "metrics": {"enabled": False},
    "features": {"timestamp": "at"},
    "estimator": {"type": "anomaly", "forecaster": False, "feedback_field": "verdict"},
}


def detector(**given):
    return RecurrentAnomalyDetector(forecaster=False, feedback_field="verdict", **given)


def series(n=1200, seed=0):
    """Noise with a value at 600 and at 1100 that none before is near to."""
    x = np.random.default_rng(seed).normal(size=n)
    x[600:601], x[1100:1101] = 11.0, 11.5
    return [{"x": v} for v in x.tolist()]


def test_a_label_in_the_stream_is_what_feedback_is():
    xs = series()
    told = [*xs[:610], {"x": None, "verdict": "Not an anomaly: 601"}, *xs[610:]]
    rows, model = detector().stream(told), detector()
    expected = model.stream(xs[:610])
    assert model.feedback("not an anomaly", record=601) == ["x"]
    expected += model.stream(xs[610:])
    assert rows[610]["feedback"] == "not an anomaly: x"
    assert rows[610]["record"] == 610
    assert not rows[610]["alarm"]
    assert rows[:610] + rows[611:] == expected
    assert expected[600]["alarm"]
    assert detector().stream(xs)[1100]["score"] > expected[1100]["score"] + 0.2


def test_a_label_beside_values_comes_after_them():
    xs = series()
    model = detector()
    expected = model.stream(xs[:601])
    model.feedback("not an anomaly")
    expected += model.stream(xs[601:])
    xs[600] = {**xs[600], "verdict": "not an anomaly"}
    rows = detector().stream(xs)
    assert rows[600].pop("feedback") == "not an anomaly: x"
    expected[600].pop("feedback")
    assert rows == expected


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_labels_anywhere_and_any_cuts_give_the_same_rows(seed):
    rng = np.random.default_rng(seed)
    xs = series(260, seed)
    xs[230] = {"x": 30.0}
    for t in rng.integers(0, 260, 8).tolist():
        label = str(rng.choice(["missed", "missed: x", "not an anomaly", "missed: y", "NA"]))
        xs.insert(t, {"verdict": label} if rng.random() < 0.7 else {**xs[t], "verdict": label})
    whole, parts = detector(), detector()
    expected, at, rows = whole.stream(xs), 0, []
    while at < len(xs):
        end = at + int(rng.integers(1, 90))
        rows += parts.stream(xs[at:end])
        again = detector()
        again.restore(parts.snapshot())
        parts, at = again, end
    assert rows == expected
    assert len(rows) == len(xs)


def test_what_cannot_be_heeded_is_said():
    xs = series(700)
    rows = detector().stream(
        [
            {"verdict": "not an anomaly"},
            {"verdict": "missed"},
            *xs,
            {"verdict": "missed: y"},
            {"verdict": "not an anomaly: 17"},
        ]
    )
    said = [row["feedback"] for row in rows if row["feedback"]]
    assert said == [
        "not heeded: no alarm has been raised yet",
        "not heeded: None is no field of the records so far",
        "not heeded: 'y' is no field of the records so far",
        "not heeded: record 17 is no field's last alarm",
    ]
    model = detector()
    for wrong in ("fine", 1, "not an anomaly: x"):
        records = [*xs[:3], {"verdict": wrong}]
        with pytest.raises(BadRecord, match=r"verdict: .* is no label; give 'not an") as error:
            model.stream(records)
        assert error.value.index == 3
        assert list(model.check(records)) == [3]
    assert model.stream(xs[:2])[0]["record"] == 1


def records(values):
    return [Record(v, json.dumps(v).encode(), None, "p", n) for n, v in enumerate(values)]


def test_a_service_heeds_labels_and_goes_on_with_them():
    values = [{**x, "at": 1.7e9 + 60 * t} for t, x in enumerate(series())]
    values.insert(640, {"at": values[640]["at"], "verdict": "not an anomaly"})
    values[100]["verdict"] = "fine"
    whole, killed, again = (task(from_table(TABLE)) for _ in range(3))
    expected = whole.learn(records(values))
    assert [letter["error"].partition(";")[0] for letter in expected.refused] == [
        "verdict: 'fine' is no label"
    ]
    assert [row["feedback"] for row in expected.rows if row["feedback"]] == ["not an anomaly: x"]
    assert not any(row["alarm"] for row in expected.rows[1099:1102])
    rows = killed.learn(records(values[:700])).rows
    again.restore(*killed.snapshot())
    assert rows + again.learn(records(values[700:])).rows == expected.rows
    tracker = Tracker()
    tracker.see(expected)
    assert [s.row["reason"] for s in tracker.anomalies] == [
        row["reason"] for row in expected.rows if row["alarm"]
    ]


def test_the_budget_and_the_labels_field_may_change_between_runs():
    xs = series(300)
    model = RecurrentAnomalyDetector(forecaster=False)
    model.stream(xs)
    stricter = detector(false_alarms=0.5)
    stricter.restore(model.snapshot())
    assert stricter.score_one({"x": 1.0}) == model.score_one({"x": 1.0})
    with pytest.raises(CheckpointError, match="seed"):
        RecurrentAnomalyDetector(seed=1, forecaster=False).restore(model.snapshot())
    before = from_table({**TABLE, "estimator": {"type": "anomaly", "false_alarms": 3}})
    now = from_table({**TABLE, "estimator": {"type": "anomaly", "feedback_field": "verdict"}})
    old = {"estimator": {"type": "anomaly", "false_alarms": 3}, "target": None}
    identity(now).check(identity(now).model | old, "f", "another")
    identity(now).check(identity(before).model, "f", "another")
    assert identity(now).settings["estimator.feedback_field"] == "verdict"


@pytest.mark.parametrize("features", [{"include": ["x"]}, {"exclude": ["verdict"]}])
def test_a_field_that_never_reaches_the_detector_is_refused(features):
    with pytest.raises(ConfigError, match=r"estimator.feedback_field = 'verdict'"):
        task(from_table({**TABLE, "features": features}))
