"""The names, labels and meanings of all metrics."""

from typing import NamedTuple

from .. import plugins

PREFIX = "stream_rnn_"
STATES = ("starting", "running", "draining", "stopped", "failed")


class Family(NamedTuple):
    """What one metric means, and its labels; a name that ends in _total counts."""

    help: str
    labels: tuple[str, ...] = ()
    present: bool = False  # also before it is first set: zero means something


PARTITION = ("topic", "partition")
LEARNER = ("learner",)
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
FAMILIES |= plugins.brought("metric")  # an estimator of another package may have its own
HEALTH = [name for name, family in FAMILIES.items() if family.labels == LEARNER]
FAILURES = ("write", "damaged")
