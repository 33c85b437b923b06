"""The recurrent cells; `CELLS` maps their names to their specs."""

from .elman import Elman
from .elstm import ELSTM
from .feedforward import FeedForward
from .gru import GRU
from .lstm import LSTM
from .mingru import MinGRU
from .stack import Stack

CELLS = {spec.__name__: spec for spec in (LSTM, GRU, Elman, ELSTM, MinGRU, FeedForward)}

__all__ = ["CELLS", "ELSTM", "GRU", "LSTM", "Elman", "FeedForward", "MinGRU", "Stack"]
