"""Jordan: its output is fed back, and every parameter's derivative takes that into account."""

import numpy as np
import pytest
from helpers import gradients, network, wave

from stream_rnn.cells import LSTM, Jordan, Stack
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.errors import ConfigError
from stream_rnn.learners import RTRL, TBPTT, BlockRTRL
from stream_rnn.losses import Squared
from stream_rnn.optimizers import SGD, Adam, Kalman

pytestmark = pytest.mark.usefixtures("interpreted")  # as machine code: test_matrix

X, Y = wave(10, 2, 2)
STEP = 1e-30


def forward(W, F, V, skip):
    """Losses, the fed-back output being carried as such; complex parameters are welcome."""
    H, y_, losses = W.shape[2], np.zeros(V.shape[1]), []
    for t, (x, y) in enumerate(zip(X, Y)):
        a = np.append(1.0, x) @ W[:, 0] + (y_ @ F[:, 0] if t else V[H] @ F[:, 0])
        h = np.tanh(a)
        y_ = h @ V[:H] + V[H]
        o = y_ + (x @ V[H + 1 :] if skip else 0)
        losses.append(((o - y) ** 2).sum() / 2)
    return np.array(losses)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("learner", [RTRL(), BlockRTRL(3), TBPTT(16)], ids=str)
def test_gradient_is_a_complex_step_through_the_fed_back_output(learner, skip):
    net = network(Jordan(3), learner, 2, 2, skip=skip, seed=2)
    net.state.theta[...] *= 1.5
    losses, G = gradients(net, X, Y)
    shapes = [p.shape for p in net.parameters()]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    theta = net.state.theta.astype(complex)
    for n in range(theta.size):
        nudged = theta.copy()
        nudged[n] += STEP * 1j
        parts = [p.reshape(s) for p, s in zip(np.split(nudged, ends), shapes)]
        out = forward(*parts, skip)
        assert np.allclose(out.real, losses, rtol=1e-12)
        assert np.allclose(G[:, n], out.imag / STEP, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("optimizer", [Adam(0.01), Kalman()], ids=lambda o: type(o).__name__)
def test_learns_a_target_that_remembers_itself_and_grows(optimizer):
    T = 1500  # the target remembers itself: y = 0.7 y₋ + x
    x, y = np.random.default_rng(0).normal(size=(T, 1)), np.zeros((T, 1))
    for t in range(1, T):
        y[t] = 0.7 * y[t - 1] + x[t]
    net = OnlineNetwork(compose(Jordan(6), RTRL(), optimizer, Squared()), 1, 1, seed=1)
    P = net.prequential(x, y)
    assert ((P - y)[-300:] ** 2).mean() < 0.25 * (y**2).mean()  # x alone explains half
    before = net.predict(np.zeros((1, 1)))
    net.grow(2, 2)
    assert np.allclose(net.predict(np.zeros((1, 2)))[:, :1], before, rtol=1e-6)
    net.prequential(np.zeros((20, 2)), np.hstack([y[:20], y[:20]]))
    assert np.isfinite(net.state.theta).all()


def test_it_is_the_last_layer():
    with pytest.raises(ConfigError, match="last cell of a stack"):
        compose(Stack(Jordan(2), LSTM(2)), RTRL(), SGD(), Squared())
