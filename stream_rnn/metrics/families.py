"""The names, labels and meanings of all metrics."""

from typing import NamedTuple

from .. import plugins
from ..estimators.reports import COUNTERS, GAUGES

PREFIX = "stream_rnn_"
STATES = ("starting", "running", "draining", "stopped", "failed")


class Family(NamedTuple):
    """What one metric means, and its labels; a name that ends in _total counts."""

    help: str
    labels: tuple[str, ...] = ()
    present: bool = False  # also before it is first set: zero means something


PARTITION = ("topic", "partition")
DEPENDENCY = ("dependency",)  # source, sink, dead_letter, labels, checkpoint, http
LEARNER = ("learner", *PARTITION)  # the latter where each partition has a learner
MODEL = (*LEARNER, "estimator", "cell", "method", "optimizer", "loss")
FAMILIES = {
    "records_consumed_total": Family("Records read from the source.", present=True),
    "records_learned_total": Family("Records with a label that were learned.", present=True),
    "records_predicted_total": Family("Predictions written to the sink.", present=True),
    "records_replayed_total": Family("Records learned again, silently, after a restart."),
    "source_gaps_total": Family("Lost positions that were skipped.", present=True),
    "records_skipped_total": Family("Records known to be lost with such a position."),
    "records_passed_over_total": Family("Messages without a value (tombstones).", present=True),
    "keys_forgotten_total": Family("Keys deleted by such, see source.tombstones."),
    "records_dead_lettered_total": Family("Records refused, by reason.", ("reason",)),
    "labels_total": Family("Records and labels that were joined, or why not.", ("outcome",)),
    "transactions_total": Family("Transactions, by outcome.", ("outcome",)),
    "rebalances_total": Family("Rebalances of the consumer group."),
    "assigned_partitions": Family("Partitions this process reads."),
    "dependency_up": Family("Whether what the service depends on answers.", DEPENDENCY),
    "dependency_down_seconds": Family("How long it has not answered; 0 if it does.", DEPENDENCY),
    "consumer_lag_records": Family("Records in the partition not read yet.", PARTITION),
    "file_lag_bytes": Family("Bytes of the followed file not read yet."),
    "consumer_position_offset": Family("Offset of the next record to read.", PARTITION),
    **{f"{name}_total": Family(text, LEARNER) for name, text in COUNTERS.items()},
    **{name: Family(text, LEARNER) for name, text in GAUGES.items()},
    "rolling_mae": Family("Mean absolute error of the recent predictions.", LEARNER),
    "rolling_mae_last_value": Family("The same, had the last value been predicted.", LEARNER),
    "rolling_mae_running_mean": Family("The same, had the mean so far been predicted.", LEARNER),
    "rolling_accuracy": Family("Share of recent classes predicted rightly.", LEARNER),
    "rolling_accuracy_last_class": Family("The same, had the last class been predicted.", LEARNER),
    "rolling_log_loss": Family("Mean -ln(probability) of the recent classes.", LEARNER),
    "interval_coverage": Family("Share of recent values within their interval.", LEARNER),
    "interval_level": Family("Share that ought to be within it.", LEARNER),
    "limit_used_ratio": Family("Share that is taken of what is limited.", (*LEARNER, "limit")),
    "model_info": Family("What learns: its estimator, cell, learner, optimizer and loss.", MODEL),
    "member_weight": Family("How much a member of a mixture counts.", (*LEARNER, "member")),
    "drift_alarms_total": Family("Drift alarms, by detector.", (*LEARNER, "detector")),
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
FAMILIES |= plugins.brought("metric")  # an estimator of another package may have its own
HEALTH = [n for n, family in FAMILIES.items() if family.labels in (LEARNER, LEARNER[:1])]
MOST_SERIES = 10_000  # whatever the data: what would be beyond is left out, and told
FAILURES = ("write", "damaged")
