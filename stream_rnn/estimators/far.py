"""Horizons that are learned directly from when they are first asked for.

A forecast many steps ahead that is made of steps of one repeats every step's error; a model of
its own for a far horizon does not (direct against recursive forecasts: Ben Taieb et al. 2012).
Each costs as much as the first step, so there are two, `DIRECT`, and only where they are wanted:
when a forecast reaches so far for the first time, the last `WINDOW` records are learned by a new
bank at once, and every record from then on.
"""

import copy
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..forecasting.inputs import history
from ..forecasting.series import Series
from ..numerics.trees import below

DIRECT = (6, 24)  # steps
WINDOW = 2000  # records


class FarHorizons:
    """The far horizons of one series, and the records that a new one would learn from."""

    def __init__(self) -> None:
        self.series: dict[int, Series] = {}
        self.targets: deque[float] = deque(maxlen=WINDOW)
        self.inputs: deque[np.ndarray] = deque(maxlen=WINDOW)

    def take(self, y: float) -> None:
        """One record without inputs."""
        self.targets.append(y)
        self.inputs.append(_NONE)
        for one in self.series.values():
            one.take(y)

    def run(self, ys: np.ndarray, xs: np.ndarray) -> None:
        """Records *ys* (T,) with their inputs *xs* (T, M)."""
        self.targets.extend(ys[-WINDOW:].tolist())
        self.inputs.extend(xs[-WINDOW:].copy())
        for one in self.series.values():
            if xs.shape[1] > one.inputs:
                one.grow(xs.shape[1])
            one.run(ys, xs)

    def reach(self, steps: int, nearer: Series, make: Callable[[tuple[int, ...]], Series]) -> None:
        """Learn what a forecast of so many *steps* wants beyond the horizons of *nearer*."""
        for h in DIRECT:
            if nearer.horizons[-1] < h <= steps and h not in self.series:
                self.series[h] = one = make((h,))
                one.run(np.array(self.targets), self._rows(one.inputs))

    def _rows(self, width: int) -> np.ndarray:
        """The inputs kept, (T, width); what was not known then is missing."""
        rows = np.full((len(self.inputs), width), np.nan)
        for row, kept in zip(rows, self.inputs, strict=True):
            row[: len(kept)] = kept
        return rows

    def with_nearer(self, nearer: Series) -> Series:
        """All horizons as one, to forecast with."""
        return Together(nearer, self.series) if self.series else nearer

    # state --------------------------------------------------------------------------------

    def arrays(self, width: int) -> dict[str, np.ndarray]:
        """The state by name."""
        found = {"targets": np.array(self.targets), "inputs": self._rows(width)}
        for h, one in self.series.items():
            found |= {f"{h}.{n}": a.copy() for n, a in one.arrays().items()}
        return found

    def load(
        self,
        horizons: list[int],
        arrays: dict[str, np.ndarray],
        make: Callable[[tuple[int, ...]], Series],
        restored: Callable[[Series, dict[str, np.ndarray]], Series],
    ) -> None:
        """Take over the state of others with these *horizons*."""
        self.targets.extend(arrays["targets"].tolist())
        self.inputs.extend(np.array(arrays["inputs"]))
        for h in horizons:
            self.series[h] = restored(make((h,)), below(f"{h}.", arrays))


class Together(Series):
    """The banks of several series of the same records as those of one."""

    def __init__(self, nearer: Series, further: dict[int, Series]):
        self.__dict__.update(copy.copy(nearer.__dict__))
        self.horizons = (*nearer.horizons, *further)
        self.banks = [*nearer.banks, *(one.banks[0] for one in further.values())]

    def newest(self, index: int) -> np.ndarray:
        """A far bank has seen fewer records than the near ones."""
        bank: Any = self.banks[index]
        forecast = bank.pending.forecast
        return forecast[(int(bank.history.clock[history.COUNT]) - 1) % len(forecast)]


_NONE = np.empty(0)
