"""The recurrent cells; `CELLS` maps their names to their specs."""

from .elman import Elman
from .gru import GRU
from .lstm import LSTM

CELLS = {spec.__name__: spec for spec in (LSTM, GRU, Elman)}

__all__ = ["CELLS", "GRU", "LSTM", "Elman"]
