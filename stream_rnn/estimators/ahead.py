"""A look ahead: predictions that are made some records late, with what has come meanwhile."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord, CheckpointError, ConfigError
from .protocol import Snapshot, bad_records
from .saving import Savable

KINDS = (base.Regressor, base.Classifier, base.MultiTargetRegressor)


class Lookahead(Savable, base.Wrapper, base.Estimator):
    """Lets an estimator see the next *k* records before it predicts one.

    With the record t + k it predicts, then learns, the target of record t (Graves & Schmidhuber
    2005, targets with a delay): what a bidirectional network is to a sequence, this is to a stream,
    which has no end to read from.  Every record has a row; the prediction in it is for the
    record k before, whose `target` it has too, and `lookahead` says k.  The first k rows have no
    prediction, and the last k records of a stream that ends get none.

    Parameters
    ----------
    estimator
        A regressor, multi-target regressor or classifier of single records, not yet trained.
    k
        How many, 1 or more.

    Examples
    --------
    >>> import random
    >>> from stream_rnn import LSTM, Lookahead, RecurrentRegressor
    >>> model, rng = Lookahead(RecurrentRegressor(LSTM(4), seed=1), k=1), random.Random(1)
    >>> u = [rng.random() for _ in range(1000)]
    >>> rows = model.stream([{"u": v} for v in u[:-1]], u[1:])  # the target comes next
    >>> [(round(row["prediction"], 1), round(row["target"], 1)) for row in rows[-2:]]
    [(0.2, 0.2), (0.3, 0.3)]
    """

    def __init__(self, estimator: Any, k: int = 1):
        self.estimator, self.k = estimator, k
        if not isinstance(estimator, KINDS) or getattr(estimator, "_reads_sequences", False):
            raise ConfigError(
                f"lookahead: {type(estimator).__name__} is no estimator of a record's target; take "
                "a regressor, multitarget or classifier of single records"
            )
        if k < 1:
            raise ConfigError(f"lookahead: {k}; give 1 or more records")
        self._waiting: list[Any] = []  # targets of the last records, at most k

    @property
    def _wrapped_model(self) -> Any:
        return self.estimator

    # At work ------------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """A row for each record, see above; `BadRecord` before anything has changed."""
        for _, fault in sorted(self.check(xs, ys).items()):
            raise fault
        unknown = self.k - len(self._waiting)
        targets = [*[None] * unknown, *self._waiting, *ys]
        due, waiting = targets[: len(xs)], targets[len(xs) :]
        rows = self.estimator.stream(xs, due)
        self._waiting = waiting[max(0, unknown - len(xs)) :]
        return [self._row(row if t >= unknown else {}, due[t]) for t, row in enumerate(rows)]

    def _row(self, row: dict[str, Any], target: Any) -> dict[str, Any]:
        """What the estimator says of the record k before, or that there is none."""
        if not row:
            row = {"prediction": None}
            if isinstance(self.estimator, base.Classifier):
                row["probabilities"] = {}
        return row | {"target": target, "lookahead": self.k}

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return bad_records(self.estimator, xs, ys)

    def learn_one(self, x: dict, y: Any = None, **kwargs: Any) -> None:
        """Take the next record; the target of that k before is learned."""
        self.stream([x], [y])

    def predict_one(self, x: dict, **kwargs: Any) -> Any:
        """The target of the record k before *x*, were *x* the next; None if there is none."""
        if len(self._waiting) < self.k:
            return None
        return self.estimator.predict_one(x)

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict:
        """The same by class."""
        if len(self._waiting) < self.k:
            return {}
        return self.estimator.predict_proba_one(x)

    def unfinished(self) -> str:
        """The last records; see `protocol.Unfinished`."""
        if not self._waiting:
            return ""
        return f"the last {len(self._waiting)} records have no prediction (lookahead = {self.k})"

    # StreamEstimator ----------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state, targets that wait included."""
        arrays, inner = self.estimator.snapshot()
        meta = {"estimator": "Lookahead", "k": self.k, "inner": inner}
        return Snapshot(arrays, meta | {"waiting": [_plain(y) for y in self._waiting]})

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        if meta.get("estimator") != "Lookahead" or meta["k"] != self.k:
            raise CheckpointError(
                f"the checkpoint is of {meta.get('estimator')}({meta.get('k')}), this is "
                f"Lookahead({self.k}); use the settings of the checkpoint, or another "
                "checkpoint directory to start anew"
            )
        self.estimator.restore(Snapshot(snapshot.arrays, meta["inner"]))
        self._waiting = list(meta["waiting"])

    def health(self) -> dict[str, float]:
        """Of the estimator."""
        return self.estimator.health()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from .regressor import RecurrentRegressor

        yield {"estimator": RecurrentRegressor()}


def _plain(target: Any) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(target, dict):
        return {name: _plain(value) for name, value in target.items()}
    return target.item() if isinstance(target, np.generic) else target
