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

import platform
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from connectors.state import UP, Dependencies

from ..estimators.protocol import member_weights
from ..service.bounds import Bound
from ..service.ledger import Ledger
from ..service.observers import Observer, Run
from ..service.outcome import Outcome
from .families import FAILURES, FAMILIES, HEALTH, HISTOGRAMS, MOST_SERIES, PREFIX, STATES
from .models import described
from .observed import Histogram
from .quality import Quality


class Metrics(Observer):
    """The metrics of one pipeline; also an observer of it (see `service.observers`).

    Args:
        learner: the pipeline's name, the label ``learner`` of the model's metrics.
        dependencies: whose states are shown.
    """

    def __init__(self, learner: str = "default", dependencies: Dependencies | None = None):
        self.learner, self.dependencies = learner, dependencies or Dependencies()
        self.values: dict[tuple[str, tuple[str, ...]], float] = {}
        self.histograms = {name: Histogram() for name in HISTOGRAMS}
        self._series = Bound("series of metrics", MOST_SERIES, "", "further ones are left out")
        self._state = STATES[0]
        self._base: dict[str | None, dict[str, float]] = {}
        self.qualities: dict[str | None, Quality] = {}  # by the run's part
        self._shown: dict[str | None, dict[str, str]] = {}  # labels of the parts that are here
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        for name, family in FAMILIES.items():
            if family.present:
                self.set(name, 0.0)
        for reason in FAILURES:
            self.set("checkpoint_failures_total", 0.0, reason=reason)

    # -- writing ---------------------------------------------------------------------

    def set(self, name: str, value: float, **labels: str) -> None:
        """A label that is left out is empty, which Prometheus takes for none."""
        key = name, tuple(labels.get(label, "") for label in FAMILIES[name].labels)
        if key in self.values or len(self.values) < MOST_SERIES:
            self.values[key] = value
        else:
            self._series.look(len(self.values))

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        key = name, tuple(labels.get(label, "") for label in FAMILIES[name].labels)
        self.set(name, self.values.get(key, 0.0) + amount, **labels)

    def observe(self, name: str, value: float, times: int = 1) -> None:
        self.histograms[name].observe(value, times)

    def state(self, name: str) -> None:
        self._state = name

    def started(self, run: Run) -> None:
        """Totals of a resumed estimator count from here."""
        self._base[run.part] = self._health(run)
        self.qualities[run.part] = Quality()
        estimator = run.ledger.task.estimator
        self.set("model_info", 1.0, **self._labels(run), **described(estimator))
        if (level := getattr(estimator, "level", None)) is not None:
            self.set("interval_level", level, **self._labels(run))
        self.update(run)

    def batch(self, run: Run, outcome: Outcome) -> None:
        """Count what came of a batch."""
        now = time.time()
        for name in ("consumed", "predicted", "learned"):
            self.add(f"records_{name}_total", outcome.counts[name])
        self.add("records_passed_over_total", outcome.passed)
        if outcome.forgotten:
            self.add("keys_forgotten_total", outcome.forgotten)
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
        if outcome.settled:
            self._quality(run).add(outcome.settled)
        else:
            self._quality(run).add(outcome.rows, outcome.keys)
        self.update(run)

    def _quality(self, run: Run) -> Quality:
        return self.qualities.setdefault(run.part, Quality())

    def update(self, run: Run) -> None:
        """What the estimator, the source and the sinks report of themselves."""
        labels = self._labels(run)
        health, before = self._health(run), self._base.get(run.part, {})
        for name in HEALTH:
            short = name.removesuffix("_total")
            if short in health:
                base = before.get(short, 0.0) if name.endswith("_total") else 0.0
                self.set(name, health[short] - base, **labels)
        for detector, alarms in run.ledger.task.drift_alarms().items():
            since = alarms - before.get(f"drift_alarms {detector}", 0.0)
            self.set("drift_alarms_total", since, **labels, detector=detector)
        for member, weight in member_weights(run.ledger.task.estimator).items():
            self.set("member_weight", weight, **labels, member=member)
        self._shown[run.part] = labels
        for limit, share in run.ledger.task.used.items():
            self.set("limit_used_ratio", share, **labels, limit=limit)
        share = self._series.look(len(self.values))
        self.set("limit_used_ratio", share, learner=self.learner, limit="series")
        for name, own, value in run.metrics():
            self.set(name, value, **own)

    @staticmethod
    def _health(run: Run) -> dict[str, float]:
        """What the estimator reports, and the drift alarms of each detector."""
        alarms = run.ledger.task.drift_alarms().items()
        found = {f"drift_alarms {detector}": float(count) for detector, count in alarms}
        return {**run.ledger.task.health(), **found}

    def _labels(self, run: Run) -> dict[str, str]:
        """A process may own several learners, one for each of its partitions."""
        topic, _, partition = (run.part or "").rpartition("-")
        return {"learner": self.learner, "topic": topic, "partition": partition}

    def transaction(self, outcome: str, seconds: float) -> None:
        """Count a transaction by its *outcome*."""
        self.add("transactions_total", outcome=outcome)
        if outcome == "committed":
            self.observe("transaction_commit_duration_seconds", seconds)

    def replayed(self, records: int) -> None:
        self.add("records_replayed_total", records)

    def rebalance(self, assigned: int) -> None:
        """Count a rebalance; *assigned* partitions are this member's."""
        self.add("rebalances_total")
        self.set("assigned_partitions", assigned)
        self._forget_partitions()

    def _forget_partitions(self) -> None:
        """Those that are still here come again with their next batch."""
        for name, values in list(self.values):
            labels = dict(zip(FAMILIES[name].labels, values, strict=True))
            if labels.get("partition"):
                del self.values[name, values]
        self._shown = {}

    def checkpoint(self, ledger: Ledger, seconds: float) -> None:
        """Tell how long the checkpoint took, and when it was."""
        self.set("checkpoint_last_success_timestamp_seconds", time.time())
        self.set("checkpoint_last_position", ledger.counters["consumed"])
        if ledger.store is not None:
            self.set("checkpoint_size_bytes", ledger.store.last_size)
        self.set("checkpoint_duration_seconds", seconds)

    def gap(self, records: int | None) -> None:
        self.add("source_gaps_total")
        self.add("records_skipped_total", records or 0)

    def checkpoint_failed(self, reason: str) -> None:
        self.add("checkpoint_failures_total", reason=reason)

    # -- reading ---------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """Called by the registry, in the thread of a scrape."""
        values = {**self.values, **self._measures()}
        for status in self.dependencies.statuses():  # now: the pipeline's thread may be waiting
            values["dependency_up", (status.name,)] = float(status.state == UP)
            values["dependency_down_seconds", (status.name,)] = status.down_seconds
        for name, (text, labels, _) in FAMILIES.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(PREFIX + name, text)
            for (owner, label_values), value in values.items():
                if owner == name:
                    given = zip(labels, label_values, strict=True)
                    family.add_sample(PREFIX + name, {k: v for k, v in given if v}, value)
            if family.samples:
                yield family
        for name, histogram in self.histograms.items():
            yield HistogramMetricFamily(
                PREFIX + name, HISTOGRAMS[name], histogram.cumulative(), histogram.sum
            )
        state = {name: name == self._state for name in STATES}
        yield StateSetMetricFamily(f"{PREFIX}state", "What the process is doing.", state)
        yield InfoMetricFamily(f"{PREFIX}build", "Versions.", build())

    def _measures(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """Of the results of each learner; counted here, off the path of the records."""
        found: dict[tuple[str, tuple[str, ...]], float] = {}
        for part, labels in self._shown.copy().items():
            for name, value in self.qualities[part].measures().items():
                key = name, tuple(labels.get(label, "") for label in FAMILIES[name].labels)
                if len(self.values) + len(found) < MOST_SERIES:
                    found[key] = value
        return found

    def text(self) -> str:
        return generate_latest(self.registry).decode()


def build() -> dict[str, str]:
    """Versions of what computes."""

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
