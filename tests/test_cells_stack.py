"""Stacks: what is exact across layers is so by difference quotients; the rest says what it is."""

import pickle

import numpy as np
import pytest
from helpers import difference_quotients, gradients, network, relative_error, wave

from stream_rnn.cells import ELSTM, GRU, LSTM, Elman, FeedForward, MinGRU, Stack
from stream_rnn.engine.model import compose
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.regressor import RecurrentRegressor
from stream_rnn.learners import RFLO, RTRL, TBPTT, BlockRTRL, StackRTRL
from stream_rnn.losses import Squared
from stream_rnn.optimizers import SGD

pytestmark = pytest.mark.usefixtures("interpreted")  # as machine code: test_matrix

STACKS = [
    Stack(LSTM(3), GRU(2), exact=True),
    Stack(ELSTM(2), LSTM(2), MinGRU(2), exact=True),
    Stack(FeedForward(3), Elman(2), exact=True),
]
X, Y = wave(9, 2, 2)


def check(net):
    _, G = gradients(net, X, Y)
    Q = difference_quotients(net, X, Y, scale=1e-6)
    read = (G != 0).any(axis=0)
    assert relative_error(G[:, read], Q[:, read]) < 1e-7


@pytest.mark.parametrize("stack", STACKS, ids=lambda s: "-".join(type(c).__name__ for c in s))
@pytest.mark.parametrize("learner", [RTRL(), TBPTT(16)], ids=lambda l: type(l).__name__)
def test_exact_across_layers(stack, learner):
    check(network(stack, learner, 2, 2, seed=3))


def test_a_stack_without_recurrence_above_is_exact_by_layers_too():
    """Per-layer influence leaves out only what passes through the memory of a layer above."""
    check(network(Stack(LSTM(3), FeedForward(3)), BlockRTRL(4), 2, 2, seed=3))


def test_per_layer_influence_is_exact_for_the_uppermost_layer():
    stack = Stack(LSTM(3), GRU(2))
    exact = gradients(network(Stack(*stack, exact=True), RTRL(), 2, 2, seed=3), X, Y)[1]
    layered = gradients(network(stack, RTRL(), 2, 2, seed=3), X, Y)[1]
    lower = 3 * 4 * (3 + 1 + 2)
    assert relative_error(layered[:, lower:], exact[:, lower:]) < 1e-12
    assert relative_error(layered[:1, :lower], exact[:1, :lower]) < 1e-12
    assert relative_error(layered[1:, :lower], exact[1:, :lower]) > 1e-3


def test_gathered_losses_reach_the_lower_layer():
    """TBPTT(8, every=8) from a zero state is the sum of eight exact gradients."""
    stack = (LSTM(3), Elman(2))
    single = gradients(network(stack, TBPTT(8), 2, 2, seed=3), X[:8], Y[:8])[1]
    net = network(stack, TBPTT(8, every=8), 2, 2, seed=3, optimizer=SGD(1.0))
    before = net.state.theta.copy()
    net.prequential(X[:8], Y[:8])
    assert np.allclose(before - net.state.theta, single.sum(axis=0), rtol=1e-10, atol=1e-13)


def test_influence_survives_growth():
    ends = []
    for learner in (RTRL(), TBPTT(32)):
        net = network(Stack(LSTM(2), Elman(2), exact=True), learner, 1, 1, optimizer=SGD(1e-9))
        net.prequential(X[:4, :1], Y[:4, :1])
        before = net.state.theta.copy()
        net.grow(2, 1)
        net.state.theta[0] += 0  # the grown network goes on with the same influence
        start = net.state.theta.copy()
        net.prequential(X[4:5], Y[4:5, :1])
        ends.append(net.state.theta - start)
        assert len(before) < len(start)
    assert np.allclose(ends[0], ends[1], rtol=1e-5, atol=1e-16)


def test_stack_is_a_value():
    stack = STACKS[0]
    assert pickle.loads(pickle.dumps(stack)) == stack
    assert Stack(LSTM(3), GRU(2)) != stack
    assert len({stack, Stack(LSTM(3), GRU(2), exact=True)}) == 1
    clone = RecurrentRegressor(stack).clone()
    assert clone.cell == stack
    assert compose(clone.cell, RTRL(), SGD(), Squared()).learner == StackRTRL()


def test_what_is_not_exact_across_layers_is_refused():
    with pytest.raises(ConfigError, match="exact: RFLO"):
        compose(STACKS[0], RFLO(), SGD(), Squared())
