"""The recurrent cells; `CELLS` maps their names to their specs."""

from .dropout import Dropout
from .elman import Elman
from .elstm import ELSTM
from .feedforward import FeedForward
from .gru import GRU
from .jordan import Jordan
from .lstm import LSTM
from .mingru import MinGRU
from .stack import Stack
from .timedelay import TimeDelay

KINDS = (LSTM, GRU, Elman, ELSTM, MinGRU, Jordan, FeedForward, TimeDelay)
CELLS = {spec.__name__: spec for spec in KINDS}
Cell = LSTM | GRU | Elman | ELSTM | MinGRU | Jordan | FeedForward | TimeDelay | Dropout
LAYERS = CELLS | {"Dropout": Dropout}  # what a configuration may give as a layer

__all__ = [
    "CELLS",
    "ELSTM",
    "GRU",
    "LAYERS",
    "LSTM",
    "Cell",
    "Dropout",
    "Elman",
    "FeedForward",
    "Jordan",
    "MinGRU",
    "Stack",
    "TimeDelay",
]
