"""What the estimators over a table of sparse weights share: their bounds and their report."""

from typing import Any

from ..errors import ConfigError


def check_bounds(estimator: Any, **least: int) -> None:
    """Raise `ConfigError` for a parameter that is below the *least* it may be.

    >>> from types import SimpleNamespace
    >>> check_bounds(SimpleNamespace(max_features=4096), max_features=1024)
    """
    for name, bound in least.items():
        if getattr(estimator, name) < bound:
            raise ConfigError(f"{name}: {getattr(estimator, name)}; must be {bound} or more")


def report(size: tuple[int, int], loss: float, learned: int) -> dict[str, float]:
    """Gauges and counters by metric name; the vocabulary are the features known.

    *size* are the features known and those forgotten.
    """
    known, forgotten = size
    return {
        "loss_sum": loss,
        "loss_observations": float(learned),
        "vocabulary_size": float(known),
        "vocabulary_overflows": float(forgotten),
    }
