"""Watches the losses of a model, whatever their unit, and says when they have grown.

Each loss e becomes z = e/(e + s) in [0, 1], s being the mean of the losses so far (of about
the last 1,000): one half for a usual error, whatever the unit and the tails.  Several losses
of one record (targets) have a mean each and z is averaged.  The detector sees z; what it
reports is an alarm if losses have grown lately, and nothing if they have shrunk, as they do
while a model learns.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..codegen.dispatch import entry
from ..errors import ConfigError
from ..numerics.trees import below
from .detectors import make

REACTIONS = ("noise", "widen", "both")
MEMORY = 1000.0  # records behind the usual loss
RECENT = 32.0  # records behind the recent one
EAGER = 30  # records before which there is no alarm: the model has only begun
STEPS = 32  # losses after which a model may react, as often as ADWIN's clock ticks
QUICK, STEADY, SEEN, ALARMS, PENDING = range(5)


class Monitor:
    """A drift detector on the losses of one model.

    Parameters
    ----------
    detector
        ``"ADWIN"``, the name of another of river's detectors, or one of its objects.
    on_drift
        What the model does upon an alarm: ``"noise"``, learn faster for a while (the Kalman
        filter becomes less sure of its weights); ``"widen"``, give wider intervals;
        ``"both"``; or None.
    settings
        Arguments of a detector given by its name.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> losses = abs(rng.normal(size=(2000, 1))) * np.where(np.arange(2000) < 1000, 1, 3)[:, None]
    >>> monitor = Monitor()
    >>> monitor.update(losses)
    [1085]
    """

    def __init__(self, detector: Any = "ADWIN", on_drift: str | None = None, **settings: Any):
        if on_drift is not None and on_drift not in REACTIONS:
            raise ConfigError(
                f"on_drift: {on_drift!r}; choose from {', '.join(REACTIONS)}, or none"
            )
        self.on_drift = on_drift
        self.name, self.detector = make(detector, settings)
        self._described = f"{detector!r} {sorted(settings.items())!r} {on_drift!r}"
        self._names: list[Any] = []
        self._usual = np.zeros((2, 0))  # mean loss and number of losses, of each column
        self._marks = np.zeros(5)

    @property
    def alarms(self) -> int:
        """How many there were."""
        return int(self._marks[ALARMS])

    def room(self) -> int:
        """How many records to learn at most before the next `update`, if the model reacts.

        Reactions come after every 32nd loss only, so that where a stream is cut makes no
        difference.
        """
        return STEPS - int(self._marks[SEEN] - EAGER) % STEPS

    def due(self) -> bool:
        """Whether the model is to react now; true once for an alarm."""
        if not self._marks[PENDING] or self.on_drift is None or self.room() < STEPS:
            return False
        self._marks[PENDING] = 0.0
        return True

    def update(self, losses: np.ndarray, names: Sequence[Any] = (0,)) -> list[int]:
        """Take in *losses* (T, C) ≥ 0, NaN where unknown, of the columns *names*.

        The rows at which there is an alarm.  A row without any loss is passed over.
        """
        losses = self._aligned(losses, names)
        levels, marks = np.empty(len(losses)), np.empty((len(losses), 2))
        place = np.empty(len(losses), np.int64)
        count = normalise(losses, self._usual, self._marks, levels, marks, place)
        drifts = self.detector.update(levels[:count])
        alarms = [int(place[at]) for at in drifts if marks[at, QUICK] > marks[at, STEADY]]
        self._marks[ALARMS] += len(alarms)
        self._marks[PENDING] = max(self._marks[PENDING], float(len(alarms) > 0))
        return alarms

    def _aligned(self, losses: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        """The columns in the order in which their names first appeared."""
        if list(names) == self._names:
            return np.ascontiguousarray(losses, np.float64)
        new = [name for name in names if name not in self._names]
        self._names += new
        self._usual = np.hstack([self._usual, np.zeros((2, len(new)))])
        aligned = np.full((len(losses), len(self._names)), np.nan)
        aligned[:, [self._names.index(name) for name in names]] = losses
        return aligned

    def snapshot(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays by name, and what JSON can hold."""
        arrays = {"usual": self._usual.copy(), "marks": self._marks.copy()}
        arrays |= {f"detector.{n}": array for n, array in self.detector.arrays().items()}
        meta = {"monitor": self._described, "names": self._names, "detector": self.detector.meta()}
        return arrays, meta

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> bool:
        """Go on from a snapshot; False, with nothing changed, if it is of other settings."""
        if meta.get("monitor") != self._described:
            return False
        self.detector.load(below("detector.", arrays), meta["detector"])
        self._names = list(meta["names"])
        self._usual, self._marks = np.array(arrays["usual"]), np.array(arrays["marks"])
        return True


@entry
def normalise(losses, usual, marks, levels, recent, place):
    """Fill *levels* with z of each row of *losses* that has one; how many there are.

    ``recent`` (n, 2) are the averages of z over about 32 and 1,000 rows, ``place`` (n,) the
    rows.  The first 30 rows only tell what is usual.
    """
    count = 0
    for t in range(len(losses)):
        total, known = 0.0, 0.0
        for c in range(losses.shape[1]):
            e = losses[t, c]
            if not e >= 0 or e > 1e300:
                continue
            usual[1, c] += 1.0
            usual[0, c] += max(1.0 / usual[1, c], 1.0 / MEMORY) * (e - usual[0, c])
            total += e / (e + usual[0, c]) if e > 0 else 0.0
            known += 1.0
        if known == 0:
            continue
        z = total / known
        marks[SEEN] += 1.0
        n = marks[SEEN] - EAGER
        if n <= 0:
            continue
        marks[QUICK] += max(1.0 / n, 1.0 / RECENT) * (z - marks[QUICK])
        marks[STEADY] += max(1.0 / n, 1.0 / MEMORY) * (z - marks[STEADY])
        levels[count], place[count] = z, t
        recent[count, QUICK], recent[count, STEADY] = marks[QUICK], marks[STEADY]
        count += 1
    return count
