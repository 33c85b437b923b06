"""The engine as a whole against the naive network, and what it promises of one record."""

import numpy as np
import pytest
from helpers import cover, network, wave
from naive_online import NaiveNetwork

from stream_rnn.cells import CELLS, GRU, LSTM, Elman, Jordan, TimeDelay
from stream_rnn.cells.base import recurrent_rows
from stream_rnn.engine.loop import CHECK_EVERY
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.learners import RTRL, TBPTT
from stream_rnn.losses import Absolute, Huber, Logistic, Quantile, Softmax, Squared
from stream_rnn.numerics.activations import ReLU
from stream_rnn.optimizers import SGD, Adam, Clip, Decay, Kalman, Momentum, RMSProp

pytestmark = pytest.mark.usefixtures("interpreted")

CHAINS = [
    (SGD(0.05),),
    (Clip(0.3), Momentum(0.02)),
    (Decay(0.01), RMSProp(0.01)),
    (Clip(0.5), Decay(0.001), Adam(0.02)),
]
STACKS = [*(spec(3) for spec in CELLS.values()), (LSTM(3), GRU(2)), (Elman(3), Elman(2))]
LEARNERS = [RTRL(), TBPTT(5), TBPTT(6, every=3)]
T = 40


def stream(loss, gaps, outputs=2):
    """A stream for *loss*; with *gaps*, features and targets are missing here and there."""
    X, Y = wave(T, 2, outputs)
    if isinstance(loss, Logistic):
        Y = (Y > 0).astype(float)
    if isinstance(loss, Softmax):
        Y = np.eye(outputs)[(Y[:, 0] > 0).astype(int)]
    X, Y = 3 + 5 * X, Y.copy()
    if gaps:
        rng = np.random.default_rng(1)
        X[rng.random(X.shape) < 0.1] = np.nan
        Y[rng.random(len(Y)) < 0.2] = np.nan
        if not isinstance(loss, Softmax):
            Y[rng.random(Y.shape) < 0.1] = np.nan
    return X, Y


def check(cells, learner, optimizer, loss, scale=True, skip=True):
    net = network(
        cells, learner, 2, 2, loss=loss, optimizer=optimizer, scale=scale, skip=skip, seed=7
    )
    reference = NaiveNetwork(net)
    X, Y = stream(loss, gaps=scale)
    expected = reference.prequential(X, Y)
    assert np.allclose(net.prequential(X, Y), expected, rtol=1e-7, atol=1e-9)
    assert net.state.sums[0] == pytest.approx(reference.loss, rel=1e-7)
    theta = reference._theta()
    assert np.allclose(net.state.theta, theta, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("cells", "learner"), cover(STACKS, LEARNERS), ids=repr)
def test_every_stack_and_learner_equals_the_naive_network(cells, learner):
    check(cells, learner, CHAINS[3], Huber(0.5))


LOSSES = [Softmax(), Logistic(), Squared(), Absolute(), Huber(0.5), Quantile(0.8)]


@pytest.mark.parametrize(("chain", "loss"), cover(CHAINS, LOSSES), ids=repr)
def test_every_chain_and_loss_equals_the_naive_network(chain, loss):
    check(Elman(3), TBPTT(5), chain, loss)


@pytest.mark.parametrize(("scale", "skip"), cover([True, False], [True, False]))
def test_scale_and_skip(scale, skip):
    check(Elman(3, ReLU()), RTRL(), SGD(0.01), Squared(), scale, skip)


KALMAN = cover([RTRL(), TBPTT(5)], [Huber(0.5), Squared(), Logistic(), Softmax()])


@pytest.mark.parametrize(("learner", "loss"), KALMAN, ids=repr)
def test_kalman_equals_the_dense_filter(learner, loss):
    check(GRU(3), learner, Kalman(0.3, 1e-3), loss)


@pytest.mark.parametrize(
    ("loss", "optimizer"), cover([Squared(), Softmax()], [Kalman(), Adam(0.05)]), ids=repr
)
def test_it_returns_to_what_it_was_as_the_naive_network_does(loss, optimizer):
    """A target that is stuck for 25 records, with an absurd one among them, and two outliers."""
    net = network(Elman(3), TBPTT(3), 2, 2, loss=loss, optimizer=optimizer, scale=True, skip=True)
    X = np.random.default_rng(2).normal(size=(170, 2))
    Y = X @ [[1.0, 0.2], [-0.5, 1.0]]
    if isinstance(loss, Softmax):
        Y = np.eye(2)[(Y[:, 0] > 0).astype(int)]
        Y[120:145] = Y[120:145, ::-1]
    else:
        Y[120:145] = 3.0
        Y[[70, 130]] = [[40.0, -7.0], [1e200, 0.0]]
    reference = NaiveNetwork(net)
    expected = reference.prequential(X, Y)
    assert np.allclose(net.prequential(X, Y), expected, rtol=1e-6, atol=1e-8)
    assert net.counts["returns"] == reference.returns == 1
    assert np.allclose(net.state.theta, reference._theta(), rtol=1e-5, atol=1e-7)


def test_prediction_changes_nothing():
    net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01))
    X, Y = wave(30)
    net.prequential(X, Y)
    before = {name: array.tobytes() for name, array in net.arrays().items()}
    first = net.predict(X)
    second = net.predict(X)
    assert first.tobytes() == second.tobytes()
    assert {name: array.tobytes() for name, array in net.arrays().items()} == before


def test_missing_target_advances_and_does_not_learn():
    net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01))
    X, Y = wave(30)
    net.prequential(X, Y)
    theta, targets = net.state.theta.copy(), net.state.targets.count.copy()
    hidden, inputs = net.state.layers[0].s.copy(), net.state.inputs.count.copy()
    net.prequential(X[:5], np.full((5, 1), np.nan))
    assert np.array_equal(net.state.theta, theta)
    assert np.array_equal(net.state.targets.count, targets)
    assert not np.array_equal(net.state.layers[0].s, hidden)
    assert np.array_equal(net.state.inputs.count, inputs + 5)
    assert net.counts["records"] == 35
    assert net.counts["learned"] == 30


def test_missing_feature_is_its_running_mean():
    X, Y = wave(30)
    predictions = []
    for filled in (False, True):
        net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01))
        net.prequential(X, Y)
        row = X[:1].copy()
        row[0, 1] = X[:, 1].mean() if filled else np.nan
        predictions.append(net.predict(row))
    assert np.allclose(*predictions, rtol=1e-12)


def exploding(dtype="float32", rate=1e30):
    """ReLU units with a rate that no parameter survives."""
    settings = {"optimizer": SGD(rate), "scale": True, "skip": True, "dtype": dtype, "seed": 1}
    return network(Elman(3, ReLU()), RTRL(), **settings)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_are_not_finite_are_rolled_back_and_counted(dtype):
    net = exploding(dtype, rate=1e30 if dtype == "float32" else 1e250)
    initial = net.state.theta.copy()
    X, Y = wave(400)
    with np.errstate(all="ignore"):  # without the JIT, NumPy would warn
        P = net.prequential(X, Y)
    assert np.isfinite(P).all()
    assert np.isfinite(net.state.theta).all()
    assert net.counts["nonfinite_rollbacks"] > 10
    assert net.counts["records"] + net.counts["nonfinite_rollbacks"] >= 400
    assert np.array_equal(net.state.saved[0], initial)


def test_rollback_returns_to_the_last_good_parameters_then_goes_on():
    net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01), seed=1)
    X, Y = wave(CHECK_EVERY + 40)
    net.prequential(X[:CHECK_EVERY], Y[:CHECK_EVERY])
    good = net.state.theta.copy()
    assert np.array_equal(net.state.saved[1], good)
    net.prequential(X[CHECK_EVERY:], Y[CHECK_EVERY:])
    net.state.theta[3] = np.nan
    P = net.prequential(X[:1], Y[:1])
    assert np.isfinite(P).all()
    assert np.array_equal(net.state.theta, good)
    assert net.counts["nonfinite_rollbacks"] == 1
    P = net.prequential(X, Y)
    assert np.isfinite(P).all()
    assert abs(P - Y)[-50:].mean() < 0.5 * abs(Y[-50:]).mean()


def test_second_failure_in_a_row_returns_to_the_initial_parameters():
    net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01), seed=1)
    initial = net.state.theta.copy()
    X, Y = wave(CHECK_EVERY + 40)
    net.prequential(X, Y)
    for _ in range(2):
        net.state.theta[3] = np.nan
        net.prequential(X[:1], Y[:1])
    assert np.array_equal(net.state.theta, initial)
    assert net.counts["nonfinite_rollbacks"] == 2


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1.0, 1e6, 1e12])
def test_targets_in_any_unit(unit):
    """Predictions are those of the same stream in unit 1, times the unit."""
    X, Y = wave(300)
    nets = [network(Elman(3), TBPTT(5), optimizer=Adam(0.01), scale=True) for _ in range(2)]
    plain, scaled = nets[0].prequential(X, Y), nets[1].prequential(X, unit * Y) / unit
    assert np.allclose(plain, scaled, rtol=1e-6, atol=1e-8)
    assert abs(scaled - Y)[-50:].mean() < 0.3 * abs(Y[-50:]).mean()


def test_far_from_zero():
    """A mean of 1e9 deviations costs digits, not finiteness or learning."""
    X, Y = wave(300)
    net = network(Elman(3), TBPTT(5), optimizer=Adam(0.01), scale=True)
    P = net.prequential(X + 1e9, Y + 1e9) - 1e9
    assert abs(P - Y)[-50:].mean() < 0.3 * abs(Y[-50:]).mean()


def test_constant_columns():
    """Constant features are 0 in standard units; a constant target is predicted exactly."""
    X, Y = wave(100)
    X[:, 1] = 7.25
    net = network(Elman(3), TBPTT(5), optimizer=Adam(0.01), scale=True)
    P = net.prequential(X, np.full_like(Y, 0.1))
    assert (P[1:] == 0.1).all()
    assert net.work.x[1] == 0


def test_model_and_seed_make_the_parameters():
    model = compose(LSTM(3), RTRL(), SGD(), Squared())
    one, same, other = (OnlineNetwork(model, 2, 1, seed=seed).state.theta for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "cell", [*(spec(40) for spec in CELLS.values()), Elman(40, ReLU())], ids=repr
)
def test_initial_weights_by_fan_in(cell):
    """For inputs of variance 1, pre-activations start with the variance of the cell's gain."""
    net = network(cell, TBPTT(2, 1), 60, 1, seed=1)
    W, J = net.parameters()[0], recurrent_rows(cell)
    blocks = W[:J, 0], W[J + 1 :, 0]
    if isinstance(cell, Jordan):  # its recurrent weights read the output
        J, blocks = 0, (net.parameters()[1][:, 0], W[1:, 0])
    if isinstance(cell, TimeDelay):  # what a unit is made of are all its taps
        blocks = (W[1:].reshape(-1, 40),)
    gain = 2.0 if getattr(cell, "activation", None) == ReLU() else 1.0
    variance = sum(len(block) * block.var() for block in blocks if block.size)
    assert variance == pytest.approx(gain, rel=0.15)
    bias = W[J, :3]
    if hasattr(cell, "forget_bias"):
        assert (bias == cell.forget_bias).any(axis=1).sum() == 1
    else:
        assert (bias == 0).all()


@pytest.mark.parametrize(
    "cell", [spec(8, orthogonal=True) for spec in (LSTM, GRU, Elman)], ids=repr
)
def test_orthogonal_recurrent_weights(cell):
    W = network(cell, TBPTT(2, 1)).parameters()[0]
    for g in range(W.shape[1]):
        U = W[:8, g]
        if (U != 0).any():
            assert np.allclose(U @ U.T, np.eye(8), atol=1e-12)
