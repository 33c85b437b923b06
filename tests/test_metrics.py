"""Metrics: the names users expect, exact counts, valid exposition, closed to the outside."""

import subprocess
from math import log

import helpers
import pytest
from average import Linear
from prometheus_client.parser import text_string_to_metric_families

from connectors.memory import MemorySink, MemorySource
from stream_rnn.checkpoints.store import Store
from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
from stream_rnn.estimators.forecaster import RecurrentForecaster
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import FAMILIES, HISTOGRAMS, Histogram, Metrics, Quality
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.outcome import Outcome
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task

EXPECTED = """
records_consumed_total records_learned_total records_predicted_total records_replayed_total
records_dead_lettered_total transactions_total rebalances_total assigned_partitions
dependency_up dependency_down_seconds records_passed_over_total
records_skipped_total source_gaps_total
labels_total labels_pending limit_used_ratio file_lag_bytes
consumer_lag_records consumer_position_offset
loss_sum_total loss_observations_total rolling_mae rolling_mae_last_value
rolling_mae_running_mean rolling_accuracy rolling_accuracy_last_class rolling_log_loss
interval_coverage interval_level member_weight model_info gradient_norm parameter_norm
missing_targets_total level_shifts_total outliers_total returns_total anomalies_total
gradient_clips_total kalman_resets_total nonfinite_rollbacks_total drift_alarms_total
vocabulary_size vocabulary_overflows_total bits_per_symbol bits_per_symbol_rolling
unknown_rate symbols_total surprising_lines_total
keys keys_forgotten_total contexts context_evictions_total context_reloads_total
checkpoint_last_success_timestamp_seconds checkpoint_last_position checkpoint_size_bytes
checkpoint_duration_seconds checkpoint_failures_total
"""


class Forgetful(MemorySink):
    """Of another process: it does not hold what was written before."""

    def restore(self, position): ...


def run(metrics, records, store=None):
    line = Pipeline(
        MemorySource(records),
        Task(Linear(), Rows("y")),
        Forgetful(),
        Forgetful(),
        store,
        Schedule(batch_records=3, max_refused=1.0),
        (metrics,),
    )
    try:
        line.run()
    finally:
        line.close()
    return line


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


RECORDS = [{"u": 0.5, "y": 1.0}] * 8 + [{"u": "x", "y": 1.0}, {"u": 1.0}, {"u": 1.0, "y": None}]


def test_the_names_are_the_documented_ones():
    assert sorted(FAMILIES) == sorted(EXPECTED.split())
    assert list(HISTOGRAMS) == [
        "update_duration_seconds",
        "end_to_end_latency_seconds",
        "transaction_commit_duration_seconds",
    ]


def test_counts_are_exact(tmp_path):
    metrics = Metrics("taxi")
    line = run(metrics, RECORDS, Store(tmp_path))
    found = samples(metrics.text())
    assert found["stream_rnn_records_consumed_total",] == 11
    assert found["stream_rnn_records_predicted_total",] == 9
    assert found["stream_rnn_records_learned_total",] == 8
    assert found["stream_rnn_records_dead_lettered_total", ("reason", "refused")] == 1
    assert found["stream_rnn_records_dead_lettered_total", ("reason", "missing_target")] == 1
    assert found["stream_rnn_loss_observations_total", ("learner", "taxi")] == 8
    assert found["stream_rnn_loss_sum_total", ("learner", "taxi")] == line.task.estimator.loss
    errors = [abs(row["prediction"] - 1.0) for row in line.sinks["sink"].rows[:8]]
    mean = found["stream_rnn_rolling_mae", ("learner", "taxi")]
    assert mean == pytest.approx(sum(errors) / 8)
    assert found["stream_rnn_update_duration_seconds_count",] == 11
    assert found["stream_rnn_update_duration_seconds_sum",] > 0
    assert found["stream_rnn_checkpoint_last_position",] == 11
    assert found["stream_rnn_checkpoint_size_bytes",] > 100
    assert found["stream_rnn_checkpoint_failures_total", ("reason", "write")] == 0
    assert found["stream_rnn_state", ("stream_rnn_state", "stopped")] == 1
    assert found["stream_rnn_state", ("stream_rnn_state", "running")] == 0
    assert not [name for name, *_ in found if name.endswith("_created")]


def test_the_model_the_process_and_simple_predictions_are_told(tmp_path):
    metrics = Metrics("taxi")
    run(metrics, [{"u": 0.5, "y": float(y)} for y in (1, 2, 4, 8)])
    found = samples(metrics.text())
    assert found["stream_rnn_rolling_mae_last_value", ("learner", "taxi")] == (1 + 2 + 4) / 3
    mean = found["stream_rnn_rolling_mae_running_mean", ("learner", "taxi")]
    assert mean == pytest.approx((1 + 2.5 + 8 - 7 / 3) / 3)
    assert found["stream_rnn_model_info", ("estimator", "Linear"), ("learner", "taxi")] == 1
    assert found["process_resident_memory_bytes",] > 1e7
    assert found["process_open_fds",] > 2


def test_quality_of_classes_intervals_keys_and_several_targets():
    quality = Quality()
    shares = {"a": 0.8, "b": 0.2}
    quality.add(
        [{"prediction": "a", "probabilities": shares, "target": y} for y in ("a", "b", None, "a")]
    )
    measures = quality.measures()
    assert measures["rolling_accuracy"] == 2 / 3
    assert measures["rolling_accuracy_last_class"] == 0
    assert measures["rolling_log_loss"] == pytest.approx(-(2 * log(0.8) + log(0.2)) / 3)

    quality = Quality()
    interval = {"prediction": 1.0, "prediction_lower": 0.0, "prediction_upper": 2.0}
    quality.add([{**interval, "target": y} for y in (0.0, 2.0, 3.0, None)])
    assert quality.measures()["interval_coverage"] == 2 / 3

    quality = Quality()
    rows = [{"prediction": 0.0, "target": y} for y in (1.0, 100.0, 2.0, 101.0)]
    quality.add(rows, ["small", "large"] * 2)
    assert quality.measures()["rolling_mae_last_value"] == 1.0
    assert quality.keys["large"].error > 50 > quality.keys["small"].error

    quality = Quality()
    quality.add([{"prediction": {"u": 1.0, "v": 2.0}, "target": {"u": 2.0, "v": None}}])
    assert quality.measures() == {"rolling_mae": 1.0}


def test_what_is_remembered_is_bounded():
    quality, metrics = Quality(), Metrics()
    for start in range(0, 30_000, 1000):
        names = [f"key{n}" for n in range(start, start + 1000)]
        quality.add([{"prediction": 0.0, "target": 1.0}] * 1000, names)
        for name in names:
            metrics.set("drift_alarms_total", 1.0, detector=name)
    assert len(quality.keys) == 10_000
    assert len(quality.errors.rows) == 1000
    assert len(metrics.values) == 10_000


def test_partitions_that_are_gone_are_not_reported():
    metrics = Metrics()
    metrics.set("consumer_lag_records", 5.0, topic="t", partition="0")
    metrics.rebalance(1)
    assert "consumer_lag_records" not in metrics.text().replace("# HELP", "")


def test_what_a_forecaster_and_an_anomaly_detector_count():
    small = helpers.EXPERTS
    ys = [float(t % 4) for t in range(400)]
    ys[300], ys[320], ys[321] = 1e9, None, None
    ys[360:] = [y + 1e5 for y in ys[360:]]
    for model, target, names in (
        (RecurrentForecaster(experts=small), "y", "missing_targets level_shifts outliers"),
        (RecurrentAnomalyDetector(experts=small), None, "missing_targets anomalies"),
    ):
        metrics = Metrics("taxi")
        line = Pipeline(
            MemorySource([{"y": y} for y in ys]),
            Task(model, Rows(target)),
            MemorySink(),
            observers=(metrics,),
        )
        line.run()
        found, health = samples(metrics.text()), model.health()
        for name in names.split():
            assert found[f"stream_rnn_{name}_total", ("learner", "taxi")] == health[name] >= 1


def test_a_resumed_run_counts_from_zero(tmp_path):
    """Prometheus adds up what a process did; a total from before would count twice."""
    first = run(Metrics(), RECORDS[:8], Store(tmp_path))
    assert first.task.estimator.seen == 8
    metrics = Metrics()
    second = run(metrics, RECORDS, Store(tmp_path))
    found = samples(metrics.text())
    assert second.task.estimator.seen == 8
    assert second.counters["consumed"] == 11
    assert found["stream_rnn_records_consumed_total",] == 3
    assert found["stream_rnn_loss_observations_total", ("learner", "default")] == 0


def test_damaged_checkpoints_are_counted(tmp_path):
    run(Metrics(), RECORDS, Store(tmp_path))
    newest = tmp_path / Store(tmp_path).list()[-1]
    newest.write_bytes(newest.read_bytes()[:-3])
    metrics = Metrics()
    run(metrics, RECORDS, Store(tmp_path))
    failures = samples(metrics.text())[
        "stream_rnn_checkpoint_failures_total", ("reason", "damaged")
    ]
    assert failures == 1


def test_sources_report_their_own():
    class Kafka(MemorySource):
        def metrics(self):
            yield "consumer_lag_records", {"topic": "t", "partition": "0"}, 12.0

    metrics = Metrics()
    line = Pipeline(
        Kafka(RECORDS[:3]), Task(Linear(), Rows("y")), MemorySink(), observers=(metrics,)
    )
    line.run()
    found = samples(metrics.text())
    assert found["stream_rnn_consumer_lag_records", ("partition", "0"), ("topic", "t")] == 12


def test_latency_is_from_the_record_to_its_prediction(monkeypatch):
    metrics = Metrics()

    counts = {"consumed": 2, "predicted": 2, "learned": 2, "refused": 0}
    outcome = Outcome([], [], counts, {}, seconds=0.2, timestamps=[100.0, 101.7])
    monkeypatch.setattr("time.time", lambda: 102.0)
    line = Pipeline(MemorySource([]), Task(Linear(), Rows("y")), MemorySink())
    metrics.batch(line, outcome)
    found = samples(metrics.text())
    assert found["stream_rnn_end_to_end_latency_seconds_count",] == 2
    assert found["stream_rnn_end_to_end_latency_seconds_sum",] == pytest.approx(2.3)
    assert found["stream_rnn_end_to_end_latency_seconds_bucket", ("le", "0.5")] == 1
    assert found["stream_rnn_update_duration_seconds_bucket", ("le", "0.1")] == 2


def test_buckets_are_cumulative_and_bounds_inclusive():
    histogram = Histogram((1.0, 2.0))
    for value, times in ((1.0, 2), (1.5, 1), (9.0, 3)):
        histogram.observe(value, times)
    assert histogram.cumulative() == [("1.0", 2), ("2.0", 3), ("+Inf", 6)]
    assert histogram.sum == 30.5


def test_buckets_reach_from_5_microseconds_to_2_5_seconds():
    bounds = [bound for bound, _ in Histogram().cumulative()]
    assert bounds[0] == "5e-06"
    assert bounds[-2:] == ["2.5", "+Inf"]


def test_promtool_accepts_the_exposition(tmp_path):
    metrics = Metrics("taxi")
    run(metrics, RECORDS, Store(tmp_path))
    for name, family in FAMILIES.items():  # also those that no part of this run reports
        metrics.set(name, 1.0, **dict.fromkeys(family.labels, "x"))
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.text(), capture_output=True, text=True
    )
    # Code length is measured in bits, whatever the linter's list of base units says.
    known = [
        f'stream_rnn_{name} use base unit "bytes" instead of "bits"'
        for name in ("bits_per_symbol", "bits_per_symbol_rolling")
    ]
    assert sorted((checked.stdout + checked.stderr).splitlines()) == known


def test_two_pipelines_do_not_share_a_registry():
    one, two = Metrics("one"), Metrics("two")
    one.add("records_consumed_total", 5)
    assert samples(two.text())["stream_rnn_records_consumed_total",] == 0
