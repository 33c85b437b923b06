"""Far horizons of a forecaster are learned directly from when they are asked for."""

import naive_forecasting as naive
import numpy as np
import pytest

from stream_rnn import RecurrentForecaster, RecurrentMultivariateForecaster
from stream_rnn.errors import ConfigError
from stream_rnn.forecasting.experts.levels import Ewma
from stream_rnn.forecasting.experts.linear import Linear
from stream_rnn.forecasting.far import aligned, blend, lags, ridge, season, sizes, weeks
from stream_rnn.forecasting.inputs import features, period
from stream_rnn.forecasting.inputs.scale import Units

SMALL = (Ewma(1.0), Linear(lags=8))
RNG = np.random.default_rng(3)
T = 400
LEVEL = np.zeros(T + 24)
for t in range(1, T + 24):  # returns to its mean slowly, seen through noise
    LEVEL[t] = 0.97 * LEVEL[t - 1] + 0.3 * RNG.normal()
SERIES = LEVEL + RNG.normal(size=T + 24)


def taught(horizons=1, n=T):
    model = RecurrentForecaster(horizons=horizons, experts=SMALL)
    for y in SERIES[:n].tolist():
        model.learn_one(y)
    return model


def test_far_forecasts_are_no_worse_than_recursion():
    t = np.arange(T + 24)
    week = np.where(t // 24 % 7 < 5, 1.0, 0.3) * np.sin(2 * np.pi * t / 24) ** 2
    noise = np.random.default_rng(5).normal(size=T + 24)
    for series, gain in ((SERIES, 1.02), (10 * week + 0.5 * LEVEL + 0.3 * noise, 0.97)):
        model = RecurrentForecaster(experts=SMALL)
        plain = RecurrentForecaster(horizons=(1,), experts=SMALL)
        apart, others = [], []
        for end in range(250, T, 10):
            for each, errors in ((model, apart), (plain, others)):
                each.prequential(series[end - 10 if errors else 0 : end])
                errors.append(abs(np.array(each.forecast(24)) - series[end : end + 24]).mean())
        assert sum(apart) < gain * sum(others)


def test_the_first_step_and_what_lies_beyond_are_recursive():
    model = taught()
    assert model.forecast(120)[0] == model.forecast(1)[0]
    assert model.forecast(120)[:96] == model.forecast(96)
    assert np.isfinite(model.forecast(120)).all()


def test_a_tuple_of_horizons_is_taken_for_exactly_those():
    model = taught((1,))
    model.forecast(48)
    assert not any(name.startswith("far") for name in model.snapshot().arrays)


def test_near_forecasts_do_not_depend_on_far_ones():
    asked, other = taught(n=200), taught(n=200)
    asked.forecast(30)
    for y in SERIES[200:300].tolist():
        assert asked.forecast(1) == other.forecast(1)
        asked.learn_one(y)
        other.learn_one(y)
    assert asked.forecast(5) == other.forecast(5)


@pytest.mark.parametrize("before", [True, False])
def test_a_restored_forecaster_reaches_as_far(before):
    model, again = taught(), RecurrentForecaster(experts=SMALL)
    if before:
        model.forecast(24)
    again.restore(model.snapshot())
    for y in (0.5, None, 1.5):
        model.learn_one(y)
        again.learn_one(y)
    assert again.forecast(30, level=0.8) == model.forecast(30, level=0.8)


def test_far_steps_of_another_form_are_learned_anew():
    model, again = taught(), RecurrentForecaster(experts=SMALL)
    model.forecast(24)
    saved = model.snapshot()
    saved.meta["far"].pop("form")
    again.restore(saved)
    assert "far.learned.season" not in again.snapshot().arrays
    assert again.forecast(5) == model.forecast(5)
    assert len(again.forecast(24)) == 24
    assert "far.learned.season" in again.snapshot().arrays


def test_in_chunks_it_is_the_same():
    single, chunks = taught(n=100), RecurrentForecaster(experts=SMALL)
    chunks.prequential(SERIES[:100])
    single.forecast(24), chunks.forecast(24)
    for y in SERIES[100:200].tolist():
        single.learn_one(y)
    chunks.prequential(SERIES[100:200])
    assert single.forecast(24) == chunks.forecast(24)


def test_inputs_that_come_later_make_far_horizons_grow():
    model = RecurrentForecaster(experts=SMALL)
    for t, y in enumerate(SERIES[:150].tolist()):
        x = {"u": float(t % 7)} | ({"v": 1.0 * t} if t > 100 else {})
        model.learn_one(y, x)
        if t == 80:
            assert len(model.forecast(24)) == 24
    assert np.isfinite(model.forecast(30)).all()


def test_bounds_hold_what_they_promise():
    model = RecurrentForecaster(experts=SMALL)
    model.prequential(SERIES[:150])
    model.forecast(24)
    inside = []
    for y in SERIES[150:T].tolist():
        model.learn_one(y)
        far = model.forecast(24, level=0.8)
        t = model._series.count
        inside += [p.lower <= y <= p.upper for p, y in zip(far, SERIES[t : t + 24])]
    assert 0.7 < np.mean(inside) < 0.92


def test_a_missing_value_is_no_truth():
    model = taught()
    model.forecast(24)
    for y in (None, 1.0, float("nan"), 2.0) * 8:
        model.learn_one(y)
    assert np.isfinite(model.forecast(24)).all()


# The kernels and their naive twins --------------------------------------------------------------


def test_every_horizon_is_a_filter_of_its_own():
    rng = np.random.default_rng(2)
    H, D = 3, aligned.INPUTS
    state = aligned.allocate(H, 4)
    P = [np.eye(D) * aligned.PRIOR for _ in range(H)]
    w, R = np.zeros((H, D)), np.ones(H)
    for n in range(30):
        x, y = rng.normal(size=(D, H)), rng.normal(size=H) * (1 + 9 * (n % 7 == 0))
        rate = np.where(np.arange(H) < n, 0.05, 0.0)  # a horizon without a row learns nothing
        given = np.where(rate > 0, x, 0.0), np.empty((D, H)), np.where(rate > 0, y, 0), rate.copy()
        aligned._update(state.covariance, state.weights, state.noise, *given)
        for h in np.flatnonzero(rate):
            prior = np.full(D, aligned.PRIOR)
            P[h], w[h], R[h] = naive.kalman(
                P[h], w[h], x[:, h], prior, aligned.DRIFT, 1.0, R[h], y[h], 0.05,
                aligned.HUBER, aligned.NOISE_FLOOR,
            )  # fmt: skip
    assert np.allclose(state.weights.T, w)
    assert np.allclose(state.noise, R)


def test_lags_are_least_squares_of_every_step_on_the_same_inputs():
    rng = np.random.default_rng(4)
    H, n = 2, 3
    state, size = lags.allocate(H, n), np.zeros(H)
    values = np.cumsum(rng.normal(size=60))
    rows = rng.normal(size=(60, lags.KNOWN + n))
    P, W, R = np.diag(state.prior), np.zeros((H, lags.KNOWN + n)), np.ones(H)
    for t in range(60):
        past, known = values[t::-1], np.zeros(H)
        past = np.append(past, [values[0]] * H)
        sizes.observe(size, past, t)
        lags.learn(state, past, known, size, t)
        if t >= H + 2:
            x, a = rows[t - H], rows[t - H] @ P @ rows[t - H]
            for j in range(H):
                y = np.clip((values[t - H + 1 + j] - values[t - H]) / size[j] ** 0.5, -6, 6)
                e = y - W[j] @ x
                limit = lags.HUBER * np.sqrt(R[j] * (1 + a))
                omega = min(1, limit / abs(e))
                W[j] += P @ x * omega * e / (1 + a)
                R[j] += max(lags.NOISE_RATE, 1 / (t - H + 10)) * ((omega * e) ** 2 - R[j])
            P = P - np.outer(P @ x, P @ x) / (1 + a) + lags.DRIFT * np.diag(state.prior)
        lags.observe(state, rows[t], t)
    assert np.allclose(state.weights.T, W)


def test_ridge_is_the_regression_on_all_rows_that_fade():
    rng = np.random.default_rng(4)
    H, n, T = 2, 3, 170
    state, size = ridge.allocate(H, n), np.zeros(H)
    D = state.rows.shape[1]
    state.clock[ridge.WEIGHT] = 1.99  # so that the sums are halved on the way
    values = np.cumsum(rng.normal(size=T))
    rows = rng.normal(size=(T, D)).astype(np.float32)
    G, B = np.zeros((D, D)), np.zeros((D, H))
    for t in range(T):
        past = np.append(values[t::-1], [values[0]] * H)
        sizes.observe(size, past, t)
        ridge.learn(state, past, np.zeros(H), size, t)
        if t >= H + 2:
            change = values[t - H + 1 : t + 1] - values[t - H]
            y = np.clip(change / np.sqrt(size), -6, 6)
            G = ridge.FORGET * G + np.outer(rows[t - H], rows[t - H])
            B = ridge.FORGET * B + np.outer(rows[t - H], y)
        state.rows[t % H] = rows[t]
    assert state.clock[ridge.LEARNED] == T - H - 2
    assert 1 <= state.clock[ridge.WEIGHT] < 1.5
    ridge.solve(state)
    W = np.linalg.solve(G + np.diag(1 / ridge.prior(D)), B)
    np.testing.assert_allclose(state.weights, W, atol=1e-4)
    kept = state.weights.copy()
    state.moments[:] = 0
    ridge.solve(state)  # not again before there is more
    np.testing.assert_array_equal(state.weights, kept)
    out = np.empty(H)
    ridge.predict(state, values[-1], size, T - 1, out)
    made = np.clip(rows[T - 1] @ W, -6, 6)
    np.testing.assert_allclose(out, values[-1] + np.sqrt(size) * made, atol=1e-3)


def test_a_ridge_row_with_missing_truths():
    state, rng = ridge.allocate(4, 0), np.random.default_rng(1)
    state.rows[:] = rng.normal(size=state.rows.shape)
    state.weights[:] = 0.1 * rng.normal(size=state.weights.shape)
    values, size = rng.normal(size=9), np.zeros(4)
    sizes.observe(size, values, 10)
    x = state.rows[2].copy()
    ridge.learn(state, values, np.array([0.0, 1.0, 0.0, 1.0]), size, 10)  # newest first
    y = x @ state.weights  # its own forecasts stand for the second and the last but one
    known = np.clip((values[[2, 0]] - values[4]) / np.sqrt(size[[1, 3]]), -6, 6)
    np.testing.assert_allclose(state.moments[:, 0], x * y[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state.moments[:, [1, 3]], np.outer(x, known), rtol=1e-4, atol=1e-5)
    before = state.gram.copy()
    ridge.learn(state, values, np.array([0.0, 1.0, 1.0, 1.0]), size, 11)
    np.testing.assert_array_equal(state.gram, before)


def test_the_inputs_of_ridge():
    state, rng = ridge.allocate(4, 2), np.random.default_rng(2)
    row, past = rng.normal(size=features.RANDOM + 2), rng.normal(size=40)
    units, season = Units(0.3, 2.0, 1.0, 1.0), rng.normal(size=5)
    ridge.observe(state, past, row, units, season, 7, 5)
    x = state.rows[7 % 4]
    from_season = season[:2] / 2.0
    linear = [*row[:24], *row[features.LEVEL : features.SEASON], 1.0, *from_season, *row[-2:]]
    np.testing.assert_allclose(x[: len(linear)], linear, rtol=1e-6)
    angle = 2 * np.pi * (7 % 5) / 5
    z = np.r_[(past[:24] - 0.3) / 2.0, np.cos(angle), np.sin(angle), from_season[1], 1.0]
    np.testing.assert_allclose(x[len(linear) :], np.tanh(z @ state.random), atol=1e-5)
    ridge.observe(state, past, row, units, season, 7, 0)  # no season, no place in it
    z[24:26] = 0
    np.testing.assert_allclose(x[len(linear) :], np.tanh(z @ state.random), atol=1e-5)


def test_sums_that_are_not_finite_begin_anew():
    state = ridge.allocate(3, 0)
    state.clock[ridge.LEARNED], state.gram[0, 0], state.weights[:] = 500, np.nan, 1.0
    ridge.solve(state)
    assert not state.gram.any()
    assert not state.weights.any()


def test_weights_follow_the_losses_of_each_band():
    H, waits = 30, 2
    state = blend.allocate(H, waits)
    rng = np.random.default_rng(6)
    loss, n = np.zeros((blend.WAYS, blend.BANDS)), 0.0
    place = np.searchsorted(blend.EDGES, np.arange(H), side="right")
    for t in range(0, 90, H):
        made, truth = rng.normal(size=(blend.HEADS, blend.WAYS, H)), rng.normal(size=H)
        blend.keep(state, made, made[0, 0], t)
        unknown = (rng.random(H) < 0.2).astype(float)
        blend.learn(state, truth[::-1], unknown[::-1], t + H)
        n = blend.FORGET * n + 1
        for i in range(blend.BANDS):
            seen = (place == i) & (unknown == 0)
            loss[:, i] = blend.FORGET * loss[:, i] + abs(made[0] - truth)[:, seen].mean(axis=1)
    late = (3 / (3 + blend.LATE)) ** 2  # after three origins
    latest = (3 / (3 + blend.LATEST)) ** 2
    share = np.array(blend.SHARE) * np.array([1, late, late, late, late, latest])
    w = share[:, None] * (loss / loss.min(0)) ** (-blend.POWER * n / (n + blend.EARLY))
    w = (w / w.sum(0))[:, place]
    out = np.empty(H)
    blend.combine(state, 0, True, made[0], out)
    assert np.allclose(out, (w * made[0]).sum(0))
    blend.combine(state, 0, False, made[0], out)
    assert np.array_equal(out, made[0, 0])


def test_the_shape_is_of_the_weeks_before_and_the_level_of_today():
    rng = np.random.default_rng(8)
    m, H = 3, 25  # a week of 21 records, and beyond
    for n in (10, 23, 24, 60, 150):
        values, out = rng.normal(size=n), np.full(H, np.nan)
        known = weeks.forecast(values[::-1], n - 1, m, out)
        K = min(weeks.WEEKS, (n - m) // (7 * m))
        assert known == (K > 0)
        assert weeks.count(n - 1, m) == K
        if not known:
            assert np.isnan(out).all()
            continue
        rise = values[-m:].mean() - np.mean(
            [values[n - 7 * m * q - m : n - 7 * m * q].mean() for q in range(1, K + 1)]
        )
        for h in range(1, H + 1):
            places = [n - 1 + h - 7 * m * (q + (h - 1) // (7 * m)) for q in range(1, K + 1)]
            last = places[0]
            same = [values[i] if i >= 0 else values[last] for i in places]
            assert np.isclose(out[h - 1], np.mean(same) + rise)
    assert not weeks.forecast(values[::-1], 149, 0, out)


def observed(values):
    state = period.allocate()
    changes = np.diff(values) / np.diff(values).std()
    for t, change in enumerate(changes.tolist(), 1):
        period.observe(state, change, t)
    return state, len(changes)


def test_the_season_is_the_one_of_which_the_others_are_multiples():
    rng, t = np.random.default_rng(9), np.arange(500)
    day = np.sin(2 * np.pi * t / 24) * np.where(t // 24 % 7 < 5, 1.0, 0.2)
    state, n = observed(day + 0.02 * rng.normal(size=500))
    assert state.found[period.FOUND] == 168  # most alike after a week
    assert season.fundamental(state, n) == 24
    assert season.fundamental(*observed(np.cumsum(rng.normal(size=500)))) == 0
    assert season.fundamental(period.allocate(), 0) == 0
    r = season.autocorrelation(state.products, n)
    s, multiples = season.comb(r)
    for k in (3, 24, 100, 240):
        found = [r[i * k] for i in range(1, 9) if i * k < len(r)]
        assert multiples[k] == len(found)
        assert np.isclose(s[k], np.mean(found))


# Quantities that cannot be negative -------------------------------------------------------------


def test_no_forecast_and_no_bound_is_below_the_lowest():
    counts = np.random.default_rng(1).poisson(0.4, 150).astype(float)
    free = RecurrentForecaster(experts=SMALL)
    counted = RecurrentForecaster(experts=SMALL, lowest=0)
    for point in ("median", "mean"):
        made = RecurrentForecaster(experts=SMALL, point=point).prequential(counts, level=0.9)
        kept = RecurrentForecaster(experts=SMALL, point=point, lowest=0)
        assert (made[5:, 1] < 0).any()
        assert np.array_equal(
            kept.prequential(counts, level=0.9), np.maximum(made, 0), equal_nan=True
        )
    rows = counted.stream([{}] * 150, counts.tolist())
    for row, other in zip(rows, free.stream([{}] * 150, counts.tolist()), strict=True):
        if other["prediction"] is not None:
            assert row["prediction_lower"] == max(0, other["prediction_lower"])
            assert row["forecast"] == [max(0, value) for value in other["forecast"]]
            assert row["lower"] == [max(0, value) for value in other["lower"]]
    for several in (0.8, (0.5, 0.8)):
        for one, other in zip(
            counted.forecast(10, level=several), free.forecast(10, level=several)
        ):
            assert one.point == max(0, other.point)
            assert np.array_equal(one.lower, np.maximum(other.lower, 0))
            assert np.array_equal(one.upper, np.maximum(other.upper, 0))
    assert counted.forecast(1) == [max(0, *free.forecast(1))]
    assert counted.snapshot().arrays.keys() == free.snapshot().arrays.keys()


def test_the_lowest_of_several_series():
    counts = np.random.default_rng(1).poisson(0.4, (60, 2)).astype(float)
    free = RecurrentMultivariateForecaster(experts=SMALL)
    counted = RecurrentMultivariateForecaster(experts=SMALL, lowest=0)
    made = free.prequential(counts)
    assert np.array_equal(counted.prequential(counts), np.maximum(made, 0), equal_nan=True)
    for one, other in zip(counted.forecast(3, level=0.8), free.forecast(3, level=0.8)):
        assert [one[c].lower for c in one] == [max(0, other[c].lower) for c in other]
    ys = [dict(enumerate(row)) for row in counts.tolist()]
    for row, other in zip(counted.stream([{}] * 60, ys), free.stream([{}] * 60, ys), strict=True):
        assert row["lower"][1] == [max(0, value) for value in other["lower"][1]]


@pytest.mark.parametrize("lowest", ["0", float("nan"), float("-inf")])
def test_the_lowest_is_a_number(lowest):
    with pytest.raises(ConfigError, match="lowest"):
        RecurrentForecaster(lowest=lowest)
