"""The anomaly detector as its users meet it."""

import bisect
from math import log10

import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import checks, datasets

from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
from stream_rnn.forecasting import surprise

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


def test_one_at_a_time_in_chunks_and_after_a_restore_alike():
    xs = records(160)
    del xs[30]["a"]
    for x in xs[:40]:
        del x["b"]  # a field that appears later
    whole, parts, single = (RecurrentAnomalyDetector(experts=SMALL) for _ in range(3))
    expected = whole.stream(xs)
    first = parts.stream(xs[:77])
    other = RecurrentAnomalyDetector(experts=SMALL)
    other.restore(parts.snapshot())
    assert first + other.stream(xs[77:]) == expected
    scores = []
    for x in xs:
        scores.append(single.score_one(x))
        single.learn_one(x)
    # the record in which a field appears counts one field more once it is learned
    assert [s for t, s in enumerate(scores) if t != 40] == [
        r["score"] for t, r in enumerate(expected) if t != 40
    ]
    assert whole.health() == other.health()


def test_an_outlier_in_any_field_and_unit_is_found():
    xs = records()
    xs[400]["b"] = 3e7
    xs[450]["a"] = -20.0
    rows = RecurrentAnomalyDetector(quiet=10, experts=SMALL).stream(xs)
    assert [t for t, row in enumerate(rows) if row["anomaly"]][-2:] == [400, 450]
    assert (rows[400]["field"], rows[450]["field"]) == ("b", "a")


def test_alarms_are_as_rare_as_was_asked_for():
    rows = RecurrentAnomalyDetector(rate=0.01, quiet=1, experts=SMALL).stream(records(4000))
    assert 0.004 < np.mean([row["anomaly"] for row in rows]) < 0.016


def test_one_disturbance_raises_one_alarm():
    xs = records()
    for t in range(400, 420):
        xs[t]["a"] += 30.0 * (-1) ** t
    rows = RecurrentAnomalyDetector(experts=SMALL).stream(xs)
    assert rows[400]["anomaly"]
    assert sum(row["anomaly"] for row in rows[400:450]) <= 3


@given(st.lists(st.floats(0.01, 1e5), min_size=75, max_size=140))
def test_the_score_is_the_rank_among_past_errors(errors):
    past = surprise.allocate()
    for error in errors[:-1]:
        surprise.learn(past, error)
    value, ordered = surprise.score(past, errors[-1]), sorted(errors[surprise.WARM_UP : -1])
    n, last = len(ordered), errors[-1]
    bin_ratio = 2 ** (1 / surprise.PER_OCTAVE)
    least = bisect.bisect_left(ordered, last / bin_ratio)
    most = bisect.bisect_right(ordered, last * bin_ratio)
    assert value >= -log10((n - least + 0.5) / (n + 1)) - 1e-9
    if most < n:
        assert value <= -log10((n - most + 0.5) / (n + 1)) + 1e-9


def test_refusals():
    with pytest.raises(ConfigError, match="rate: 2"):
        RecurrentAnomalyDetector(rate=2.0)
    with pytest.raises(ConfigError, match="quiet: 0"):
        RecurrentAnomalyDetector(quiet=0)
    model = RecurrentAnomalyDetector(experts=SMALL)
    model.learn_one({"a": 1.0})
    for bad in ("high", float("inf"), 1e90):
        with pytest.raises(BadRecord):
            model.learn_one({"a": bad})
    with pytest.raises(CheckpointError, match="use the settings"):
        RecurrentAnomalyDetector().restore(model.snapshot())


def test_the_benchmark_scorer_on_cases_counted_by_hand():
    import importlib.util
    from pathlib import Path

    path = Path(__file__).parent / "benchmarks" / "nab.py"
    spec = importlib.util.spec_from_file_location("nab", path)
    nab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nab)
    series = {"s": nab.Labelled([], [0.0] * 1000, [(400, 499), (700, 799)])}

    def score(*places):
        scores = np.zeros(1000)
        scores[list(places)] = 1.0
        return nab.benchmark_score(series, {"s": scores})[0]

    assert score() == pytest.approx(0)
    assert score(400, 700) == pytest.approx(100)
    assert score(400, 450, 700) == pytest.approx(100)  # only the first of a window counts
    assert score(400) == pytest.approx(50)
    assert score(400, 700, 300) == pytest.approx(100 - 100 * 0.11 / 4)
    assert score(400, 700, 100) == pytest.approx(100)  # not scored yet
    late = nab.sigmoid(-1 / 100) / nab.sigmoid(-1)
    assert score(400, 799) == pytest.approx(75 + 25 * late)
    behind = 0.11 * (2 / (1 + np.exp(5 * 100 / 99)) - 1)
    assert score(400, 700, 899) == pytest.approx(100 + 25 * behind)
