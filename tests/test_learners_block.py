"""Block RTRL: the gradient of RTRL, at any block length and any number of blocks."""

import numpy as np
import pytest
from helpers import gradients, network, relative_error, wave

from stream_rnn.cells import GRU, LSTM, Elman
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.errors import ConfigError
from stream_rnn.learners import RTRL, BlockRTRL
from stream_rnn.losses import Squared
from stream_rnn.optimizers import SGD, Adam

pytestmark = pytest.mark.usefixtures("interpreted")  # as machine code: test_matrix

T = 60


@pytest.mark.parametrize(
    ("cell", "block"),
    [(LSTM(5), 1), (LSTM(5), 7), (LSTM(9), None), (GRU(6), 8), (Elman(6), 5)],
    ids=str,
)
def test_gradient_is_that_of_rtrl(cell, block):
    X, Y = wave(T, 3, 2)
    exact = gradients(network(cell, RTRL(), 3, 2, seed=1), X, Y)[1]
    block = gradients(network(cell, BlockRTRL(block), 3, 2, seed=1), X, Y)[1]
    assert relative_error(block, exact) < 1e-12


@pytest.mark.parametrize("units", [16, 32])
def test_gradient_in_single_precision(units):
    X, Y = wave(3 * units, 10, 1)
    exact = gradients(network(LSTM(units), RTRL(), 10, 1, dtype="float32"), X, Y, compiled=True)[1]
    block = gradients(
        network(LSTM(units), BlockRTRL(), 10, 1, dtype="float32"), X, Y, compiled=True
    )[1]
    assert relative_error(block, exact) < 1e-5


def test_learns_as_rtrl_does_to_the_order_of_the_rate():
    X, Y = wave(400, 2, 1)
    ends = []
    for learner in (RTRL(), BlockRTRL(8)):
        net = OnlineNetwork(compose(LSTM(4), learner, SGD(1e-3), Squared()), 2, 1, seed=2)
        net.prequential(X, Y)
        ends.append(net.state.theta.copy())
    moved = np.linalg.norm(ends[0] - net.state.saved[0])
    assert np.linalg.norm(ends[1] - ends[0]) < 2e-3 * moved


def test_grown_network_keeps_its_influence():
    """New inputs append rows to S; the derivatives of the old parameters stay."""
    X, Y = wave(30, 3, 1)
    ends = []
    for learner in (RTRL(), BlockRTRL(4)):
        model = compose(LSTM(3), learner, Adam(1e-9), Squared(), scale=False)
        net = OnlineNetwork(model, 2, 1, seed=1, dtype="float64")
        net.prequential(X[:13, :2], Y[:13])
        net.grow(3, 1)
        net.prequential(X[13:20], Y[13:20])
        ends.append(net.state.memory.rows[0].copy())
    assert np.allclose(*ends, rtol=1e-4, atol=1e-9)


def test_block_must_be_positive():
    with pytest.raises(ConfigError, match="block: 0"):
        compose(LSTM(2), BlockRTRL(0), SGD(), Squared())
