"""First-order optimizers and their chains against the textbook, and their composition."""

import helpers
import numpy as np
import pandas as pd
import pytest
from naive import step

from stream_rnn.cells import Elman
from stream_rnn.engine.model import compose
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.regressor import RecurrentRegressor
from stream_rnn.learners import RTRL, TBPTT
from stream_rnn.losses import Absolute, Quantile, Squared
from stream_rnn.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    Average,
    Clip,
    ClipValue,
    Decay,
    Kalman,
    Momentum,
    RMSProp,
)
from stream_rnn.optimizers.base import Moments, slots, update
from stream_rnn.optimizers.shaping import BLOCK

SHAPING = (Average, Clip, ClipValue, Decay)
STEPS = [s() for s in OPTIMIZERS.values() if s not in (*SHAPING, Kalman)]
CHAINS = [
    *((spec,) for spec in STEPS),
    *((Clip(0.5), Decay(0.1), spec) for spec in STEPS),
    (Decay(0.5), Clip(0.5), SGD(0.1)),
    (Clip(0.5), Clip(0.1), Adam(0.1, 0.8, 0.9, 1e-3)),
    (Decay(0.1), Decay(0.2), Momentum(0.1, 0.5)),
    (RMSProp(0.1, 0.7, 0.1),),
    (ClipValue(0.1), Decay(0.5), Momentum(0.1, 0.5)),
]
P = 300


def moments(chain, dtype=np.float64):
    rows = sum(slots(link) for link in chain)
    return Moments(np.zeros((rows, P), dtype), np.zeros(rows, int), np.zeros(1, int))


def run(chain, gradients, theta, dtype=np.float64):
    """Parameters after each of *gradients* (T, P), and the memory."""
    memory, theta, path = moments(chain, dtype), theta.astype(dtype), []
    for g in gradients:
        change = g.astype(dtype)
        used = update(chain, theta, change, memory, 0)
        assert used == len(memory.rows)
        theta = theta + change
        path.append(theta)
    return np.array(path), memory


@pytest.mark.parametrize("chain", CHAINS, ids=repr)
def test_every_chain_equals_the_textbook(chain):
    rng = np.random.default_rng(0)
    gradients, theta = rng.normal(size=(12, P)) * 0.1, rng.normal(size=P)
    path, _ = run(chain, gradients, theta)
    thetas = [theta]
    for t in range(len(gradients)):
        thetas.append(thetas[-1] + step(chain, gradients[: t + 1], thetas))
    assert np.allclose(path, thetas[1:], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("chain", CHAINS, ids=repr)
def test_single_precision_stays_close_and_stays_single(chain):
    rng = np.random.default_rng(1)
    gradients, theta = rng.normal(size=(12, P)) * 0.1, rng.normal(size=P)
    single, _ = run(chain, gradients, theta, np.float32)
    assert single.dtype == np.float32
    assert np.allclose(single, run(chain, gradients, theta)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spec", STEPS, ids=repr)
def test_every_step_descends_a_bowl(spec):
    spec = spec._replace(lr=0.05)
    theta, memory = np.linspace(-2, 2, P), moments((spec,))
    for _ in range(400):
        g = theta * np.linspace(0.5, 2, P)
        update((spec,), theta, g, memory, 0)
        theta += g
    assert abs(theta).max() < 0.1


def test_clip_keeps_the_direction_and_counts():
    rng = np.random.default_rng(2)
    size = 2 * BLOCK + 100  # of which the norm is summed
    gradients = rng.normal(size=(10, size)) * np.logspace(-3, 3, 10)[:, None]
    chain = (Clip(1.0), SGD(1.0))
    path, memory = run(chain, gradients, np.zeros(size))
    steps = -np.diff(path, axis=0, prepend=0)
    norms = np.linalg.norm(gradients, axis=1)
    assert memory.clips[0] == (norms > 1).sum()
    expected = gradients * np.minimum(1, 1 / norms)[:, None]
    assert np.allclose(steps, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("learner", [RTRL(), TBPTT(8)], ids=repr)
def test_an_average_steps_along_the_mean_gradient_of_so_many_records(learner):
    """The same as the mean of the gradients at parameters that rest, and nothing in between."""
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(16, 2)), rng.normal(size=(16, 1))
    at_rest = helpers.gradients(helpers.network(Elman(2), learner, seed=3), X[:8], Y[:8])[1]
    net = helpers.network(Elman(2), learner, seed=3, optimizer=(Average(8), SGD(0.5)))
    before = net.state.theta.copy()
    net.prequential(X[:7], Y[:7])
    assert np.array_equal(net.state.theta, before)
    net.prequential(X[7:8], Y[7:8])
    naive = before - 0.5 * at_rest.mean(axis=0)
    assert np.allclose(net.state.theta, naive, rtol=1e-10, atol=1e-13)
    net.prequential(X[8:], Y[8:])
    assert not np.allclose(net.state.theta, naive, atol=1e-4)


@pytest.mark.usefixtures("interpreted")
def test_learn_many_of_as_many_rows_is_one_step_along_their_mean():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(12, 2)), columns=["a", "b"])
    y = pd.Series(rng.normal(size=12))
    settings = {"cell": Elman(2), "learner": RTRL(), "seed": 3, "dtype": "float64"}
    many = RecurrentRegressor(optimizer=(Average(4), Clip(0.1), Adam(0.1)), **settings)
    one = RecurrentRegressor(optimizer=(Average(4), Clip(0.1), Adam(0.1)), **settings)
    for start in (0, 4, 8):
        many.learn_many(frame[start : start + 4], y[start : start + 4])
        rows = frame[start : start + 4].to_dict("records")
        for x, target in zip(rows, y[start : start + 4], strict=True):
            one.learn_one(x, target)
        assert many.predict_one({"a": 1.0, "b": 0.0}) == one.predict_one({"a": 1.0, "b": 0.0})
    assert many.health()["gradient_clips"] == one.health()["gradient_clips"] == 3


def test_clip_survives_what_float32_cannot_square():
    chain, change = (Clip(1.0), SGD(1.0)), np.full(P, 1e15, np.float32)
    update(chain, change, change, moments(chain, np.float32), 0)
    assert np.linalg.norm(change) == pytest.approx(1, rel=1e-5)


REFUSED = [
    ((), "followed by one optimizer"),
    ((Clip(1.0),), "followed by one optimizer"),
    ((Adam(), SGD()), "followed by one optimizer"),
    ((Adam(), Clip(1.0)), "followed by one optimizer"),
    ((Clip(1.0), Average(2), SGD()), "Average comes first"),
    ((Average(0), SGD()), "records: 0"),
    ((Average(2), Kalman()), "Kalman takes no Clip"),
    ((Clip(1.0), Kalman()), "Kalman takes no Clip"),
    (Squared(), "is not a optimizer|is not an optimizer"),
    ("adam", "is not a optimizer|is not an optimizer"),
]


@pytest.mark.parametrize(("chain", "message"), REFUSED, ids=repr)
def test_chains_that_make_no_sense_are_refused(chain, message):
    with pytest.raises(ConfigError, match=message):
        compose(Elman(2), RTRL(), chain, Squared())


@pytest.mark.parametrize(
    ("learner", "loss", "message"),
    [
        (RTRL(), Absolute(), "Absolute has no likelihood"),
        (RTRL(), Quantile(), "Quantile has no likelihood"),
        (TBPTT(4, every=2), Squared(), "every=1"),
    ],
)
def test_what_kalman_cannot_do_is_refused(learner, loss, message):
    with pytest.raises(ConfigError, match=message):
        compose(Elman(2), learner, Kalman(), loss)


@pytest.mark.parametrize("lr", [1, 1.0])
def test_numbers_have_one_type(lr):
    """An integer hyperparameter would be another type, and compile everything once more."""
    model = compose(Elman(2), RTRL(), (Clip(1), SGD(lr)), Squared())
    assert model == compose(Elman(2), RTRL(), (Clip(1.0), SGD(1.0)), Squared())
    assert all(type(v) is float for link in model.optimizer for v in link)
