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
from typing import TYPE_CHECKING, Any

from .errors import BadRecord, CheckpointError, ConfigError

if TYPE_CHECKING:
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
    from .estimators.classifier import RecurrentClassifier
    from .estimators.multitarget import RecurrentMultiTargetRegressor
    from .estimators.regressor import RecurrentRegressor
    from .forecasting.given import Given
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
    "Given",
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

# Loaded when first asked for, with Numba: the import of the package alone takes no time.
_LAZY = {
    "ELSTM": "cells",
    "GRU": "cells",
    "LSTM": "cells",
    "RFLO": "learners",
    "RTRL": "learners",
    "SGD": "optimizers",
    "TBPTT": "learners",
    "UORO": "learners",
    "Absolute": "losses",
    "Adam": "optimizers",
    "Agreement": "tools.compare_gradients",
    "Average": "optimizers",
    "Bidirectional": "sequences.bidirectional",
    "BitsPerSymbol": "evaluation.river_metrics",
    "BlockRTRL": "learners",
    "CategoryEncoder": "categories.encoder",
    "Clip": "optimizers",
    "ClipValue": "optimizers",
    "Decay": "optimizers",
    "Dropout": "cells",
    "Elman": "cells",
    "EntityF1": "evaluation.sequence_metrics",
    "FeedForward": "cells",
    "FrameForecaster": "estimators.frame_forecaster",
    "Given": "forecasting.given",
    "GradientReport": "tools.gradient_check",
    "Huber": "losses",
    "Jordan": "cells",
    "Kalman": "optimizers",
    "Keyed": "estimators.keyed.estimator",
    "Logistic": "losses",
    "Lookahead": "estimators.ahead",
    "MinGRU": "cells",
    "Momentum": "optimizers",
    "Packer": "estimators.packing",
    "Perplexity": "evaluation.river_metrics",
    "Quantile": "losses",
    "RMSProp": "optimizers",
    "ReLU": "numerics.activations",
    "RecurrentAnomalyDetector": "estimators.anomaly",
    "RecurrentClassifier": "estimators.classifier",
    "RecurrentForecaster": "estimators.forecaster",
    "RecurrentMultiTargetRegressor": "estimators.multitarget",
    "RecurrentMultivariateForecaster": "estimators.multivariate",
    "RecurrentRegressor": "estimators.regressor",
    "SequenceClassifier": "estimators.sequence_classifier",
    "SequenceLabeler": "estimators.labeler",
    "SequenceRegressor": "estimators.sequence_regressor",
    "SequenceTransducer": "estimators.transducer",
    "Sequences": "estimators.grouped",
    "SnAp1": "learners",
    "Softmax": "losses",
    "Squared": "losses",
    "Stack": "cells",
    "StackRTRL": "learners",
    "StreamClassifier": "estimators.stream_classifier",
    "StreamRegressor": "estimators.stream_regressor",
    "Tanh": "numerics.activations",
    "TextClassifier": "estimators.text_classifier",
    "TextPredictor": "estimators.text",
    "TimeDelay": "cells",
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
    found = globals()[name] = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
