"""The state of an estimator that is one network: to snapshots, to packed values, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..categories.columns import Columns
from ..engine.online import OnlineNetwork
from ..features.saved_names import saved
from ..features.target_lags import TargetLags
from .described import OPTIONAL, check_finite, check_same, described
from .protocol import Snapshot
from .targets import Targets


class NetworkState(Targets):
    """`RecurrentEstimator`'s network, features and lags, saved and restored."""

    target_lags: int
    _network: OnlineNetwork | None
    _features: Columns
    _lags: TargetLags

    def _no_columns(self, names: Sequence[Any] = ()) -> Columns:
        raise NotImplementedError

    def _build(self, width: int, m: int, O: int) -> None:
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        network = self._network
        arrays = {} if network is None else {k: v.copy() for k, v in network.arrays().items()}
        arrays |= self._features.arrays()
        if network is not None:
            arrays |= {"past": self._lags.past.copy(), "columns": self._lags.columns.copy()}
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self, OPTIONAL),
            "features": saved(self._features.names),
            "targets": saved(self._target_names()),
            "outputs": 0 if network is None else network.outputs,
        }
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        check_same(self, described(self, OPTIONAL), meta)
        check_finite(snapshot.arrays)
        network = self._shape(meta["features"], meta["targets"], meta["outputs"])
        arrays = self._features.load(snapshot.arrays)
        if network is not None:
            self._lags.past = np.array(arrays.pop("past"))
            self._lags.columns = np.array(arrays.pop("columns"))
            network.load(arrays)

    def _shape(self, features: list, targets: list, O: int) -> OnlineNetwork | None:
        """Take these names, and a network of that size, whose state is yet to come."""
        self._features = self._no_columns(features)
        self._set_target_names(targets)
        m = len(features) + self.target_lags * O
        network = self._network
        if network is not None and (network.inputs, network.outputs) != (m, O):
            self._network = None
        self._lags = TargetLags(self.target_lags)
        if O and self._network is None:
            self._build(len(features), m, O)
        return self._network

    def _pack(self) -> list[Any]:
        """The state as plain values, for `_unpack` of an estimator with the same settings."""
        network = self._network
        names = [saved(self._features.names), saved(self._target_names())]
        text = [[n, a.dtype.str, a.shape, a.tobytes()] for n, a in self._features.arrays().items()]
        if network is None:
            return [*names, 0, b"", b"", b"", text] if text else [*names, 0]
        arrays = (self._lags.past, self._lags.columns, network.words)
        kept = [*names, network.outputs, *(array.tobytes() for array in arrays)]
        return [*kept, text] if text else kept

    def _unpack(self, packed: list[Any]) -> None:
        network = self._shape(*packed[:3])
        if len(packed) > 6:
            self._features.load(
                {n: np.frombuffer(a, d).reshape(shape).copy() for n, d, shape, a in packed[6]}
            )
        if network is not None:
            past, columns, words = packed[3:6]
            shape = self.target_lags, network.outputs
            self._lags.past = np.frombuffer(past).reshape(shape).copy()
            self._lags.columns = np.frombuffer(columns, int).copy()
            network.words[:] = np.frombuffer(words, np.uint64)
