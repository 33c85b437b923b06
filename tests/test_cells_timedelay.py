"""TimeDelay against the window of the past that it stands for, alone and in a hidden layer."""

import numpy as np
import pytest
from helpers import network

from stream_rnn import RTRL, ConfigError, FeedForward, Kalman, RecurrentRegressor, TimeDelay

pytestmark = pytest.mark.usefixtures("interpreted")


def shifted(X, d):
    return np.concatenate([np.zeros((d, X.shape[1])), X[: len(X) - d]])


def windowed(W, X):
    """tanh(b + Σ_d V_d x_{t−d}) of all rows of X at once."""
    return np.tanh(W[0, 0] + sum(shifted(X, d) @ W[1:, d] for d in range(W.shape[1])))


@pytest.mark.parametrize("cells", [(TimeDelay(3, 2),), (TimeDelay(3, 2), TimeDelay(2, 4))])
def test_it_is_a_window_of_the_past(cells):
    net = network(cells, RTRL(), 2, 1, seed=3)
    X = np.random.default_rng(0).normal(size=(12, 2))
    net.state.theta[...] *= 1.5
    *own, V = net.parameters()
    H = X
    for W in own:
        assert not W[0, 1:].any()
        H = windowed(W, H)
    expected = np.concatenate([H, np.ones((12, 1))], 1) @ V
    found = net.prequential(X, np.full((12, 1), np.nan))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_delays_it_is_feed_forward():
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30.0) % 3
    made = [
        RecurrentRegressor(cell, RTRL(), Kalman(), dtype="float64", seed=1).prequential(X, y)
        for cell in (TimeDelay(3, 0), FeedForward(3))
    ]
    np.testing.assert_allclose(*made, atol=1e-9)


def test_delays_below_none_are_refused():
    with pytest.raises(ConfigError, match="delays: -1"):
        RecurrentRegressor(TimeDelay(3, -1))
