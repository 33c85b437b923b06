"""Predict now, learn later: one set of parameters, two hidden states."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ..numerics.trees import under
from .protocol import Snapshot, StreamEstimator


class Follower(StreamEstimator, Protocol):
    """An estimator that can take over what another one of its kind has learned."""

    def follow(self, other: Any) -> None: ...

    def check_target(self, y: Any) -> None: ...


class Delayed:
    """An estimator whose targets come later than its records.

    Two networks see every record once, in the order of arrival.  The *learner* sees it when its
    target is known, or known not to come: it does what a network does whose records bring
    their targets along, only later (Joulani, György, Szepesvári 2013: a learner that is fed
    in order is as good under delay as the one without, but for what it predicts meanwhile).
    The *serving* one sees it at once, without a target: its hidden state is up to date, and its
    parameters are the learner's newest.

    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> model = Delayed(RecurrentRegressor(LSTM(4)), RecurrentRegressor(LSTM(4)))
    >>> xs = [{"x": n % 4} for n in range(400)]
    >>> ys = [float((n + 1) % 4) for n in range(400)]
    >>> errors = []
    >>> for n in range(400):  # a target comes 5 records late
    ...     [row] = model.stream([xs[n]], [None])
    ...     errors.append(abs(row["prediction"] - ys[n]))
    ...     if n >= 5:
    ...         model.learn([xs[n - 5]], [ys[n - 5]])
    >>> sum(errors[-50:]) < 0.2 * sum(errors[:50])
    True
    """

    def __init__(self, learner: Follower, serving: Follower):
        self.learner, self.serving = learner, serving
        self.taken: Sequence[dict] = ()  # the records of the last `stream`
        self._stale = False  # the learner knows more than the serving one

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record and go on; *ys* are not looked at."""
        if self._stale:
            self.serving.follow(self.learner)
            self._stale = False
        outputs = self.serving.stream(xs, [None] * len(xs))
        self.taken = xs
        return outputs

    def learn(self, xs: Sequence[dict], ys: Sequence[Any]) -> None:
        """Learn records that were predicted before, in the same order; None for no target."""
        self.learner.stream(xs, ys)
        self._stale = True

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self.learner.check_target(y)

    def snapshot(self) -> Snapshot:
        """Copy of the state of both."""
        arrays: dict[str, np.ndarray] = {}
        meta: dict[str, Any] = {"estimator": "Delayed", "stale": self._stale}
        for name in ("learner", "serving"):
            own, meta[name] = getattr(self, name).snapshot()
            arrays |= {f"{name}/{key}": array for key, array in own.items()}
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        for name in ("learner", "serving"):
            own = under(f"{name}/", snapshot.arrays)
            getattr(self, name).restore(Snapshot(own, snapshot.meta.get(name, {})))
        self._stale = snapshot.meta["stale"]

    def health(self) -> dict[str, float]:
        """The learner's."""
        return self.learner.health()
