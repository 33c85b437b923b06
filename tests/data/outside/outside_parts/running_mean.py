"""An estimator that predicts the mean of the targets before."""

from typing import Any

import numpy as np

from stream_rnn.estimators.protocol import Snapshot


class RunningMean:
    """The mean of the targets, which forgets by *decay*."""

    def __init__(self, decay: float = 0.0):
        self.decay, self.mean, self.weight = decay, 0.0, 0.0

    def stream(self, xs: list[dict], ys: list[Any]) -> list[dict[str, Any]]:
        """The mean before each target."""
        rows = []
        for y in ys:
            rows.append({"prediction": self.mean})
            if y is not None and y == y:
                self.weight = self.weight * (1 - self.decay) + 1
                self.mean += (y - self.mean) / self.weight
        return rows

    def snapshot(self) -> Snapshot:
        """Its two numbers."""
        return Snapshot({"sums": np.array([self.mean, self.weight])}, {"kind": "running-mean"})

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*."""
        self.mean, self.weight = map(float, snapshot.arrays["sums"])

    def health(self) -> dict[str, float]:
        """How many targets it has seen, if it forgets nothing."""
        return {"means_total": self.weight}
