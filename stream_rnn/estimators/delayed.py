"""Predict now, learn later: one set of parameters, two hidden states."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import BadRecord
from ..numerics.trees import below
from .protocol import Follower, Snapshot, bad_records


class Delayed:
    """An estimator whose targets come later than its records.

    Two networks see every record once, in the order of arrival.  The *late* one sees it when its
    target is known, or known not to come: it does what a network does whose records bring
    their targets along, only later (Joulani, György, Szepesvári 2013: a learner that is fed
    in order is as good under delay as the one without, but for what it predicts meanwhile).
    The *live* one sees it at once, without a target: its hidden state is up to date, and its
    parameters are the late one's newest.

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

    def __init__(self, late: Follower, live: Follower):
        self.late, self.live = late, live
        self.taken: Sequence[dict] = ()  # the records of the last `stream`
        self._stale = False  # the late one knows more than the live one

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record and go on; *ys* are not looked at."""
        if self._stale:
            self.live.follow(self.late)
            self._stale = False
        outputs = self.live.stream(xs, [None] * len(xs))
        self.taken = xs
        return outputs

    def learn(self, xs: Sequence[dict], ys: Sequence[Any]) -> None:
        """Learn records that were predicted before, in the same order; None for no target."""
        self.late.stream(xs, ys)
        self._stale = True

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return bad_records(self.live, xs, [None] * len(xs))

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self.late.check_target(y)

    def snapshot(self) -> Snapshot:
        """Copy of the state of both."""
        arrays: dict[str, np.ndarray] = {}
        meta: dict[str, Any] = {"estimator": "Delayed", "stale": self._stale}
        for name, model in self._parts():
            own, meta[name] = model.snapshot()
            arrays |= {f"{name}/{key}": array for key, array in own.items()}
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        for name, model in self._parts():
            own = below(f"{name}/", snapshot.arrays)
            model.restore(Snapshot(own, snapshot.meta.get(name, {})))
        self._stale = snapshot.meta["stale"]

    def _parts(self) -> tuple[tuple[str, Follower], ...]:
        """Both, by the names that checkpoints have for them."""
        return ("learner", self.late), ("serving", self.live)

    def health(self) -> dict[str, float]:
        """The late one's, which learns."""
        return self.late.health()
