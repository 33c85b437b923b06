"""Prometheus metrics of a running pipeline, in a registry of its own.

The pipeline's thread writes plain numbers once per batch; a scrape turns them into
samples.  Counters count from the start of the process, as Prometheus expects: a resumed
run begins again at zero.

>>> metrics = Metrics("demo")
>>> metrics.add("records_consumed_total", 3)
>>> metrics.add("records_dead_lettered_total", 1, reason="undecodable")
>>> [line for line in metrics.text().splitlines() if "records_consumed_total " in line][-1]
'stream_rnn_records_consumed_total 3.0'
"""

import math
import platform
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from .errors import ConfigError

PREFIX = "stream_rnn_"
STATES = ("starting", "running", "draining", "stopped", "failed")
BUCKETS = (5e-6, *(m * 10.0**e for e in range(-5, 0) for m in (1, 2.5, 5)), 1.0, 2.5)  # seconds


class Family(NamedTuple):
    help: str
    labels: tuple[str, ...] = ()
    present: bool = False  # also before it is first set: zero means something


PARTITION = ("topic", "partition")
LEARNER = ("learner",)
RECENT = 1000  # labelled predictions behind rolling_mae
FAMILIES = {
    "records_consumed_total": Family("Records read from the source.", present=True),
    "records_learned_total": Family("Records with a label that were learned.", present=True),
    "records_predicted_total": Family("Predictions written to the sink.", present=True),
    "records_replayed_total": Family("Records learned again, silently, after a restart."),
    "records_dead_lettered_total": Family("Records refused, by reason.", ("reason",)),
    "labels_total": Family("Records and labels that were joined, or why not.", ("outcome",)),
    "labels_pending": Family("Records that wait for their labels.", LEARNER),
    "transactions_total": Family("Transactions, by outcome.", ("outcome",)),
    "rebalances_total": Family("Rebalances of the consumer group."),
    "assigned_partitions": Family("Partitions this process reads."),
    "consumer_lag_records": Family("Records in the partition not read yet.", PARTITION),
    "consumer_position_offset": Family("Offset of the next record to read.", PARTITION),
    "loss_sum_total": Family("Sum of the losses of all predictions.", LEARNER),
    "loss_observations_total": Family("Predictions that had a label.", LEARNER),
    "rolling_mae": Family("Mean absolute error of the recent predictions.", LEARNER),
    "gradient_norm": Family("Norm of the last gradient.", LEARNER),
    "parameter_norm": Family("Norm of all parameters.", LEARNER),
    "gradient_clips_total": Family("Gradients that were clipped.", LEARNER),
    "kalman_resets_total": Family("Resets of the Kalman covariance.", LEARNER),
    "nonfinite_rollbacks_total": Family(
        "Updates undone because they left NaN or infinity.", LEARNER
    ),
    "drift_alarms_total": Family("Drift alarms, by detector.", ("learner", "detector")),
    "missing_targets_total": Family("Targets that were missing.", LEARNER),
    "level_shifts_total": Family("Level shifts that a forecaster confirmed.", LEARNER),
    "outliers_total": Family("Errors that a forecaster took for outliers.", LEARNER),
    "anomalies_total": Family("Records above an anomaly detector's threshold.", LEARNER),
    "vocabulary_size": Family("Known tokens or classes.", LEARNER),
    "vocabulary_overflows_total": Family("Tokens beyond the vocabulary's cap.", LEARNER),
    "unknown_rate": Family("Share of symbols that were not known when they came.", LEARNER),
    "symbols_total": Family("Symbols of text learned.", LEARNER),
    "surprising_lines_total": Family("Lines of text flagged as unusual.", LEARNER),
    "bits_per_symbol": Family("Mean code length of all symbols.", LEARNER),
    "bits_per_symbol_rolling": Family("Mean code length of recent lines' symbols.", LEARNER),
    "keys": Family("Keys that have a state.", LEARNER),
    "contexts": Family("Keys with a state in memory.", LEARNER),
    "context_evictions_total": Family("States moved from memory to disk.", LEARNER),
    "context_reloads_total": Family("States read back from disk.", LEARNER),
    "checkpoint_last_success_timestamp_seconds": Family("When the last checkpoint was written."),
    "checkpoint_last_position": Family("Records before the last checkpoint."),
    "checkpoint_size_bytes": Family("Size of the last checkpoint."),
    "checkpoint_duration_seconds": Family("Time the last checkpoint took."),
    "checkpoint_failures_total": Family("Checkpoints not written or found damaged.", ("reason",)),
}
HISTOGRAMS = {
    "update_duration_seconds": "Time to predict and learn one record.",
    "end_to_end_latency_seconds": "From a record's timestamp to its published prediction.",
    "transaction_commit_duration_seconds": "Time to commit a transaction.",
}
HEALTH = [name for name, family in FAMILIES.items() if family.labels == LEARNER]
FAILURES = ("write", "damaged")

Samples = Iterable[tuple[str, dict[str, str], float]]


class Histogram:
    """A classic histogram whose observations come many at a time."""

    def __init__(self, bounds: Sequence[float] = BUCKETS):
        self.bounds = bounds
        self.counts, self.sum = [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def observe_all(self, values: np.ndarray) -> None:
        places = np.searchsorted(self.bounds, values)
        for place, times in enumerate(np.bincount(places).tolist()):
            self.counts[place] += times
        self.sum += float(values.sum())

    def cumulative(self) -> list[tuple[str, float]]:
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*self.bounds, math.inf), tuple(self.counts), strict=True):
            total += count
            buckets.append(("+Inf" if bound == math.inf else repr(float(f"{bound:.6g}")), total))
        return buckets


class RecentErrors:
    """The mean absolute error of the last `RECENT` predictions that are numbers.

    >>> errors = RecentErrors()
    >>> errors.add([{"prediction": 1.0, "target": 3.0}, {"prediction": 1.0, "target": None}])
    >>> errors.mean
    2.0
    """

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=RECENT)

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows[-RECENT:]:
            truth, prediction = row.get("target"), row.get("prediction")
            if isinstance(truth, int | float) and isinstance(prediction, int | float):
                self._last.append(abs(truth - prediction))

    @property
    def mean(self) -> float | None:
        return sum(self._last) / len(self._last) if self._last else None


class Metrics:
    """The metrics of one pipeline; also an observer of it (see `pipeline.Observer`).

    Args:
        learner: the pipeline's name, the label ``learner`` of the model's metrics.
    """

    def __init__(self, learner: str = "default"):
        self.learner = learner
        self.values: dict[tuple[str, tuple[str, ...]], float] = {}
        self.histograms = {name: Histogram() for name in HISTOGRAMS}
        self._state = STATES[0]
        self._base: dict[str, dict[str, float]] = {}
        self._errors: dict[str, RecentErrors] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        for name, family in FAMILIES.items():
            if family.present:
                self.set(name, 0.0)
        for reason in FAILURES:
            self.set("checkpoint_failures_total", 0.0, reason=reason)

    # -- writing ---------------------------------------------------------------------

    def set(self, name: str, value: float, **labels: str) -> None:
        self.values[name, tuple(labels[label] for label in FAMILIES[name].labels)] = value

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        key = name, tuple(labels[label] for label in FAMILIES[name].labels)
        self.values[key] = self.values.get(key, 0.0) + amount

    def observe(self, name: str, value: float, times: int = 1) -> None:
        self.histograms[name].observe(value, times)

    def state(self, name: str) -> None:
        self._state = name

    def started(self, pipeline: Any) -> None:
        """Totals of a resumed estimator count from here."""
        self._base[self._name(pipeline)] = self._health(pipeline)
        self.update(pipeline)

    def batch(self, pipeline: Any, outcome: Any) -> None:
        now = time.time()
        for name in ("consumed", "predicted", "learned"):
            self.add(f"records_{name}_total", outcome.counts[name])
        for reason, number in outcome.reasons.items():
            self.add("records_dead_lettered_total", number, reason=reason)
        for name, number in (outcome.labels or {}).items():
            self.add("labels_total", number, outcome=name)
        records = outcome.counts["consumed"]
        if records:
            self.observe("update_duration_seconds", outcome.seconds / records, records)
        if outcome.timestamps:
            waits = np.maximum(now - np.array(outcome.timestamps), 0.0)
            self.histograms["end_to_end_latency_seconds"].observe_all(waits)
        self._measure(self._name(pipeline), outcome.settled or outcome.rows)
        self.update(pipeline)

    def _measure(self, learner: str, rows: Sequence[dict[str, Any]]) -> None:
        """The mean absolute error of the recent predictions that are numbers."""
        errors = self._errors.setdefault(learner, RecentErrors())
        errors.add(rows)
        if errors.mean is not None:
            self.set("rolling_mae", errors.mean, learner=learner)

    def update(self, pipeline: Any) -> None:
        """What the estimator, the source and the sinks report of themselves."""
        learner = self._name(pipeline)
        health, before = self._health(pipeline), self._base.get(learner, {})
        for name in HEALTH:
            short = name.removesuffix("_total")
            if short in health:
                base = before.get(short, 0.0) if name.endswith("_total") else 0.0
                self.set(name, health[short] - base, learner=learner)
        for detector, alarms in pipeline.task.drift_alarms().items():
            alarms -= before.get(f"drift_alarms {detector}", 0.0)
            self.set("drift_alarms_total", alarms, learner=learner, detector=detector)
        for part in (pipeline.source, *pipeline.sinks.values()):
            samples: Samples = part.metrics() if hasattr(part, "metrics") else ()
            for name, labels, value in samples:
                self.set(name, value, **labels)

    @staticmethod
    def _health(pipeline: Any) -> dict[str, float]:
        """What the estimator reports, and the drift alarms of each detector."""
        alarms = pipeline.task.drift_alarms().items()
        found = {f"drift_alarms {detector}": float(count) for detector, count in alarms}
        return {**pipeline.task.health(), **found}

    def _name(self, pipeline: Any) -> str:
        """A process may own several learners; each has its partition in its name."""
        partition = getattr(pipeline, "partition", None)
        return self.learner if partition is None else f"{self.learner}-{partition}"

    def transaction(self, outcome: str, seconds: float) -> None:
        self.add("transactions_total", outcome=outcome)
        if outcome == "committed":
            self.observe("transaction_commit_duration_seconds", seconds)

    def replayed(self, records: int) -> None:
        self.add("records_replayed_total", records)

    def rebalance(self, assigned: int) -> None:
        self.add("rebalances_total")
        self.set("assigned_partitions", assigned)

    def checkpoint(self, pipeline: Any, seconds: float) -> None:
        self.set("checkpoint_last_success_timestamp_seconds", time.time())
        self.set("checkpoint_last_position", pipeline.counters["consumed"])
        self.set("checkpoint_size_bytes", pipeline.store.last_size)
        self.set("checkpoint_duration_seconds", seconds)

    def checkpoint_failed(self, reason: str) -> None:
        self.add("checkpoint_failures_total", reason=reason)

    # -- reading ---------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """Called by the registry, in the thread of a scrape."""
        values = dict(self.values)
        for name, (text, labels, _) in FAMILIES.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(PREFIX + name, text, labels=labels)
            for (owner, label_values), value in values.items():
                if owner == name:
                    family.add_metric(label_values, value)
            if family.samples:
                yield family
        for name, histogram in self.histograms.items():
            yield HistogramMetricFamily(
                PREFIX + name, HISTOGRAMS[name], histogram.cumulative(), histogram.sum
            )
        state = {name: name == self._state for name in STATES}
        yield StateSetMetricFamily(f"{PREFIX}state", "What the process is doing.", state)
        yield InfoMetricFamily(f"{PREFIX}build", "Versions.", build())

    def text(self) -> str:
        return generate_latest(self.registry).decode()


def build() -> dict[str, str]:
    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "unknown"

    return {
        "version": of("stream-rnn"),
        "numba": of("numba"),
        "numpy": of("numpy"),
        "python": platform.python_version(),
    }


class Server(NamedTuple):
    """A running endpoint; ``url`` is where to scrape it."""

    url: str
    http: Any
    thread: Any

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def serve(
    metrics: Metrics,
    host: str = "127.0.0.1",
    port: int = 9108,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
) -> Server:
    """Serve ``/metrics``; port 0 takes a free one.

    With *certfile* and *keyfile* over TLS; with *client_cafile* only to clients that show
    a certificate signed by it.  Raises `ConfigError` if that cannot be done.
    """
    for field, path in (("certfile", certfile), ("keyfile", keyfile)):
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"metrics.{field} = {path!r}: no such file")
    if client_cafile is not None and certfile is None:
        raise ConfigError("metrics.client_cafile needs metrics.certfile and metrics.keyfile")
    try:
        http, thread = start_http_server(
            port,
            addr=host,
            registry=metrics.registry,
            certfile=certfile,
            keyfile=keyfile,
            client_cafile=client_cafile,
            client_auth_required=client_cafile is not None,
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"metrics.host = {host!r}, metrics.port = {port}: cannot listen there "
            f"({reason}); choose another port, or 0 for any free one"
        ) from None
    scheme = "https" if certfile else "http"
    shown = f"[{host}]" if ":" in host else host
    return Server(f"{scheme}://{shown}:{http.server_port}/metrics", http, thread)
