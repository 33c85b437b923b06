"""Drift: the window against river's, alarms in time and seldom, exact after a restore."""

import json
from itertools import pairwise

import helpers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from river import drift

from connectors.memory import MemorySink, MemorySource
from stream_rnn import Kalman, RecurrentClassifier, RecurrentForecaster, RecurrentRegressor
from stream_rnn.assembly.parts import task as configured
from stream_rnn.cells import Elman
from stream_rnn.checkpoints.file import decode, encode
from stream_rnn.config import parse
from stream_rnn.drift import adwin, detectors
from stream_rnn.drift.losses import losses
from stream_rnn.drift.monitor import EAGER, STEPS, Monitor
from stream_rnn.errors import ConfigError
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.rows import errors_of
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task

SMALL = helpers.EXPERTS


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 400)), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([{}, {"delta": 0.1}, {"clock": 1}, {"max_buckets": 3, "grace_period": 50}]),
    st.integers(0, 99),
)
def test_the_window_is_that_of_rivers_adwin(levels, noise, options, seed):
    rng = np.random.default_rng(seed)
    theirs, window = drift.ADWIN(**options), adwin.allocate(**options)
    for level, count in levels:
        for value in (level + noise * rng.normal(size=count)).tolist():
            theirs.update(value)
            assert adwin.update(window, value) == theirs.drift_detected
            if not theirs.drift_detected:
                assert window.whole[adwin.WIDTH] == theirs.width
                assert window.whole[adwin.TOTAL] == pytest.approx(theirs.total, abs=1e-9)
                assert window.sums[window.counts > 0].shape[0] == (window.counts > 0).sum()


def test_the_compiled_loop_is_the_window():
    values = np.r_[np.zeros(700), np.ones(300), np.zeros(400)] + np.random.default_rng(0).random(
        1400
    )
    window = adwin.allocate()
    expected = [t for t, value in enumerate(values) if adwin.update(window, value)]
    assert len(expected) >= 2
    assert detectors.Window().update(values) == expected


def errors(factors, unit=1.0, seed=0):
    """Heavy-tailed absolute errors (T, 1), *factors* times as large as usual."""
    noise = np.random.default_rng(seed).standard_t(3, len(factors))
    return unit * abs(noise * factors)[:, None]


STEP = np.r_[np.ones(1500), np.full(500, 3.0)]


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e12])
def test_an_abrupt_growth_raises_an_alarm_within_200_records(unit):
    for seed in range(10):
        alarms = Monitor().update(errors(STEP, unit, seed))
        assert len([t for t in alarms if t < 1500]) == 0
        assert any(1500 <= t < 1700 for t in alarms)


def test_the_detector_sees_each_loss_beside_the_usual_one():
    rng = np.random.default_rng(4)
    table = rng.exponential(size=(1500, 2)) * [1.0, 1e6]
    table[rng.random((1500, 2)) < 0.2] = np.nan
    levels, usual = [], [[], []]
    for row in table:
        parts = []
        for c in np.flatnonzero(~np.isnan(row)):
            past = usual[c]
            rate = max(1 / (len(past) + 1), 1 / 1000)
            past.append(row[c] if not past else (1 - rate) * past[-1] + rate * row[c])
            parts.append(row[c] / (row[c] + past[-1]))
        if parts:
            levels.append(np.mean(parts))
    monitor, seen = Monitor(), []
    monitor.detector.update = lambda values: seen.extend(values.tolist()) or []
    for part in np.split(table, [3, 40, 41, 900]):
        monitor.update(part, ["a", "b"])
    np.testing.assert_allclose(seen, levels[EAGER:], rtol=1e-9)


def test_shrinking_errors_are_no_alarm():
    assert Monitor().update(errors(STEP[::-1])) == []


def test_a_stationary_stream_has_few_false_alarms():
    """A level δ bounds each test; in 20 streams of 5,000 records there may be two alarms."""
    counts = [len(Monitor().update(errors(np.ones(5000), seed=seed))) for seed in range(20)]
    assert sum(counts) <= 2


@pytest.mark.parametrize("name", sorted(detectors.names()))
def test_any_detector_goes_on_bit_for_bit(name):
    values = errors(np.r_[STEP, np.ones(300)], seed=3)
    whole, cut = (Monitor(name) for _ in range(2))
    expected = whole.update(values)
    for parts in ((0, 1, 29, 31, 700), (700, 1600, 1601, 2300)):
        for start, end in pairwise(parts):
            cut.update(values[start:end])
        arrays, meta = cut.snapshot()
        cut = Monitor(name)
        assert cut.restore(arrays, json.loads(json.dumps(meta)))
    assert cut.alarms == len(expected)
    after, before = whole.snapshot(), cut.snapshot()
    assert json.dumps(after[1]) == json.dumps(before[1])
    for key, array in after[0].items():
        np.testing.assert_array_equal(array, before[0][key])


def test_an_object_of_river_is_taken_and_not_touched():
    theirs = drift.KSWIN(alpha=0.001, window_size=80, seed=2)
    monitor = Monitor(theirs)
    assert monitor.update(errors(STEP)) != []
    assert theirs.n == 0
    assert Monitor(drift.ADWIN(delta=0.01)).detector.window.settings[0] == 0.01


def test_several_losses_of_a_record_count_alike():
    rng = np.random.default_rng(1)
    both = np.c_[1e6 * abs(rng.normal(size=2000)), 1e-6 * abs(rng.normal(size=2000)) * STEP]
    both[::7, 0] = np.nan
    assert 1500 <= Monitor().update(both, ["a", "b"])[0] < 1900
    late = Monitor()
    late.update(both[:50, :1], ["a"])
    late.update(both[50:, ::-1], ["b", "a"])
    assert late.alarms == 1


@given(
    st.lists(
        st.tuples(*[st.floats() | st.integers(-9, 9) | st.none() | st.booleans()] * 2), min_size=1
    )
)
def test_losses_of_many_rows_are_those_of_each(pairs):
    rows = [{"prediction": made, "target": truth} for made, truth in pairs]
    table, names = losses(rows)
    assert names in ([0], [])  # no column where no row has a loss
    for t, row in enumerate(rows):
        alone = errors_of(row)
        expected = alone.get(0, np.nan)
        found = table[t, 0] if names else np.nan
        assert found == expected or (np.isnan(found) and np.isnan(expected))


def test_losses_of_every_kind_errors_of():
    nan = float("nan")
    cases = [
        ({"prediction": 1.0, "target": 3.0}, {0: 2.0}),
        ({"prediction": 1.0, "target": None}, {}),
        ({"prediction": None, "target": 3.0}, {}),
        ({"prediction": "a", "probabilities": {"a": 1.0}, "target": "b"}, {0: 1.0}),
        ({"prediction": None, "probabilities": {}, "target": "b"}, {}),
        ({"prediction": {"a": 1.0}, "target": {"a": 4.0, "b": 1.0}}, {"a": 3.0}),
        ({"score": 2.5}, {0: 2.5}),
        ({"bits_per_symbol": 1.5}, {0: 1.5}),
    ]
    for row, expected in cases:
        table, names = losses([row, {"prediction": nan}])
        assert dict(zip(names, table[0].tolist(), strict=True)) | expected == expected | dict(
            zip(names, table[0].tolist(), strict=True)
        )
        assert set(expected) <= set(names)


# In the forecaster --------------------------------------------------------------------------


def changed_law(n=3000, seed=0):
    """An autoregression whose coefficients change sign half way."""
    rng, y = np.random.default_rng(seed), np.zeros(n)
    for t in range(2, n):
        a = 0.8 if t < n // 2 else -0.8
        y[t] = a * y[t - 1] + rng.normal()
    return y


@pytest.mark.parametrize("on_drift", [None, "noise", "widen", "both"])
def test_the_forecaster_reacts_alike_however_the_stream_is_cut(on_drift):
    y = changed_law(700)
    y[[100, 101, 350, 360]] = np.nan
    whole, parts, single = (
        RecurrentForecaster(experts=SMALL, drift=drift.KSWIN(alpha=0.02), on_drift=on_drift)
        for _ in range(3)
    )
    expected = whole.prequential(y, level=0.9)
    assert sum(whole.drift_alarms().values()) >= 1
    got = [parts.prequential(part, level=0.9) for part in np.split(y, [1, 50, 333, 334])]
    np.testing.assert_array_equal(np.concatenate(got), expected)
    for value in y.tolist():
        single.learn_one(value)
    assert single.forecast(1, level=0.9) == whole.forecast(1, level=0.9)


def test_a_forecaster_with_drift_is_restored_exactly():
    y = changed_law(900)
    whole, first, second = (
        RecurrentForecaster(experts=SMALL, drift="ADWIN", on_drift="both") for _ in range(3)
    )
    expected = whole.prequential(y)
    got = first.prequential(y[:517])
    saved = first.snapshot()
    checkpoint = decode(encode({"meta": saved.meta}, saved.arrays))
    second.restore(type(saved)(checkpoint.arrays, checkpoint.manifest["meta"]))
    np.testing.assert_array_equal(np.concatenate([got, second.prequential(y[517:])]), expected)
    assert second.drift_alarms() == whole.drift_alarms()


def test_process_noise_helps_after_the_law_has_changed():
    y = changed_law()
    plain = RecurrentForecaster(experts=SMALL)
    reacting = RecurrentForecaster(experts=SMALL, drift="ADWIN", on_drift="noise")
    late = slice(1700, 2200)
    before = abs(plain.prequential(y) - y)[late].mean()
    after = abs(reacting.prequential(y) - y)[late].mean()
    assert reacting.drift_alarms()["ADWIN"] >= 1
    assert after < before


def test_widened_intervals_are_wider():
    model = RecurrentForecaster(experts=SMALL)
    model.prequential(changed_law(300))
    model.react("widen")
    other = RecurrentForecaster(experts=SMALL)
    other.prequential(changed_law(300))
    model.learn_one(0.0)
    other.learn_one(0.0)
    (wide,), (narrow,) = model.forecast(1, level=0.9), other.forecast(1, level=0.9)
    assert wide.upper - wide.lower > 1.3 * (narrow.upper - narrow.lower)
    assert wide.point == narrow.point


# In the service -----------------------------------------------------------------------------


def records(n=800):
    rng, rows = np.random.default_rng(2), []
    for t in range(n):
        u = rng.normal(size=2)
        sign = 1 if t < n // 2 else -1
        y = sign * 3 * u[0] + 0.1 * rng.normal()
        rows.append({"a": float(u[0]), "b": float(u[1]), "y": float(y)})
    return rows


def run(task, rows, batch, metrics=None):
    sink = MemorySink()
    line = Pipeline(
        MemorySource(rows),
        task,
        sink,
        schedule=Schedule(batch_records=batch),
        observers=() if metrics is None else (metrics,),
    )
    line.run()
    line.close()
    return sink.rows


def kalman(drift=None):
    model = RecurrentRegressor(cell=Elman(3), optimizer=Kalman(0.1, 1e-6), seed=1)
    return Task(model, Rows("y"), drift=drift)


def test_an_alarm_is_in_the_metrics_and_the_reaction_does_not_depend_on_batches():
    rows, metrics = records(), Metrics("taxi")
    first = run(kalman(Monitor(on_drift="noise")), rows, 37, metrics)
    assert first == run(kalman(Monitor(on_drift="noise")), rows, 800)
    plain = run(kalman(Monitor()), rows, 100)
    assert plain != first
    error = [np.mean([abs(r["prediction"] - r["target"]) for r in x[500:]]) for x in (first, plain)]
    assert error[0] < error[1]
    found = {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text())
        for sample in family.samples
        if sample.name == "stream_rnn_drift_alarms_total"
    }
    assert found[("detector", "ADWIN"), ("learner", "taxi")] >= 1


@pytest.mark.parametrize("cut", [5, 411, 450])
def test_a_task_goes_on_bit_for_bit(cut):
    rows = records()
    expected = run(kalman(Monitor(on_drift="noise")), rows, 50)
    first, second = kalman(Monitor(on_drift="noise")), kalman(Monitor(on_drift="noise"))
    got = run(first, rows[:cut], 64)
    meta, arrays = first.snapshot()
    checkpoint = decode(encode({"task": meta}, arrays))
    second.restore(checkpoint.manifest["task"], checkpoint.arrays)
    assert got + run(second, rows[cut:], 31) == expected


def test_other_settings_start_the_detector_anew(caplog):
    first = kalman(Monitor())
    run(first, records(100), 50)
    other = kalman(Monitor(delta=0.1))
    other.restore(*first.snapshot())
    assert "starts anew" in caplog.text
    kalman().restore(*first.snapshot())  # a task that watches nothing ignores it


def test_a_classifier_is_watched_too():
    rng, rows = np.random.default_rng(0), []
    for t in range(1200):
        u = float(rng.normal())
        label = (u > 0) if t < 800 else (u < 0)
        rows.append({"u": u, "y": "up" if label else "down"})
    watched = Task(RecurrentClassifier(cell=Elman(2), seed=1), Rows("y"), drift=Monitor())
    run(watched, rows, 100)
    assert watched.drift_alarms()["ADWIN"] >= 1


TOML = """
source = {type = "stdin"}
sink = {type = "stdout"}
features.target = "y"
"""


def test_the_table_of_a_configuration():
    assert configured(parse(TOML)).drift.name == "ADWIN"
    off = 'drift.detector = "none"'
    assert configured(parse(TOML + off)).drift is None
    table = 'drift = {detector = "PageHinkley", threshold = 8.0}'
    assert configured(parse(TOML + table)).drift.detector.detector.threshold == 8.0
    forecaster = 'estimator = {type = "forecaster"}\ndrift.on_drift = "both"'
    assert configured(parse(TOML + forecaster)).drift.on_drift == "both"
    for text, message in (
        ('drift.detector = "ADWINN"', "drift.detector = 'ADWINN': unknown; did you mean 'ADWIN'"),
        ("drift.delt = 1", "drift.delt: unknown field; did you mean 'delta'"),
        ('drift.on_drift = "widen"', "drift.on_drift = 'widen': known: noise"),
        (
            'estimator.type = "text"\ndrift.on_drift = "noise"',
            "drift.on_drift = 'noise': this estimator cannot",
        ),
    ):
        with pytest.raises(ConfigError) as error:
            configured(parse(TOML + text))
        assert message in str(error.value)


def test_refusals():
    with pytest.raises(ConfigError, match="on_drift: 'run'; choose from noise"):
        Monitor(on_drift="run")
    with pytest.raises(ConfigError, match="needs drift"):
        RecurrentForecaster(on_drift="noise")
    with pytest.raises(ConfigError, match="is unknown; choose from ADWIN"):
        RecurrentForecaster(drift="ADVIN")
    monitor = Monitor(on_drift="noise")
    assert (monitor.room() - EAGER) % STEPS == 0
    assert not Monitor().restore(*monitor.snapshot())
