"""learner="auto" picks an exact learner, by cell and size."""

import pytest

from stream_rnn import (
    ELSTM,
    GRU,
    LSTM,
    RTRL,
    SGD,
    BlockRTRL,
    ConfigError,
    Elman,
    MinGRU,
    RecurrentRegressor,
    Squared,
    Stack,
    StackRTRL,
)
from stream_rnn.engine.model import compose


@pytest.mark.parametrize(
    ("cell", "learner"),
    [
        (LSTM(9), RTRL()),
        (LSTM(10), BlockRTRL()),
        (GRU(11), RTRL()),
        (GRU(12), BlockRTRL()),
        (Elman(15), RTRL()),
        (Elman(16), BlockRTRL()),
        (ELSTM(512), RTRL()),
        (Stack(MinGRU(64), LSTM(4)), RTRL()),
        (Stack(MinGRU(64), LSTM(16)), BlockRTRL()),
        (Stack(LSTM(16), LSTM(16), exact=True), StackRTRL()),
    ],
    ids=str,
)
def test_the_fastest_exact_learner(cell, learner):
    assert compose(cell, "auto", SGD(), Squared()).learner == learner


def test_an_estimator_takes_it():
    model = RecurrentRegressor(LSTM(4), "auto", seed=1)
    assert model._model.learner == RTRL()
    assert model.clone().learner == "auto"
    with pytest.raises(ConfigError, match="learner: 'fastest'"):
        RecurrentRegressor(LSTM(4), "fastest")
