"""What an estimator reports of its health: every name, what it means, and its kind.

The one list of them.  Metrics are made of it, and whatever adds up the reports of several
models: a counter of many is the sum, a gauge of many has no meaning and is left out.
"""

from collections.abc import Mapping

COUNTERS = {
    "loss_sum": "Sum of the losses of all predictions.",
    "loss_observations": "Predictions that had a label.",
    "gradient_clips": "Gradients that were clipped.",
    "kalman_resets": "Resets of the Kalman covariance.",
    "nonfinite_rollbacks": "Updates undone because they left NaN or infinity.",
    "missing_targets": "Targets that were missing.",
    "level_shifts": "Level shifts that a forecaster confirmed.",
    "outliers": "Features, targets and errors too far out to be believed.",
    "returns": "Returns to what a network was before its data went wrong.",
    "anomalies": "Alarms that an anomaly detector has raised.",
    "vocabulary_overflows": "Tokens beyond the vocabulary's cap.",
    "symbols": "Symbols of text learned.",
    "surprising_lines": "Lines of text flagged as unusual.",
    "context_evictions": "States moved from memory to disk.",
    "context_reloads": "States read back from disk.",
}
GAUGES = {
    "labels_pending": "Records that wait for their labels.",
    "gradient_norm": "Norm of the last gradient.",
    "parameter_norm": "Norm of all parameters.",
    "vocabulary_size": "Known tokens or classes.",
    "unknown_rate": "Share of symbols that were not known when they came.",
    "bits_per_symbol": "Mean code length of all symbols.",
    "bits_per_symbol_rolling": "Mean code length of recent lines' symbols.",
    "keys": "Keys that have a state.",
    "contexts": "Keys with a state in memory.",
}


def counters_of(report: Mapping[str, float]) -> dict[str, float]:
    """What of a report may be added to that of another model.

    >>> counters_of({"symbols": 7.0, "unknown_rate": 0.2})
    {'symbols': 7.0}
    """
    return {name: value for name, value in report.items() if name in COUNTERS}
