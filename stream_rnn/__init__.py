"""Learning from live streams with recurrent networks, one record at a time."""

from .cells import GRU, LSTM, Elman
from .learners import RTRL, TBPTT
from .losses import Absolute, Huber, Logistic, Quantile, Softmax, Squared
from .optimizers import SGD, Adam, Clip, Decay, Kalman, Momentum, RMSProp

__version__ = "0.1.0"
