"""A model for every key: nothing is shared."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import BadRecord
from ...keys.contexts import Contexts
from ...keys.key import Key
from ..base import RecurrentEstimator
from ..protocol import Snapshot, bad_records
from ..reports import counters_of
from ..stock import Stock


class SeparateModels:
    """Models by key, each with the settings of *template*, which itself learns nothing."""

    def __init__(self, template: Any, limit: int):
        self.template = template
        self.contexts = Contexts(self, limit)
        recurrent = isinstance(template, RecurrentEstimator)
        self._checker: Any = template.clone() if recurrent else None
        self._stock = Stock(template)
        self._totals: dict[str, float] = {}

    # -- what `Keyed` calls ------------------------------------------------------------

    def model(self, key: Key) -> Any:
        """The key's, to be asked and not to be changed."""
        entry = self.contexts.find(key)
        return self.template if entry is None or entry.state is None else entry.state

    def learn(self, key: Key, x: dict, y: Any) -> None:
        self.stream((key,), (x,), (y,))

    def stream(self, keys: Sequence[Key], xs: Sequence[dict], ys: Sequence[Any]) -> list[dict]:
        """Predict and learn; nothing has changed when it raises `BadRecord`.

        The records of a key go to its model at once, in their order.
        """
        groups: dict[Key, list[int]] = {}
        for t, key in enumerate(keys):
            groups.setdefault(key, []).append(t)
        undo: list[tuple[Key, bytes | None]] | None = []
        if self._checker is not None and self._checker._check(xs, ys):
            undo = None  # nothing can fail from here on
        results: list[dict] = [{}] * len(keys)
        for key, places in groups.items():
            if undo is not None:
                known = self.contexts.find(key) is not None
                undo.append((key, self.contexts.blob(key) if known else None))
            part = [xs[t] for t in places], [ys[t] for t in places]
            try:
                made = self._stream(key, *part)
            except BadRecord as bad:
                for changed, blob in undo or ():
                    self.contexts.forget(changed)
                    if blob is not None:
                        self.contexts.put_back(changed, blob)
                raise type(bad)(str(bad), places[bad.index]) from None
            for t, result in zip(places, made, strict=True):
                results[t] = result
        return results

    def check(
        self, keys: Sequence[Key], xs: Sequence[dict], ys: Sequence[Any]
    ) -> dict[int, BadRecord]:
        """What `stream` would refuse, by each key's own model."""
        groups: dict[Key, list[int]] = {}
        for t, key in enumerate(keys):
            groups.setdefault(key, []).append(t)
        bad: dict[int, BadRecord] = {}
        for key, places in groups.items():
            entry = self.contexts.find(key)
            model = self.template if entry is None or entry.state is None else entry.state
            found = bad_records(model, [xs[t] for t in places], [ys[t] for t in places])
            bad |= {places[t]: fault for t, fault in found.items()}
        return bad

    def _stream(self, key: Key, xs: list[dict], ys: list[Any]) -> list[dict]:
        entry = self.contexts.change(key)
        if entry.state is None:
            entry.state = self._stock.new()
        model = entry.state
        before = _tally(model)
        made = model.stream(xs, ys)
        for name, value in _tally(model).items():
            self._totals[name] = self._totals.get(name, 0.0) + value - before.get(name, 0.0)
        return made

    # -- Kind --------------------------------------------------------------------------

    def pack(self, state: Any) -> list[Any]:
        """The model of a key as plain values."""
        if isinstance(state, RecurrentEstimator):
            return state._pack()
        arrays, meta = state.snapshot()
        return [meta, [[n, a.dtype.str, a.shape, a.tobytes()] for n, a in arrays.items()]]

    def unpack(self, packed: list[Any]) -> Any:
        """A model with the state that `pack` gave."""
        model = self._stock.take()
        if isinstance(model, RecurrentEstimator):
            model._unpack(packed)
            return model
        meta, saved = packed
        arrays = {
            name: np.frombuffer(data, dtype).reshape(shape).copy()
            for name, dtype, shape, data in saved
        }
        model.restore(Snapshot(arrays, meta))
        return model

    def release(self, state: Any) -> None:
        """Keep one whose arrays can take another's values."""
        if isinstance(state, RecurrentEstimator):
            self._stock.release(state)

    # -- saving ------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Of what all keys share: nothing but the settings."""
        return self.template.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        self.template.restore(snapshot)

    def health(self) -> dict[str, float]:
        """Counters of all models together, since this object was made."""
        return dict(self._totals)


def _tally(model: Any) -> dict[str, float]:
    recurrent = isinstance(model, RecurrentEstimator)  # the norm of its gradient would cost time
    return counters_of(model._counters() if recurrent else model.health())
