"""What is tested interpreted elsewhere, once more as machine code, and on a long stream."""

import numpy as np
import pytest
from helpers import EXACT, gradients, network, relative_error, wave

from stream_rnn.cells import LSTM
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.learners import RTRL
from stream_rnn.losses import Squared
from stream_rnn.optimizers import Adam, Clip, Kalman

__all__ = [name for name in dir() if name.startswith("test_")]


@pytest.mark.parametrize("learner", EXACT[:1], ids=repr)
def test_the_compiled_gradient_is_the_interpreted_one(learner):
    net, (X, Y) = network(LSTM(3), learner, 2, 2, seed=3), wave(12, 2, 2)
    _, expected = gradients(net, X, Y)
    _, got = gradients(net, X, Y, compiled=True)
    assert relative_error(got, expected) < 1e-12


def mackey_glass(T, tau=17):
    """x' = 0.2 x(t−τ) / (1 + x(t−τ)¹⁰) − 0.1 x, Euler steps of 0.1, every tenth kept."""
    x = [1.2] * (10 * tau + 1)
    while len(x) < 10 * (T + tau + 50):
        x.append(x[-1] + 0.1 * (0.2 * x[-10 * tau] / (1 + x[-10 * tau] ** 10) - 0.1 * x[-1]))
    return np.array(x[::10][-T:])


@pytest.mark.slow
def test_chaotic_series_far_better_than_the_first_order():
    """Mackey–Glass one step ahead: errors in units of its deviation, last quarter."""
    series = mackey_glass(20_001)
    X, Y = series[:-1, None], series[1:, None]
    errors = {}
    for optimizer in (Kalman(0.1, 1e-6), (Clip(1.0), Adam(3e-3))):
        model = compose(LSTM(8), RTRL(), optimizer, Squared())
        P = OnlineNetwork(model, 1, 1, seed=1).prequential(X, Y)
        error = np.sqrt(((P - Y)[-5000:] ** 2).mean()) / series.std()
        errors[type(optimizer)] = float(error)
    assert errors[Kalman] < 0.006
    assert errors[Kalman] < 0.3 * errors[tuple]
