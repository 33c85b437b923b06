"""Losses: values against their definitions, slopes against difference quotients."""

import numpy as np
import pytest
from helpers import cover, network, wave
from hypothesis import given
from hypothesis import strategies as st
from naive import link as naive_link
from naive import loss_slope, loss_value

from stream_rnn.cells import Elman
from stream_rnn.learners import TBPTT
from stream_rnn.losses import (
    LOSSES,
    Absolute,
    Huber,
    Quantile,
    Softmax,
    Squared,
    is_regression,
    link,
    slope,
    value,
)
from stream_rnn.optimizers import Adam

SPECS = [spec() for spec in LOSSES.values()] + [Huber(0.3), Quantile(0.9)]
O = 4

pytestmark = pytest.mark.usefixtures("interpreted")


def evaluate(loss, y, o):
    """(p, L, e) for targets y and outputs o."""
    p, e = np.empty(len(o)), np.empty(len(o))
    link(loss, o, p)
    result = value(loss, y, o, p)
    slope(loss, y, o, p, e)
    return p, result, e


def targets(loss, rng):
    if isinstance(loss, Softmax):
        return np.eye(O)[rng.integers(O)]
    return rng.normal(size=O) if is_regression(loss) else rng.random(O)


@pytest.mark.parametrize("loss", SPECS, ids=repr)
def test_value_slope_and_link_equal_their_definitions(loss):
    rng = np.random.default_rng(0)
    for _ in range(50):
        y, o = targets(loss, rng), rng.normal(size=O) * 2
        p, result, e = evaluate(loss, y, o)
        assert np.allclose(p, naive_link(loss, o), rtol=1e-13)
        assert result == pytest.approx(loss_value(loss, y, p), rel=1e-12)
        assert np.allclose(e, loss_slope(loss, y, o), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", SPECS, ids=repr)
def test_slope_is_the_difference_quotient(loss):
    rng = np.random.default_rng(1)
    for _ in range(50):
        y, o = targets(loss, rng), rng.normal(size=O) * 2
        e = evaluate(loss, y, o)[2]
        for j in range(O):
            nudge = np.eye(O)[j] * 1e-6
            up, down = evaluate(loss, y, o + nudge)[1], evaluate(loss, y, o - nudge)[1]
            assert e[j] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("loss", SPECS, ids=repr)
def test_a_missing_target_costs_nothing(loss):
    rng = np.random.default_rng(2)
    y, o = targets(loss, rng), rng.normal(size=O)
    whole = evaluate(loss, y, o)
    gone = evaluate(loss, np.full(O, np.nan), o)
    assert gone[1] == 0
    assert (gone[2] == 0).all()
    y[2] = np.nan
    part = evaluate(loss, y, o)
    assert part[1] == pytest.approx(loss_value(loss, y, part[0]), rel=1e-12, abs=1e-15)
    assert part[2][2] == 0
    assert np.array_equal(np.delete(part[2], 2), np.delete(whole[2], 2))


@pytest.mark.parametrize("loss", SPECS, ids=repr)
@given(o=st.lists(st.floats(-1e4, 1e4), min_size=O, max_size=O), seed=st.integers(0, 9))
def test_finite_and_not_negative_for_any_output(loss, o, seed):
    y = targets(loss, np.random.default_rng(seed))
    p, result, e = evaluate(loss, y, np.array(o))
    assert np.isfinite(p).all()
    assert np.isfinite(e).all()
    assert 0 <= result < np.inf
    if not is_regression(loss):
        assert ((p >= 0) & (p <= 1)).all()
        assert (abs(e) <= 1).all()
    if isinstance(loss, Softmax):
        assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize("loss", SPECS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perfect_prediction_has_no_slope(loss, dtype):
    """Except the pinball's, which has none at its kink: one of its two slopes."""
    o = np.array([5.0, -1.0, 0.0, 2.0], dtype)
    p, e = np.empty(O, dtype), np.empty(O, dtype)
    link(loss, o, p)
    slope(loss, p.copy(), o, p, e)
    if isinstance(loss, Quantile):
        assert np.allclose(e, 1 - loss.q)
    else:
        assert np.allclose(e, 0)


PREDICTED = [(Quantile(0.9), 10.0), (Squared(), 2.5), (Absolute(), 0.0), (Huber(0.01), 0.0)]


@pytest.mark.parametrize("case", cover(PREDICTED), ids=repr)
def test_what_a_loss_predicts(case):
    """Of noise that is 10 one record in four and 0 otherwise: mean, median, quantile."""
    ((loss, expected),) = case
    X, _ = wave(6000, 1)
    Y = 10.0 * (np.random.default_rng(3).random((6000, 1)) < 0.25)
    model = {"cell": Elman(1), "learner": TBPTT(1), "inputs": 1, "loss": loss, "scale": True}
    P = network(**model, optimizer=Adam(0.005)).prequential(0 * X, Y)
    assert P[-1000:].mean() == pytest.approx(expected, abs=0.7)
