"""What the pipeline asks of an estimator, beyond river's own methods."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class Snapshot(NamedTuple):
    """All of an estimator's state: arrays by name, and JSON-able values by name."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


class StreamEstimator(Protocol):
    """An estimator that runs over batches of records and can be saved exactly."""

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it; one dict of output fields a record.

        The result and the state afterwards do not depend on how the stream is cut into
        batches.  Raises `BadRecord` (with ``index``) before anything has changed.
        """

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name, e.g. ``loss_sum``, ``nonfinite_rollbacks``."""
