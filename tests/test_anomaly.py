"""The anomaly detector as its users meet it."""

import helpers
import numpy as np
import pytest
from river import checks, datasets

from stream_rnn import Keyed
from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
from stream_rnn.estimators.protocol import Snapshot

SMALL = helpers.EXPERTS


def records(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {"a": float(v), "b": float(w), "timestamp": 1.4e9 + 3600.0 * t}
        for t, (v, w) in enumerate(rng.normal(size=(n, 2)) * [1, 1e6])
    ]


class Cards:
    """Stands for river's CreditCard, which would be downloaded: fields, rare odd records."""

    def take(self, count):
        rng = np.random.default_rng(0)
        for t in range(count):
            odd = t % 97 == 96
            values = rng.normal(size=5) * (6 if odd else 1)
            yield dict(zip(["Time", "V1", "V2", "V3", "Amount"], values.tolist())), int(odd)


@pytest.mark.slow
def test_river_checks(monkeypatch):
    monkeypatch.setattr(datasets, "CreditCard", Cards)
    checks.check_estimator(RecurrentAnomalyDetector(experts=SMALL))


@pytest.mark.parametrize("settings", [{"forecaster": False}, {"experts": SMALL}])
def test_one_at_a_time_in_chunks_and_after_a_restore_alike(settings):
    xs = records(240)
    del xs[30]["a"]
    xs[31]["a"] = None
    xs[200]["a"] = 50.0
    for x in xs[:40]:
        del x["b"]  # a field that appears later
    whole, parts, single = (RecurrentAnomalyDetector(**settings) for _ in range(3))
    expected = whole.stream(xs)
    first = parts.stream(xs[:77])
    other = RecurrentAnomalyDetector(**settings)
    other.restore(parts.snapshot())
    assert first + other.stream(xs[77:]) == expected
    assert any(row["alarm"] for row in expected)
    scores = []
    for x in xs:
        scores.append(single.score_one(x))
        single.learn_one(x)
    # the record in which a field appears counts one field more once it is learned
    assert [s for t, s in enumerate(scores) if t != 40] == [
        r["score"] for t, r in enumerate(expected) if t != 40
    ]
    assert whole.health() == other.health() == single.health()


def test_each_key_has_a_detector_of_its_own():
    xs = records(300)
    single = RecurrentAnomalyDetector(forecaster=False).stream(xs)
    mixed = [{**x, "host": h} for x in xs for h in ("p", "q")]
    keyed = Keyed(
        RecurrentAnomalyDetector(forecaster=False), key="host", share="nothing", max_contexts=1
    )
    rows = keyed.stream(mixed[:100], [None] * 100)
    other = Keyed(
        RecurrentAnomalyDetector(forecaster=False), key="host", share="nothing", max_contexts=1
    )
    other.restore(keyed.snapshot())
    rows += other.stream(mixed[100:], [None] * 500)
    assert rows[::2] == rows[1::2] == single
    with pytest.raises(ValueError, match="no record of host = 'r'"):
        other.feedback("r", "missed")
    before = other.score_one({**mixed[-1], "host": "q"})
    other.feedback("p", "missed", "a")
    assert other.score_one(mixed[-2]) > other.score_one({**mixed[-1], "host": "q"}) == before


def test_an_outlier_in_any_field_and_unit_is_found_named_and_explained():
    xs = records()
    xs[400]["b"] = 3e7
    xs[470]["a"] = -20.0
    rows = RecurrentAnomalyDetector(experts=SMALL).stream(xs)
    one, other = rows[400], rows[470]
    assert one["alarm"]
    assert one["field"] == "b"
    assert one["fields"] == ["b"]
    assert one["reason"] == "value of b: highest in 400 records"
    assert other["alarm"]
    assert other["reason"] == "value of a: lowest in 470 records"
    assert other["scores"]["a"] > 2 > other["scores"]["b"]
    assert one["score"] == pytest.approx(one["scores"]["b"] - np.log10(2), abs=0.01)
    assert abs(other["expected"]) < 2
    assert -20 < other["expected_lower"] < other["expected_upper"]


def test_a_disturbance_is_one_episode_with_a_start_and_an_end():
    xs = records(1500)
    for t in range(1000, 1040):
        xs[t]["a"] += 12.0
    rows = RecurrentAnomalyDetector(forecaster=False).stream(xs)
    assert [t for t, row in enumerate(rows) if row["alarm"] and 960 < t < 1100] == [1000]
    assert rows[999]["episode"] is None
    assert rows[999]["severity"] == 0
    assert {row["episode"] for row in rows[1000:1040]} == {1001}
    (end,) = [row["episode_end"] for row in rows[1000:1100] if row["episode_end"]]
    assert 1036 <= end <= 1060
    assert rows[1039]["severity"] == max(row["score"] for row in rows[1000:1040])


def test_a_shift_that_stays_raises_one_alarm():
    raised = []
    for seed in range(5):
        xs = records(3000, seed)
        for x in xs[1500:]:
            x["a"] += 8.0
        rows = RecurrentAnomalyDetector(forecaster=False).stream([{"a": x["a"]} for x in xs])
        raised.append([t for t, row in enumerate(rows) if row["alarm"] and 1490 < t < 1800])
    assert all(found[0] == 1500 for found in raised)
    assert sum(map(len, raised)) <= 6  # five shifts; one more by chance


def test_refusals():
    for wrong in (0, -1.0, float("nan"), True, "often", "0 per day", "1 per fortnight"):
        with pytest.raises(ConfigError, match="false_alarms: "):
            RecurrentAnomalyDetector(false_alarms=wrong)
    model = RecurrentAnomalyDetector(forecaster=False)
    model.learn_one({"a": 1.0})
    for bad in ("high", float("inf"), 1e90):
        before = model.snapshot().arrays
        with pytest.raises(BadRecord, match="field 'a'") as error:
            model.stream([{"a": 2.0}, {"a": bad}])
        assert error.value.index == 1
        after = model.snapshot().arrays
        assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)
    with pytest.raises(BadRecord, match="timestamp: 'noon' is not a time"):
        model.learn_one({"a": 1.0, "timestamp": "noon"})
    with pytest.raises(CheckpointError, match="use the settings"):
        RecurrentAnomalyDetector(forecaster=False, seed=1).restore(model.snapshot())
    old = Snapshot({}, {"estimator": "RecurrentAnomalyDetector", "models": [], "fields": []})
    with pytest.raises(CheckpointError, match=r"version 0\.1"):
        model.restore(old)
