"""Detectors by name, and their state as plain data.

ADWIN is the package's own (`adwin`), since river's hides its window; of every other detector
river's own object is used, and its attributes are saved.
"""

import collections
import random
from typing import Any, Protocol

import numpy as np
from river import drift
from river.base import BinaryDriftDetector, DriftDetector
from river.base.drift_detector import _BaseDriftDetector

from ..codegen.dispatch import entry
from ..errors import ConfigError
from ..numerics.trees import load, walk
from . import adwin

IDLE = (drift.NoDrift, drift.DummyDriftDetector)  # which do not look at the stream
PLAIN = (bool, int, float, str, type(None))


class Detector(Protocol):
    """What a `Monitor` asks of a detector."""

    def update(self, values: np.ndarray) -> list[int]:
        """Take in *values* (T,) in [0, 1]; where in them it reported a drift."""

    def arrays(self) -> dict[str, np.ndarray]: ...

    def meta(self) -> Any: ...

    def load(self, arrays: dict[str, np.ndarray], meta: Any) -> None: ...


class Window:
    """ADWIN, a chunk of values in one compiled loop.

    >>> detector = Window(delta=0.002)
    >>> detector.update(np.r_[np.zeros(500), np.ones(500)])
    [511]
    """

    def __init__(self, **settings: Any):
        self.window = adwin.allocate(**settings)

    def update(self, values: np.ndarray) -> list[int]:
        found = np.empty(len(values), np.int64)
        return found[: run(self.window, values, found)].tolist()

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: array.copy() for name, array in walk(self.window)}

    def meta(self) -> Any:
        return None

    def load(self, arrays: dict[str, np.ndarray], meta: Any) -> None:
        load(self.window, arrays)


@entry
def run(window, values, found):
    """Fill *found* with the places of the drifts in *values*; how many there are."""
    count = 0
    for t in range(len(values)):
        if adwin.update(window, values[t]):
            found[count] = t
            count += 1
    return count


class Rivers:
    """One of river's detectors, value by value.

    A detector of binary errors is told whether the value is above one half.  One that draws
    random numbers and has no seed gets seed 0, so that a stream always gives the same alarms.
    """

    def __init__(self, detector: Any):
        unseeded = getattr(detector, "seed", 0) is None
        self.detector = detector.clone({"seed": 0} if unseeded else None)
        self.binary = isinstance(detector, BinaryDriftDetector)
        thaw(self.detector, freeze(self.detector))  # refuses now what it could not save later

    def update(self, values: np.ndarray) -> list[int]:
        """Take *values* (T,); the places of those by which drift was found."""
        found = []
        for t, value in enumerate(values.tolist()):
            self.detector.update(value > 0.5 if self.binary else value)
            if self.detector.drift_detected:
                found.append(t)
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def meta(self) -> Any:
        return freeze(self.detector)

    def load(self, arrays: dict[str, np.ndarray], meta: Any) -> None:
        thaw(self.detector, meta)


def make(detector: Any, settings: dict[str, Any] | None = None) -> tuple[str, Detector]:
    """The name and the detector of a name with *settings*, or of one of river's objects.

    Raises `ConfigError` for what is not a detector or takes other settings.
    """
    if isinstance(detector, _BaseDriftDetector):
        name = type(detector).__name__
        if isinstance(detector, drift.ADWIN):
            return name, Window(**detector._get_params())
        return name, Rivers(detector)
    known = names()
    if detector not in known:
        raise ConfigError(
            f"detector: {detector!r} is unknown; choose from {', '.join(sorted(known))}, or give "
            "an object of river.drift"
        )
    try:
        return make(known[detector](**(settings or {})))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"detector {detector}: {error}") from None


def names() -> dict[str, type]:
    """river's detectors by class name."""
    kinds = (DriftDetector, BinaryDriftDetector)
    found = [*vars(drift).values(), *vars(drift.binary).values()]
    return {
        kind.__name__: kind
        for kind in found
        if isinstance(kind, type) and issubclass(kind, kinds) and kind not in IDLE
    }


# State as plain data ------------------------------------------------------------------------


def freeze(thing: Any) -> Any:
    """What JSON can hold of an object: its attributes, and theirs.

    Raises `ConfigError` for an attribute whose state cannot be seen.
    """
    if isinstance(thing, np.generic):
        thing = thing.item()
    if isinstance(thing, PLAIN):
        return thing
    if isinstance(thing, random.Random):
        version, numbers, gauss = thing.getstate()
        return [version, list(numbers), gauss]
    if isinstance(thing, list | tuple | collections.deque):
        return [freeze(item) for item in thing]
    if isinstance(thing, dict):
        return {name: freeze(item) for name, item in thing.items()}
    state = getattr(thing, "__getstate__", lambda: None)()
    if isinstance(state, bytes):  # the numbers of a compiled object
        return list(state)
    if not hasattr(thing, "__dict__") or not vars(thing):
        raise ConfigError(
            f"detector: the state of a {type(thing).__name__} cannot be saved in a checkpoint; "
            "choose another detector, such as ADWIN"
        )
    return {n: freeze(item) for n, item in vars(thing).items() if not callable(item)}


def thaw(thing: Any, saved: Any) -> Any:
    """*thing*, or what takes its place, with the state that `freeze` saw; *thing* is of the
    same settings."""
    if isinstance(thing, random.Random):
        thing.setstate((saved[0], tuple(saved[1]), saved[2]))
        return thing
    if isinstance(thing, collections.deque):
        return collections.deque(saved, maxlen=thing.maxlen)
    if isinstance(thing, tuple):
        return tuple(saved)
    if isinstance(thing, (*PLAIN, list, dict, np.generic)):
        return saved
    if isinstance(saved, list):
        thing.__setstate__(bytes(saved))
        return thing
    for name, value in saved.items():
        setattr(thing, name, thaw(getattr(thing, name, None), value))
    return thing
