"""One set of parameters for all keys: their contexts as rows of one array."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BadRecord, ConfigError
from ...keys.contexts import Contexts
from ...keys.key import Key

if TYPE_CHECKING:
    from ..base import RecurrentEstimator


class SharedWeights:
    """The contexts of one network: hidden states, traces and past targets of each key.

    Parameters, optimizer, scaler, features and classes are the estimator's, as without keys.
    A context in memory is a row of ``pool``, N rows of 8-byte words, N the most that may be
    in memory: the network's `context` (see `OnlineNetwork`), then the past targets
    (lags, O) as float64.  Rows that were never used take no memory.

    When the network grows all contexts leave memory; each grows when it is used again.
    """

    def __init__(self, estimator: "RecurrentEstimator", limit: int):
        self.estimator: Any = estimator
        self.contexts = Contexts(self, limit)
        self.pool = np.empty((0, 0), np.uint64)
        self.past = np.empty((0, 0, 0))  # (N, lags, O): the same memory as float64
        self._layout = (0, 0)  # inputs and outputs that the pool is for
        self._free: list[int] = []
        self._used = 0  # rows that were ever used
        self._keys: Sequence[Key] = ()  # of the records being learned
        estimator._contexts = self

    # -- what `Keyed` calls ------------------------------------------------------------

    def model(self, key: Key) -> Any:
        """The estimator, to be asked and not to be changed, as if *key*'s record came next."""
        entry = self.contexts.find(key)
        self.place(None if entry is None else entry.state)
        return self.estimator

    def learn(self, key: Key, x: dict, y: Any) -> None:
        self._keys = (key,)
        self.estimator.learn_one(x, y)

    def stream(self, keys: Sequence[Key], xs: Sequence[dict], ys: Sequence[Any]) -> list[dict]:
        self._keys = keys
        return self.estimator.stream(xs, ys)

    def check(
        self, keys: Sequence[Key], xs: Sequence[dict], ys: Sequence[Any]
    ) -> dict[int, BadRecord]:
        """What `stream` would refuse."""
        return self.estimator.check(xs, ys)

    # -- what the estimator calls ------------------------------------------------------

    def place_first(self, span: slice) -> None:
        """Put the context of the first record of a stretch into the network."""
        entry = self.contexts.find(self._keys[span.start])
        self.place(None if entry is None else entry.state)

    def run(self, span: slice, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Predict and learn a stretch of the records: predictions (T, O)."""
        self._fit()
        network, keys = self.estimator._network, self._keys[span]
        assert network is not None
        if len(keys) == 1 and not self.past.size:
            slots = np.array([self._slot(keys[0])], np.int64)
            return network.prequential_keyed(rows, targets, slots, self.pool)
        parts = []
        for part, distinct in self.contexts.stretches(keys):
            places = {key: self._slot(key) for key in distinct}
            slots = np.array([places[key] for key in keys[part]], np.int64)
            X, Y = rows[part], targets[part]
            if self.past.size:
                X = self._with_past(X, Y, slots)
            parts.append(network.prequential_keyed(X, Y, slots, self.pool))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def before_growth(self) -> None:
        self.contexts.shelve()

    # -- places ------------------------------------------------------------------------

    def place(self, slot: int | None) -> None:
        """Put a context, or with None that of a new key, into the estimator."""
        estimator = self.estimator
        network = estimator._network
        if network is None:
            return
        if slot is None:
            network.context[:] = 0
            estimator._lags.forget(network.outputs)
        else:
            network.context[:] = self.pool[slot, : network.context.size]
            estimator._lags.past = self.past[slot].copy()

    def _slot(self, key: Key) -> int:
        entry = self.contexts.change(key)
        if entry.state is None:
            entry.state = slot = self._take()
            if self.past.size:
                self.past[slot] = np.nan
        return entry.state

    def _take(self) -> int:
        """A row of zeros, which is what a new context is."""
        if self._free:
            self.pool[self._free[-1]] = 0
            return self._free.pop()
        self._used += 1
        return self._used - 1

    def _fit(self) -> None:
        """Make the pool for the network as it is; nothing is in an old one any more."""
        network, lags = self.estimator._network, self.estimator.target_lags
        assert network is not None
        if self._layout == (network.inputs, network.outputs):
            return
        width = network.context.size
        rows, words = self.contexts.limit, width + lags * network.outputs
        try:
            self.pool = np.zeros((rows, words), np.uint64)
        except MemoryError:
            raise ConfigError(
                f"max_contexts: {rows} contexts of {8 * words:,} bytes do not fit into memory; "
                "give a smaller number: the others are kept on disk"
            ) from None
        past = self.pool[:, width:].view(np.float64)
        self.past = past.reshape(rows, lags, network.outputs)
        self._layout = (network.inputs, network.outputs)
        self._free, self._used = [], 0

    def _with_past(self, rows: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """The network's inputs (T, m): features, and the past targets of the same key."""
        lags, network = self.estimator._lags, self.estimator._network
        X = np.empty((len(rows), network.inputs))  # type: ignore[union-attr]
        order = np.argsort(slots, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(slots[order])) + 1):
            slot = slots[group[0]]
            lags.past = self.past[slot].copy()
            X[group] = lags.inputs(rows[group], lags.take(targets[group]))
            self.past[slot] = lags.past
        return X

    # -- Kind --------------------------------------------------------------------------

    def pack(self, state: int) -> list[Any]:
        return [*self._layout, self.pool[state].tobytes()]

    def unpack(self, packed: list[Any]) -> int:
        """The slot of a context that `pack` gave; one of a smaller network grows."""
        self._fit()
        inputs, outputs, data = packed
        words = np.frombuffer(data, np.uint64)
        slot = self._take()
        if (inputs, outputs) == self._layout:
            self.pool[slot] = words
            return slot
        network, lags = self.estimator._network, self.estimator.target_lags
        assert network is not None
        width = len(words) - lags * outputs
        self.pool[slot, : network.context.size] = network.grow_context(
            words[:width].copy(), inputs, outputs
        )
        self.past[slot] = np.nan
        self.past[slot, :, :outputs] = words[width:].view(np.float64).reshape(lags, outputs)
        return slot

    def release(self, state: int) -> None:
        self._free.append(state)

    # -- saving ------------------------------------------------------------------------

    def snapshot(self) -> Any:
        """Of what all keys share."""
        self.place(None)
        return self.estimator.snapshot()

    def restore(self, snapshot: Any) -> None:
        self.estimator.restore(snapshot)
        self._layout = (0, 0)

    def health(self) -> dict[str, float]:
        return self.estimator.health()
