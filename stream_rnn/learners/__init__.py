"""The gradient algorithms; `LEARNERS` maps their names to their specs."""

from .rtrl import RTRL
from .tbptt import TBPTT

LEARNERS = {spec.__name__: spec for spec in (RTRL, TBPTT)}

__all__ = ["LEARNERS", "RTRL", "TBPTT"]
