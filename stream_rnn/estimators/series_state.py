"""The state of a forecaster of one series, saved and restored."""

from typing import Any

import numpy as np

from ..forecasting.series import Series
from ..numerics.trees import below
from .far import FarHorizons
from .protocol import Snapshot
from .series_base import SeriesForecaster


class SeriesState(SeriesForecaster):
    """`RecurrentForecaster`'s series, far steps and last inputs."""

    _series: Series | None
    _last_inputs: np.ndarray
    _far: FarHorizons | None

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = {} if self._series is None else self._series.arrays()
        arrays = {name: array.copy() for name, array in arrays.items()}
        arrays["last_inputs"] = self._last_inputs.copy()
        meta: dict[str, Any] = {"started": self._series is not None}
        if self._far is not None:
            kept = self._far.arrays(len(self._given) + len(self._features))
            arrays |= {f"far.{name}": array for name, array in kept.items()}
            meta["far"] = self._far.meta()
        return self._snapshot(arrays, meta)

    def newborn(self, features: int) -> dict[str, np.ndarray]:
        """Arrays of the state before the first record, random units among them."""
        return self._new_series(features).arrays()

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        self._check(snapshot)
        meta, restored = snapshot.meta, None
        features = self._no_columns(meta["features"])
        arrays = features.load(snapshot.arrays)
        last_inputs = np.array(arrays.pop("last_inputs"))
        if meta["started"]:
            beside = ("drift.", "far.")
            own = {name: array for name, array in arrays.items() if not name.startswith(beside)}
            mine = self._series  # loads all or nothing; to make one takes milliseconds
            if mine is None or mine.inputs != len(self._given) + len(features):
                mine = self._new_series(len(features))
            restored = self._restored(mine, own)
        self._restore_drift(snapshot)
        self._expected.load(meta.get("season"))
        self._features, self._series, self._last_inputs = features, restored, last_inputs
        if self._far is not None:
            self._far = FarHorizons()
            if "far.targets" in arrays:
                inputs = len(self._given) + len(features)
                kept = below("far.", arrays)
                self._far.load(meta["far"], kept, inputs, len(self._given))
