"""The forecaster as its users meet it."""

import pickle

import helpers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import checks, datasets

from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.forecaster import RecurrentForecaster
from stream_rnn.evaluation.peers import find_period, last_value, peers
from stream_rnn.forecasting import bank as banks
from stream_rnn.forecasting.experts.linear import Linear
from stream_rnn.forecasting.mixing.mix import Mixture
from stream_rnn.forecasting.series import Series

SMALL = helpers.EXPERTS


def wave(n=600, seed=0, noise=1.0):
    t = np.arange(n)
    return 10 * np.sin(2 * np.pi * t / 24) + noise * np.random.default_rng(seed).normal(size=n)


def test_river_checks():
    checks.check_estimator(RecurrentForecaster())


def test_a_chunk_and_one_at_a_time_give_the_same_bits():
    y = wave(150)
    y[[0, 40, 41, 90]] = np.nan
    whole = RecurrentForecaster(horizons=(1, 3))
    chunked = RecurrentForecaster(horizons=(1, 3))
    single = RecurrentForecaster(horizons=(1, 3))
    expected = whole.prequential(y, horizon=3, level=0.8)
    parts = [chunked.prequential(part, horizon=3, level=0.8) for part in np.split(y, [1, 2, 70])]
    made = []
    for value in y.tolist():
        if made or value == value:
            made.append(single.forecast(3, level=0.8)[2])
        single.learn_one(value)
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    # the forecast made before record t is for record t + 2
    np.testing.assert_array_equal(np.array(made)[2:-2], expected[5:])
    assert single.forecast(5, level=0.9) == whole.forecast(5, level=0.9)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=2, max_size=40), st.data())
def test_a_restored_forecaster_goes_on_bit_for_bit(values, data):
    cut = data.draw(st.integers(0, len(values)))
    xs = [
        {"u": float(t % 5)} if t % 3 else {"u": 1.0, f"v{t // 9}": 2.0} for t in range(len(values))
    ]
    whole, first, second = (RecurrentForecaster(horizons=2, experts=SMALL) for _ in range(3))
    expected = whole.stream(xs, values)
    got = first.stream(xs[:cut], values[:cut])
    second.restore(first.snapshot())
    assert got + second.stream(xs[cut:], values[cut:]) == expected
    after, before = whole.snapshot(), second.snapshot()
    assert after.meta == before.meta
    for name, array in after.arrays.items():
        np.testing.assert_array_equal(array, before.arrays[name], err_msg=name)
    assert pickle.loads(pickle.dumps(whole)).forecast(3) == whole.forecast(3)


def test_stream_reports_the_forecast_for_each_record_and_the_next_ones():
    y = wave(60)
    model = RecurrentForecaster(horizons=(1, 4))
    rows = model.stream([{}] * 60, y)
    assert rows[0]["prediction"] is None
    for t in range(1, 60):
        assert rows[t]["prediction"] == rows[t - 1]["forecast"][0]
        assert rows[t]["prediction_lower"] == rows[t - 1]["lower"][0]
    assert rows[-1]["forecast"] == [model.forecast(4)[0], model.forecast(4)[3]]


def test_airline_passengers_without_settings():
    y = np.array([y for _, y in datasets.AirlinePassengers()], float)
    error = np.nanmean(abs(RecurrentForecaster().prequential(y) - y))
    naive = np.nanmean(abs(last_value(y) - y))
    assert error < 9.3
    assert naive == pytest.approx(25.860, abs=1e-3)


def test_what_was_seen_is_learned_again_once_the_season_is_known():
    """From then on the forecaster is as if it had known it from the start."""
    y = wave(120, noise=0.3)
    y[[5, 30]] = np.nan
    series = [Series(SMALL, (1, 4), 1, 0) for _ in range(2)]
    xs, fills = np.sin(y)[:, None], np.full(120, np.nan)
    outs = series[0].run(y, xs)
    told = banks.allocate(SMALL, 1, 1, 0)
    told.period.found[:2] = 24, 1000
    expected = np.empty((120, banks.WIDTH))
    assert banks.run(banks.bound(told), y, fills, xs, expected) == 120
    equal = (outs[0] == expected).all(axis=1)
    known = 120 - int(np.argmin(equal[::-1]))  # the first record forecast with the season
    assert 45 < known < 60
    assert abs(outs[0][known:, 0] - y[known:]).mean() < 1
    for t in range(120):  # one at a time; what was given out for later steps stays
        before = series[1].waiting(1) if t else np.full((4, banks.WIDTH), np.nan)
        rows = series[1].run(y[t : t + 1], xs[t : t + 1])
        np.testing.assert_array_equal(rows[1][0], before[0])
        np.testing.assert_array_equal(rows[1][0], outs[1][t])
        if t:
            np.testing.assert_array_equal(series[1].waiting(1)[:3], before[1:])
    health = series[0].health()
    assert health["missing_targets"] == 4
    made = outs[0][:, 0], outs[1][:, 0]
    assert health["loss_sum"] == pytest.approx(sum(np.nansum(abs(p - y)) for p in made))


def test_water_flow_beats_the_last_value():
    y = np.array([y for _, y in datasets.WaterFlow()], float)
    assert np.nanmean(abs(RecurrentForecaster().prequential(y) - y)) < 0.615  # last value .631


def test_the_mean_head_has_the_smaller_squared_error_on_skewed_noise():
    y = wave(1500) + np.random.default_rng(1).exponential(20, 1500)
    median = RecurrentForecaster(point="median").prequential(y) - y
    mean = RecurrentForecaster(point="mean").prequential(y) - y
    assert np.nanmean(mean[300:] ** 2) < np.nanmean(median[300:] ** 2)
    assert np.nanmean(abs(median[300:])) < np.nanmean(abs(mean[300:]))


@pytest.mark.parametrize("jump", [1e6, -1e3])
def test_a_level_shift_is_forgotten_at_once_and_intervals_still_cover(jump):
    y = wave(3000)
    y[1500:] += jump
    model = RecurrentForecaster()
    point, lower, upper = model.prequential(y, level=0.9).T
    before, after = abs(point - y)[1000:1500].mean(), abs(point - y)[1510:2000].mean()
    assert after < 1.2 * before
    covered = (lower <= y) & (y <= upper)
    assert 0.88 <= covered[1510:].mean() <= 0.92
    assert model.health()["level_shifts"] == 1


def test_outliers_are_clipped_and_counted():
    y = wave(1500)
    spoiled = y.copy()
    spoiled[[700, 720, 1000]] += [1e9, -1e5, 1e3]
    model = RecurrentForecaster()
    error = abs(model.prequential(spoiled) - y)
    assert error[1100:].mean() < 1.1 * np.nanmean(
        abs(RecurrentForecaster().prequential(y) - y)[1100:]
    )
    assert 3 <= model.health()["outliers"] <= 6


def test_missing_values_are_imputed_and_not_learned():
    y = wave(1200)
    gappy = y.copy()
    gappy[np.random.default_rng(2).random(1200) < 0.1] = np.nan
    model = RecurrentForecaster()
    error = np.nanmean(abs(model.prequential(gappy) - gappy)[400:])
    assert error < 1.1 * np.mean(abs(RecurrentForecaster().prequential(y) - y)[400:])
    assert model.health()["missing_targets"] == np.isnan(gappy).sum()
    assert model.health()["loss_observations"] == (~np.isnan(gappy[1:])).sum()


@pytest.mark.parametrize("unit", [1e-9, 2.0**-30, 1e12])
def test_units_do_not_matter(unit):
    y = wave(300)
    expected = RecurrentForecaster().prequential(y)
    got = RecurrentForecaster().prequential(y * unit) / unit
    if np.log2(unit) % 1 == 0:  # nothing is rounded differently
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
    assert np.nanmean(abs(got - y)) == pytest.approx(np.nanmean(abs(expected - y)), rel=0.01)


def test_a_constant_series():
    model = RecurrentForecaster()
    assert np.nanmax(abs(model.prequential(np.full(400, 7.0)) - 7)) < 1e-14
    prediction = model.forecast(3, level=0.9)[2]
    assert (prediction.point, prediction.lower, prediction.upper) == (7, 7, 7)
    assert abs(model.prequential(7 + wave(300))[-50:]).max() < 40


def test_intervals_cover_at_every_level_and_horizon():
    y = wave(3000)
    rows = [(h, level) for h in (1, 6) for level in (0.5, 0.7, 0.9, 0.95)]
    for h, level in rows:
        model = RecurrentForecaster(horizons=(1, 6), experts=SMALL)
        _, lower, upper = model.prequential(y, horizon=h, level=level).T
        covered = ((lower <= y) & (y <= upper))[500:].mean()
        assert covered == pytest.approx(level, abs=0.025), (h, level)


def test_recursive_forecasts_follow_the_season():
    y = wave(1000, noise=0.1)
    model = RecurrentForecaster()
    model.prequential(y[:900])
    made = np.array(model.forecast(48, level=0.9))
    assert abs(made[:, 0] - y[900:948]).mean() < 2
    width = made[:, 2] - made[:, 1]
    assert width[-1] > width[0]


def test_forecasting_changes_nothing():
    model = RecurrentForecaster(horizons=(1, 2), experts=SMALL)
    model.prequential(wave(50))
    before = model.snapshot().arrays
    model.forecast(7, level=0.5)
    for name, array in model.snapshot().arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_calendar_and_inputs_help():
    n = 1500
    rng = np.random.default_rng(3)
    xs = [{"timestamp": 1.4e9 + 3600 * t + int(rng.integers(0, 3)) * 7200} for t in range(n)]
    hours = np.array([x["timestamp"] / 3600 % 24 for x in xs])
    y = np.roll(10 * np.sin(2 * np.pi * hours / 24), 1) + 0.3 * rng.normal(size=n)
    without = np.nanmean(abs(RecurrentForecaster().prequential(y) - y)[500:])
    model = RecurrentForecaster()
    error = np.nanmean(abs(model.prequential(y, xs) - y)[500:])
    assert error < 0.5 * without
    assert "timestamp.day.sin1" in model.snapshot().meta["features"]


def test_new_inputs_take_a_column_and_change_nothing_yet():
    y, xs = wave(80), [{"a": float(t)} for t in range(80)]
    model, grown = (RecurrentForecaster(experts=SMALL) for _ in range(2))
    model.stream(xs, y)
    grown.stream(xs, y)
    assert model.forecast(1) == grown.forecast(1)
    grown.learn_one(3.0, {"a": 80.0, "new": 1.0})
    model.learn_one(3.0, {"a": 80.0})
    assert grown.forecast(1)[0] == pytest.approx(model.forecast(1)[0], rel=1e-5)
    for t in range(30):
        grown.learn_one(float(y[t]), {"new": float(t % 2)})
    assert np.isfinite(grown.forecast(2)).all()


@pytest.mark.parametrize("part", ["last", "boa", "stack", "dma", "mean"])
def test_a_mixture_of_one_part_forecasts_what_that_part_does(part):
    y, mixture = wave(200), Mixture(0, 0, 0, 0, 0)._replace(**{part: 2.0})
    model = RecurrentForecaster(experts=SMALL, mixture=mixture)
    made = model.prequential(y)
    waiting = model._series.banks[0].pending.made[0, 0]
    assert model.forecast(1)[0] == pytest.approx(waiting[Mixture._fields.index(part)], rel=1e-12)
    if part == "last":
        np.testing.assert_allclose(made[1:], y[:-1], rtol=1e-12)
    else:
        assert np.nanmean(abs(made - y)[100:]) < np.mean(abs(np.diff(y)[100:]))


def test_refusals_name_field_value_and_remedy():
    with pytest.raises(ConfigError, match="point: 'mode'; choose"):
        RecurrentForecaster(point="mode")
    with pytest.raises(ConfigError, match="horizons: 0"):
        RecurrentForecaster(horizons=0)
    with pytest.raises(ConfigError, match=r"level: 1\.5"):
        RecurrentForecaster(level=1.5)
    with pytest.raises(ValueError, match="first expert must be Ewma"):
        RecurrentForecaster(experts=(Linear(),))
    with pytest.raises(ValueError, match=r"mixture: .*give shares ≥ 0"):
        RecurrentForecaster(mixture=Mixture(last=-1))
    model = RecurrentForecaster(experts=SMALL)
    with pytest.raises(ValueError, match="horizon 3 is not learned directly"):
        model.prequential([1.0], horizon=3)
    for y, x in ((np.inf, None), ("one", None), (1e80, None), (1.0, {"u": np.inf})):
        with pytest.raises(BadRecord):
            model.learn_one(y, x)
    assert model.snapshot().meta["started"] is False
    model.learn_one(1.0)
    with pytest.raises(CheckpointError, match="use the settings of the checkpoint"):
        RecurrentForecaster(experts=SMALL, horizons=2).restore(model.snapshot())


def test_a_damaged_snapshot_is_refused_and_changes_nothing():
    model = RecurrentForecaster(experts=SMALL)
    model.prequential(wave(20))
    arrays, meta = model.snapshot()
    name = next(name for name in arrays if name.endswith("values"))
    with pytest.raises(CheckpointError, match="does not fit"):
        model.restore(type(model.snapshot())({**arrays, name: arrays[name][:-1]}, meta))
    assert model.snapshot().arrays[name].shape == arrays[name].shape


@pytest.mark.parametrize("m", [7, 12, 24])
@pytest.mark.parametrize("noise", [0.03, 0.1, 0.3])
def test_a_smooth_season_in_noise_is_known_with_hindsight(m, noise):
    """Where its multiples are as high, and noise moves their peaks."""
    t, rng = np.arange(3000), np.random.default_rng(1)
    assert find_period(np.sin(2 * np.pi * t / m) + noise * rng.normal(size=3000)) == m


def test_noise_has_no_season_with_hindsight():
    assert find_period(np.random.default_rng(0).normal(size=3000)) == 0


def test_peers_on_a_seasonal_series():
    y = wave(300, noise=0.1)
    assert find_period(y) == 24
    made = peers(y)
    assert set(made) >= {"last value", "value 24 before", "SNARIMAX(10,1,0)", "HoltWinters"}
    for forecasts in made.values():
        assert np.isfinite(forecasts[24:]).all()


def test_memory_is_bounded():
    model = RecurrentForecaster()
    model.prequential(wave(100))
    assert sum(array.nbytes for array in model.snapshot().arrays.values()) < 2e6
