"""Learning from live streams with recurrent networks, one record at a time.

>>> from stream_rnn import LSTM, RTRL, Adam, Clip, RecurrentRegressor, Squared
>>> model = RecurrentRegressor(
...     cell=LSTM(16), learner=RTRL(), optimizer=(Clip(1.0), Adam(1e-3)), loss=Squared(), seed=42
... )
>>> model.predict_one({"temperature": 21.5})
0.0
>>> model.learn_one({"temperature": 21.5}, 3.1)
"""

from importlib import import_module
from typing import Any

from .cells import (
    ELSTM,
    GRU,
    LSTM,
    Dropout,
    Elman,
    FeedForward,
    Jordan,
    MinGRU,
    Stack,
    TimeDelay,
)
from .errors import BadRecord, CheckpointError, ConfigError
from .estimators.classifier import RecurrentClassifier
from .estimators.multitarget import RecurrentMultiTargetRegressor
from .estimators.regressor import RecurrentRegressor
from .learners import RFLO, RTRL, TBPTT, UORO, BlockRTRL, SnAp1, StackRTRL
from .losses import Absolute, Huber, Logistic, Quantile, Softmax, Squared
from .numerics.activations import ReLU, Tanh
from .optimizers import SGD, Adam, Average, Clip, ClipValue, Decay, Kalman, Momentum, RMSProp

__version__ = "0.1.0"

__all__ = [
    "ELSTM",
    "GRU",
    "LSTM",
    "RFLO",
    "RTRL",
    "SGD",
    "TBPTT",
    "UORO",
    "Absolute",
    "Adam",
    "Agreement",
    "Average",
    "BadRecord",
    "Bidirectional",
    "BitsPerSymbol",
    "BlockRTRL",
    "CategoryEncoder",
    "CheckpointError",
    "Clip",
    "ClipValue",
    "ConfigError",
    "Decay",
    "Dropout",
    "Elman",
    "EntityF1",
    "FeedForward",
    "FrameForecaster",
    "GradientReport",
    "Huber",
    "Jordan",
    "Kalman",
    "Keyed",
    "Logistic",
    "Lookahead",
    "MinGRU",
    "Momentum",
    "Packer",
    "Perplexity",
    "Quantile",
    "RMSProp",
    "ReLU",
    "RecurrentAnomalyDetector",
    "RecurrentClassifier",
    "RecurrentForecaster",
    "RecurrentMultiTargetRegressor",
    "RecurrentMultivariateForecaster",
    "RecurrentRegressor",
    "SequenceClassifier",
    "SequenceLabeler",
    "SequenceRegressor",
    "SequenceTransducer",
    "Sequences",
    "SnAp1",
    "Softmax",
    "Squared",
    "Stack",
    "StackRTRL",
    "StreamClassifier",
    "StreamRegressor",
    "Tanh",
    "TextClassifier",
    "TextPredictor",
    "TimeDelay",
    "TokenAccuracy",
    "compare_gradients",
    "cross_validate",
    "dumps",
    "gradient_check",
    "learned",
    "load",
    "load_safetensors",
    "load_state_dict",
    "loads",
    "options",
    "plot",
    "read_frame",
    "save_safetensors",
    "sensitivities",
    "state_dict",
]

# Loaded when first asked for, so that the import of the package stays quick.
_LAZY = {
    "Agreement": "tools.compare_gradients",
    "Bidirectional": "sequences.bidirectional",
    "BitsPerSymbol": "evaluation.river_metrics",
    "CategoryEncoder": "categories.encoder",
    "EntityF1": "evaluation.sequence_metrics",
    "FrameForecaster": "estimators.frame_forecaster",
    "GradientReport": "tools.gradient_check",
    "Keyed": "estimators.keyed.estimator",
    "Lookahead": "estimators.ahead",
    "Packer": "estimators.packing",
    "Perplexity": "evaluation.river_metrics",
    "RecurrentAnomalyDetector": "estimators.anomaly",
    "RecurrentForecaster": "estimators.forecaster",
    "RecurrentMultivariateForecaster": "estimators.multivariate",
    "SequenceClassifier": "estimators.sequence_classifier",
    "SequenceLabeler": "estimators.labeler",
    "SequenceRegressor": "estimators.sequence_regressor",
    "SequenceTransducer": "estimators.transducer",
    "Sequences": "estimators.grouped",
    "StreamClassifier": "estimators.stream_classifier",
    "StreamRegressor": "estimators.stream_regressor",
    "TextClassifier": "estimators.text_classifier",
    "TextPredictor": "estimators.text",
    "TokenAccuracy": "evaluation.sequence_metrics",
    "compare_gradients": "tools.compare_gradients",
    "cross_validate": "evaluation.rolling",
    "dumps": "estimators.saving",
    "gradient_check": "tools.gradient_check",
    "learned": "estimators.learned",
    "load": "estimators.saving",
    "load_safetensors": "tools.pytorch",
    "load_state_dict": "tools.pytorch",
    "loads": "estimators.saving",
    "options": "estimators.options",
    "plot": "evaluation.plot",
    "read_frame": "evaluation.read_frame",
    "save_safetensors": "tools.pytorch",
    "sensitivities": "estimators.sensitivities",
    "state_dict": "tools.pytorch",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
