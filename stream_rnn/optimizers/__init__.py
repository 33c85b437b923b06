"""The optimizers; `OPTIMIZERS` maps their names to their specs, a tuple of them is a chain."""

from . import filter as _filter  # noqa: F401  (how `Kalman` learns)
from .average import Average
from .descent import SGD, Adam, Momentum, RMSProp
from .kalman import Kalman
from .shaping import Clip, ClipValue, Decay

KINDS = (SGD, Momentum, RMSProp, Adam, Kalman, Clip, ClipValue, Decay, Average)
OPTIMIZERS = {spec.__name__: spec for spec in KINDS}

Optimizer = SGD | Momentum | RMSProp | Adam | Kalman | Clip | ClipValue | Decay | Average

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Average",
    "Clip",
    "ClipValue",
    "Decay",
    "Kalman",
    "Momentum",
    "Optimizer",
    "RMSProp",
]
