"""Dropout: fair, scaled, off in predictions, restored with the state, exact in its gradient."""

import numpy as np
import pytest
from helpers import network, wave
from naive import concatenated, phi, reads

from stream_rnn.cells import GRU, LSTM, Dropout, Elman, FeedForward, Stack
from stream_rnn.engine.model import compose
from stream_rnn.errors import ConfigError
from stream_rnn.learners import RTRL, TBPTT, StackRTRL
from stream_rnn.losses import Squared
from stream_rnn.optimizers import SGD

pytestmark = pytest.mark.usefixtures("interpreted")  # as machine code: test_matrix
X, Y = wave(12, 2, 1)
RATE = 1e-7  # so small that the weights stay as they are
SHED = Dropout(GRU(3), rate=0.5, seed=4)


def test_units_are_left_out_at_the_rate_and_the_rest_scaled():
    net, kept = network(Dropout(Elman(50), rate=0.3), RTRL()), []
    for t in range(40):
        net.prequential(X[t % 12 : t % 12 + 1], Y[t % 12 : t % 12 + 1])
        work = net.work.layers[0]
        assert np.allclose(work.u, (1 - work.shed) * work.s[0])
        kept.append(1 - work.shed)
    kept = np.array(kept)
    assert np.allclose(np.unique(kept), [0, 1 / 0.7])
    assert abs((kept == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / kept.size)


def test_predictions_leave_nothing_out():
    plain, shed = (network(c, RTRL(), seed=1) for c in (SHED.cell, SHED))
    assert np.array_equal(plain.predict(X), shed.predict(X))
    shed.prequential(X, Y)
    assert np.array_equal(shed.predict(X), shed.predict(X))


def test_the_generator_is_part_of_the_state():
    whole, first, second = (network(SHED, RTRL(), seed=1) for _ in range(3))
    expected = whole.prequential(X, Y)
    first.prequential(X[:5], Y[:5])
    second.load({name: array.copy() for name, array in first.arrays().items()})
    assert np.array_equal(second.prequential(X[5:], Y[5:]), expected[5:])


@pytest.mark.parametrize(
    ("cell", "learner"),
    [
        (Dropout(LSTM(3), 0.5), RTRL()),
        (Dropout(FeedForward(4), 0.5), RTRL()),
        (Stack(Dropout(LSTM(3), 0.5), Dropout(GRU(3), 0.3)), TBPTT(16)),
    ],
    ids=["layer", "feedforward", "stack"],
)
def test_step_follows_the_loss_with_the_units_left_out(cell, learner):
    """Difference quotients of the last loss with the masks that were drawn."""
    net = network(cell, learner, seed=2, optimizer=SGD(RATE))
    sheds = []
    for t in range(8):
        net.prequential(X[t : t + 1], Y[t : t + 1])
        sheds.append([work.shed.copy() for work in net.work.layers])
    before = net.state.theta.copy()
    net.prequential(X[8:9], Y[8:9])
    sheds.append([work.shed.copy() for work in net.work.layers])
    step = (before - net.state.theta) / RATE
    cells = [c.cell for c in net.model.cells]
    *weights, V = net.parameters()
    read = [reads(c, W.shape).ravel() for c, W in zip(cells, weights, strict=True)]
    read = np.flatnonzero(np.concatenate([*read, np.ones(V.size)]))
    for n in np.random.default_rng(0).permutation(read)[:40]:
        up, down = (loss(cells, net, before, n, sign * 1e-6, sheds) for sign in (1, -1))
        assert step[n] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-6)


def loss(cells, net, theta, n, nudge, sheds):
    """The last loss, layer by layer from the textbook formulas."""
    theta = theta.copy()
    theta[n] += nudge
    *weights, V = net._split(theta)
    states = [np.zeros_like(layer.s) for layer in net.state.layers]
    for t, shed in enumerate(sheds):
        u = X[t]
        for k, (cell, W) in enumerate(zip(cells, weights)):
            z = concatenated(cell, states[k][0], u)
            states[k] = phi(cell, np.tensordot(z, W, 1), states[k])
            u = (1 - shed[k]) * states[k][0]
    return ((np.append(u, 1.0) @ V - Y[len(sheds) - 1]) ** 2).sum() / 2


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"rate: 1\.0"):
        compose(Dropout(LSTM(2), 1.0), RTRL(), SGD(), Squared())
    with pytest.raises(ConfigError, match="drops twice"):
        compose(Dropout(Dropout(LSTM(2))), RTRL(), SGD(), Squared())
    with pytest.raises(ConfigError, match="not for StackRTRL"):
        compose(Stack(SHED, GRU(2), exact=True), RTRL(), SGD(), Squared())
    assert StackRTRL() == compose(Stack(GRU(2), SHED, exact=True), RTRL(), SGD(), Squared()).learner
