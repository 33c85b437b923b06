"""A small estimator with exact state, for tests of what is around an estimator.

Running least mean squares on the features it has seen: enough state that a lost, repeated
or reordered record changes every number after it.
"""

from math import isfinite

import numpy as np

from stream_rnn.errors import BadRecord, CheckpointError
from stream_rnn.estimators.protocol import Snapshot


class Linear:
    """w ← w + rate (y − w·x) x; refuses what is not a finite number, changing nothing."""

    def __init__(self, rate: float = 0.05, seed: int = 0):
        self.rate, self.seed = rate, seed
        self.names: list[str] = []
        self.w = np.zeros(0)
        self.loss, self.seen, self.calls = 0.0, 0, []

    def stream(self, xs, ys):
        for index, (x, y) in enumerate(zip(xs, ys, strict=True)):
            for name, value in [*x.items(), ("target", y)]:
                if value is None and name == "target":
                    continue
                if not isinstance(value, int | float) or not isfinite(value):
                    raise BadRecord(f"{name} = {value!r} is not a finite number", index)
        self.calls.append(len(xs))
        return [self._step(x, y) for x, y in zip(xs, ys, strict=True)]

    def _step(self, x, y):
        for name in x:
            if name not in self.names:
                self.names.append(name)
                self.w = np.append(self.w, 0.0)
        row = np.array([x.get(name, 0.0) for name in self.names])
        prediction = float(self.w @ row)
        if y is not None:
            self.loss += (y - prediction) ** 2
            self.seen += 1
            self.w = self.w + self.rate * (y - prediction) * row
        return {"prediction": prediction}

    def clone(self):
        return Linear(self.rate, self.seed)

    def snapshot(self):
        meta = {"kind": "linear", "names": list(self.names), "loss": self.loss, "seen": self.seen}
        return Snapshot({"w": self.w.copy()}, meta)

    def restore(self, snapshot):
        if snapshot.meta["kind"] != "linear":
            raise CheckpointError("of another model")
        self.w = snapshot.arrays["w"].copy()
        self.names = list(snapshot.meta["names"])
        self.loss, self.seen = snapshot.meta["loss"], snapshot.meta["seen"]

    def health(self):
        return {
            "loss_sum": self.loss,
            "loss_observations": float(self.seen),
            "parameter_norm": float(np.linalg.norm(self.w)),
        }
