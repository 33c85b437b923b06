"""The forecaster's kernels, run as plain Python, against their naive twins."""

import naive_forecasting as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn.forecasting import interval
from stream_rnn.forecasting.experts import base as ops
from stream_rnn.forecasting.experts import holt_winters, lstm_filter
from stream_rnn.forecasting.experts import least_squares as kalman
from stream_rnn.forecasting.experts import lstm as lstm_expert
from stream_rnn.forecasting.experts.holt_winters import HoltWinters
from stream_rnn.forecasting.experts.lstm import Lstm, Networks
from stream_rnn.forecasting.inputs import features, history, period
from stream_rnn.forecasting.mixing import boa, dma, mix, stack


def full(lower):
    return np.tril(lower) + np.tril(lower, -1).T


@pytest.mark.parametrize("n", [1, 3, 4, 6, 9])
@pytest.mark.parametrize("forget", [1.0, 0.98])
def test_kalman_filter(n, forget):
    rng = np.random.default_rng(n)
    prior = rng.uniform(0.1, 2, n)
    P, w, R = np.diag(prior), np.zeros(n), 1.0
    mine, weights, noise = P.copy(), w.copy(), 1.0
    for t in range(60):
        x, scale = rng.normal(size=n) * (rng.random(n) < 0.7), 30.0 if t % 13 == 5 else 1.0
        y = x.sum() + scale * rng.normal()
        arguments = (x, prior, 1e-3, forget)
        P, w, R = naive.kalman(P, w, *arguments, R, y, 0.05, 1.5, 1e-12)
        gain = np.empty(n)
        noise = kalman.update(mine, weights, *arguments, noise, y, 0.05, 1.5, 1e-12, gain)
        np.testing.assert_allclose(weights, w, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(full(mine), P, rtol=1e-8, atol=1e-12)
        assert noise == pytest.approx(R, rel=1e-9)


def test_a_filter_that_is_lost_starts_again():
    prior = np.array([2.0, 3.0])
    P, w = np.full((2, 2), np.nan), np.array([1.0, np.inf])
    noise = kalman.update(P, w, np.ones(2), prior, 0.0, 1.0, 0.5, 1.0, 0.1, 1.5, 0.0, np.empty(2))
    assert noise == -0.5
    np.testing.assert_array_equal(full(P), np.diag(prior))
    np.testing.assert_array_equal(w, [1, 0])


def crowd(seed=0, T=80, K=5):
    """Truths (T,) and experts' predictions (T, K), one of which never differs from the rest."""
    rng = np.random.default_rng(seed)
    truths = np.cumsum(rng.normal(size=T))
    experts = truths[:, None] + rng.normal(size=(T, K)) * np.arange(1, K + 1) / 2
    return truths, experts


@pytest.mark.parametrize("head", [boa.MEDIAN, boa.MEAN])
def test_bernstein_online_aggregation(head):
    truths, experts = crowd()
    prior = np.array([0.3, 0.1, 0.2, 0.25, 0.15])
    mine, regrets, weights = boa.allocate(prior), [], prior
    for truth, predictions in zip(truths, experts):
        combined = boa.combine(mine, head, predictions)
        assert combined == pytest.approx(weights @ predictions)
        boa.learn(mine, head, predictions, combined, truth, 1e9)
        error = combined - truth
        slope = np.sign(error) if head == boa.MEDIAN else 2 * error
        regrets.append(slope * (combined - predictions))
        weights = naive.boa(prior, regrets)
        np.testing.assert_allclose(mine.table[head, boa.WEIGHT], weights, rtol=1e-8)
    other = boa.MEAN - head
    np.testing.assert_array_equal(mine.table[other, boa.WEIGHT], prior)


def test_a_leap_counts_as_an_outlier_in_the_squared_loss():
    mine = boa.allocate(np.array([0.5, 0.5]))
    predictions = np.array([0.0, 2.0])
    boa.learn(mine, boa.MEAN, predictions, 1.0, 1e6, 0.5)
    regrets = 2 * -boa.OUTLIER * 0.5 * (1.0 - predictions)
    expected = naive.boa(np.array([0.5, 0.5]), regrets)
    np.testing.assert_allclose(mine.table[boa.MEAN, boa.WEIGHT], expected, rtol=1e-12)


def test_dynamic_model_averaging():
    truths, experts = crowd(1)
    prior = np.array([0.3, 0.1, 0.2, 0.25, 0.15])
    mine = dma.allocate(prior)
    for t, (truth, predictions) in enumerate(zip(truths, experts)):
        dma.learn(mine, predictions, truth)
        expected = naive.dma(prior, experts[: t + 1], truths[: t + 1])
        np.testing.assert_allclose(mine.table[dma.WEIGHT], expected, rtol=1e-8)
        assert dma.combine(mine, predictions) == pytest.approx(expected @ predictions)


def test_the_mean_of_the_aggregations_grows_out_of_the_first():
    truths, experts = crowd(4)
    mixed, made = mix.allocate(np.array([0.3, 0.1, 0.2, 0.25, 0.15])), np.empty((2, mix.FINAL + 1))
    for t, (truth, predictions) in enumerate(zip(truths, experts)):
        mix.combine(mixed, predictions, 0.0, 2.0, made)
        share = (1 - 0.98**t) / 3
        for head, row in enumerate(made):
            last, first, stacked, dynamic, mean, final = row
            assert last == 0
            assert mean == pytest.approx(
                (1 - 2 * share) * first + share * stacked + share * dynamic
            )
            assert final == pytest.approx(mixed.top.table[head, boa.WEIGHT] @ row[:-1])
        mix.learn(mixed, predictions, made, 2.0, True, truth, 0.05)


@pytest.mark.parametrize("head", [0, 1])
def test_stacking(head):
    truths, experts = crowd(2)
    mine = stack.allocate(5)
    P, w, R, prior = np.eye(5) * stack.PRIOR, np.zeros(5), 1.0, np.full(5, stack.PRIOR)
    for truth, predictions in zip(truths, experts):
        combined, leap = predictions.mean(), 1.7
        x = (predictions - combined) / leap
        assert stack.correction(mine, head, predictions, combined, leap) == pytest.approx(w @ x)
        stack.learn(mine, head, predictions, combined, leap, truth, 0.1)
        y, limit = (truth - combined) / leap, stack.HUBER[head]
        P, w, R = naive.kalman(P, w, x, prior, 0.0, 1.0, R, y, 0.1, limit, 1e-12)
    np.testing.assert_allclose(mine.weights[head], w, rtol=1e-8)
    assert mine.noise[head] == pytest.approx(R)


# The LSTM expert: in float64, so that derivatives can be compared ------------------------------


def expert(units=3, inputs=2, horizon=2):
    width = features.RANDOM + inputs
    group = lstm_expert.pack([Lstm(units, 0.1, 1e-3)], width, inputs, horizon, seed=4)
    arrays = [a.astype(np.float64) if a.dtype == np.float32 else a.copy() for a in group]
    return Networks(*arrays)


def feature_rows(group, T, seed=5):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(T, features.RANDOM + 2))
    z = np.column_stack([rows[:, features.LEVEL], rows[:, 0], rows[:, -2:]])
    return rows, z


def test_the_lstm_expert_s_derivative_is_exact():
    group = expert()
    rows, z = feature_rows(group, 12)
    W, v = group.w[0].copy(), group.v[0].copy()
    v[3:] = np.random.default_rng(6).normal(size=len(v) - 3)
    group.v[0] = v
    for t, row in enumerate(rows):
        made = lstm_expert.advance(group, 0, row, t % 2)
        past = z[: t + 1]
        linear = v[3:] @ row[group.columns]
        # the kernel is in float32
        assert made == pytest.approx(naive.lstm(W, v[:3], past) + linear, abs=2e-6)
        expected = naive.slope(W, v[:3], past)
        np.testing.assert_allclose(group.slope[0, t % 2], expected, rtol=2e-4, atol=2e-6)


def test_one_measurement_moves_all_weights_of_the_lstm_expert():
    group = expert()
    rows, _ = feature_rows(group, 30)
    C, P = group.w_covariance[0].copy(), group.v_covariance[0].copy()
    W, v, R = group.w[0].copy(), group.v[0].copy(), 1.0
    rng = np.random.default_rng(7)
    for t, row in enumerate(rows):
        slot, y = t % 2, (20.0 if t == 9 else 1.0) * rng.normal()
        lstm_expert.advance(group, 0, row, slot)
        slopes, x = group.slope[0, slot].copy(), group.readout[0, slot].copy()
        lstm_filter.learn_network(group, 0, slot, y, 0.05)
        C, P, W, v, R = naive.decoupled(
            C, P, W, v, slopes, x, R, y, 0.05, 1.5, 1e-3, lstm_filter.NOISE_FLOOR
        )
        np.testing.assert_allclose(group.w[0], W, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(group.v[0], v, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(full(group.v_covariance[0]), P, rtol=1e-7, atol=1e-10)
        for r in range(W.shape[1]):
            mine = full(group.w_covariance[0][:, :, r])
            np.testing.assert_allclose(mine, C[:, :, r], rtol=1e-7, atol=1e-10)
        assert group.noise[0] == pytest.approx(R)
    assert group.resets[0] == 0


# Season, interval ---------------------------------------------------------------------------


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("horizon", [1, 5])
def test_holt_winters(positive, horizon):
    m, rng = 7, np.random.default_rng(8)
    t = np.arange(60)
    ys = (
        0.5 * t + 5 * np.sin(2 * np.pi * t / m) + rng.normal(size=60) + (30 if positive else -5)
    ).tolist()
    group, past = holt_winters.pack([HoltWinters()]), history.allocate(80)
    out = np.empty(1)
    for k, y in enumerate(ys):
        history.push(past, y)
        newest = past.values[history.newest(past) :]
        found = m if k >= 3 * m - 1 else 0  # a finder that knows it after three seasons
        ops.observe(group, newest, k, horizon, found)
        ops.predict(group, None, None, newest, k, horizon, 0, out)
        if not found:
            assert out[0] == y
        else:
            expected = naive.holt_winters(ys[: k + 1], m, horizon, positive)
            assert out[0] == pytest.approx(expected, rel=1e-9)


def test_a_trend_has_no_season():
    changes = 1 + 0.3 * np.random.default_rng(0).normal(size=150)
    finder = period.allocate()
    for k, change in enumerate(changes):
        period.observe(finder, change, k + 1)
        assert finder.found[period.FOUND] == 0


@pytest.mark.parametrize(("m", "T"), [(12, 300), (24, 500), (0, 260)])
def test_the_period_finder(m, T):
    rng, t = np.random.default_rng(m), np.arange(T)
    season = np.sin(2 * np.pi * t / m) if m else 0.0
    changes = season + 0.7 * rng.normal(size=T)
    changes[T // 2 :] += 0.0 if m else np.sin(2 * np.pi * t[T // 2 :] / 9)
    changes[40] = 50.0
    finder, found = period.allocate(), []
    for k, change in enumerate(changes):
        period.observe(finder, change, k + 1)
        found.append(int(finder.found[0]))
    assert found == naive.period(changes)
    if m:
        assert found[-1] % m == 0 < found[-1]


@settings(max_examples=20)
@given(st.integers(0, 1000), st.booleans())
def test_the_conformal_interval(seed, skewed):
    rng = np.random.default_rng(seed)
    errors = rng.exponential(size=80) if skewed else rng.standard_t(2, 80)
    errors[50] *= 100
    expected = naive.interval(errors, interval.LEVELS, interval.START)
    mine, lower, upper = interval.allocate(), np.empty(5), np.empty(5)
    for error, (below, above) in zip(errors, expected):
        centre = rng.normal()
        interval.bounds(mine, centre, lower, upper)
        np.testing.assert_allclose(centre - lower, below, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(upper - centre, above, rtol=1e-8, atol=1e-12)
        interval.learn(mine, centre, lower, upper, centre + error)
