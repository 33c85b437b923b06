"""Running statistics: against sums over everything seen, never looking ahead, hard to spoil."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import RobustMoments, moments

from stream_rnn.engine.moments import Moments, is_near, judge, take, take_any
from stream_rnn.engine.scale import (
    Standard,
    Unscaled,
    express,
    observe,
    recover,
    standardise,
)

VALUES = st.lists(
    st.one_of(st.floats(-1e6, 1e6, width=32), st.just(float("nan"))),
    min_size=1,
    max_size=28,  # from the 29th on the first values may be doubted
)


WITHOUT = 1e99  # deviations: nothing is far


def statistics(scale, columns):
    """Moments after every row of *columns* (T, m)."""
    m = np.shape(columns)[1]
    running = Moments(*(np.zeros(m) for _ in Moments._fields))
    for row in columns:
        observe(scale, running, np.array(row, float))
    return running


@given(VALUES, st.sampled_from([1e4, 20.0, 2.0]))
def test_moments_are_the_weighted_sums_over_everything_seen(values, memory):
    running = statistics(Standard(memory, far=WITHOUT), np.array(values)[:, None])
    mean, variance = moments(values, memory)
    magnitude = np.nanmax(np.abs([*values, 1e-300]))
    assert running.count[0] == np.isfinite(values).sum()
    assert running.mean[0] == pytest.approx(mean, rel=1e-9, abs=1e-12 * magnitude)
    assert running.variance[0] == pytest.approx(variance, rel=1e-9, abs=1e-12 * magnitude**2)


def test_until_memory_is_full_they_are_mean_and_variance():
    values = np.random.default_rng(0).normal(size=(500, 3)) * [1e-9, 1, 1e9] + [0, 5, 1e9]
    running = statistics(Standard(), values)
    assert np.allclose(running.mean, values.mean(axis=0), rtol=1e-12)
    assert np.allclose(running.variance, values.var(axis=0), rtol=1e-10)


def test_a_long_memory_follows_a_level_shift():
    values = np.concatenate([np.zeros(300), np.full(300, 50.0)])[:, None]
    running = statistics(Standard(memory=50.0), values)
    assert running.mean[0] == pytest.approx(50, abs=0.2)


@given(VALUES, st.floats(-1e3, 1e3))
def test_standard_units_come_back_as_their_own(values, x):
    running = statistics(Standard(far=WITHOUT), np.array(values)[:, None])
    raw, standard, back = np.array([x]), np.empty(1), np.empty(1)
    express(Standard(), running, raw, standard)
    recover(Standard(), running, standard, back)
    expected = x if running.variance[0] > 0 else running.mean[0]
    assert back[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_large_values_are_held_at_the_limit_as_inputs_and_not_as_targets():
    running = statistics(Standard(limit=6.0), np.array([[-1.0], [1.0]] * 50))
    out = np.empty(1)
    for raw, held in ((9.0, 6.0), (-9.0, -6.0), (3.0, 3.0)):
        standardise(Standard(limit=6.0), running, np.array([raw]), out)
        assert out[0] == pytest.approx(held)
        express(Standard(limit=6.0), running, np.array([raw]), out)
        assert out[0] == pytest.approx(raw)


def test_missing_values_stand_for_the_mean_and_are_not_observed():
    running = statistics(Standard(), np.array([[1.0, 4.0], [np.nan, 6.0], [3.0, np.nan]]))
    assert running.count.tolist() == [2, 2]
    assert running.mean.tolist() == [2, 5]
    out = np.empty(2)
    standardise(Standard(), running, np.array([np.nan, 5.0]), out)
    assert out.tolist() == [0, 0]
    express(Standard(), running, np.array([np.nan, 5.0]), out)
    assert np.isnan(out[0])
    assert out[1] == 0


@pytest.mark.parametrize("value", [0.0, 0.1, -7e11])
def test_a_constant_column_is_zero(value):
    running = statistics(Standard(), np.full((1000, 1), value))
    out = np.empty(1)
    standardise(Standard(), running, np.array([value]), out)
    assert out[0] == 0
    assert running.variance[0] == 0
    assert running.mean[0] == value


def test_an_absurd_value_leaves_statistics_finite():
    running = statistics(Standard(), np.array([[1.0], [1e300], [-1.7e308], [2.0], [3.0]]))
    assert np.isfinite(running.mean).all()
    assert np.isfinite(running.variance).all()


def test_before_anything_was_seen_everything_is_zero():
    running = statistics(Standard(), np.empty((0, 2)))
    out = np.empty(2)
    standardise(Standard(), running, np.array([1e6, np.nan]), out)
    assert out.tolist() == [0, 0]


def test_unscaled_leaves_values_alone():
    running = statistics(Unscaled(), np.array([[5.0, np.nan]]))
    out = np.empty(2)
    for operation, expected in ((standardise, [3, 0]), (express, [3, np.nan])):
        operation(Unscaled(), running, np.array([3.0, np.nan]), out)
        assert np.array_equal(out, expected, equal_nan=True)
    recover(Unscaled(), running, np.array([3.0, 4.0]), out)
    assert out.tolist() == [3, 4]
    assert running.count.tolist() == [0, 0]


SPOILED = st.lists(
    st.one_of(
        st.floats(-3, 3, width=32),
        st.floats(-3, 3, width=32),
        st.sampled_from([0.0, 1e3, 1.1e3, -5e3, 1e6, 40.0]),
    ),
    min_size=1,
    max_size=150,
)


@given(SPOILED, st.sampled_from([1e4, 50.0]))
def test_doubted_values_count_as_in_the_naive_statistics(values, memory):
    naive, running = RobustMoments(memory), statistics(Standard(memory), np.empty((0, 1)))
    for t, x in enumerate(values):
        out = np.empty(1)
        standardise(Standard(memory), running, np.array([x]), out)
        mean, variance = naive.statistics()
        z = 0.0 if variance == 0 or naive.waits(x) else (x - mean) / np.sqrt(variance)
        assert out[0] == pytest.approx(np.clip(z, -6, 6), rel=1e-6, abs=1e-6), t
        observe(Standard(memory), running, np.array([x]))
        naive.take(x)
        express(Standard(memory), running, np.array([x]), out)
        assert np.isnan(out[0]) == naive.doubted, t
    mean, variance = naive.statistics()
    assert running.outliers[0] == naive.outliers
    assert running.mean[0] == pytest.approx(mean, rel=1e-6, abs=1e-6)
    assert running.variance[0] == pytest.approx(variance, rel=1e-6, abs=1e-6)


@given(SPOILED, st.sampled_from([0.0, 1.0, 1e-140, 1e148, -7e5]), st.sampled_from([1e4, 50.0]))
def test_near_values_count_to_the_bit_as_any(values, unit, memory):
    ordinary = np.random.default_rng(0).normal(size=100)
    column = unit * np.concatenate([ordinary[:30], values, ordinary])
    short, long = (Moments(*(np.zeros(1) for _ in Moments._fields)) for _ in range(2))
    near = 0
    for x in column:
        near += is_near(short, 0, x, 10.0)
        take(short, 0, x, 10.0, memory)
        take_any(long, 0, x, 10.0, memory)
        judge(long, 0)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(short, long, strict=True))
    assert near > 20 or unit == 0 or abs(unit) == 1e-140


def after(values, then=200):
    """Mean and deviation of N(0, 1), *values*, and N(0, 1) again for *then* records."""
    rng = np.random.default_rng(0)
    column = np.concatenate([rng.normal(size=500), values, rng.normal(size=then)])
    running = statistics(Standard(), column[:, None])
    return running.mean[0], np.sqrt(running.variance[0]), running.outliers[0]


@pytest.mark.parametrize("value", [50.0, 1e3, -1e9, 1e300])
def test_one_wrong_value_counts_ten_deviations(value):
    mean, deviation, outliers = after([value], 1)
    assert abs(mean) < 0.1
    assert deviation == pytest.approx(1.1, abs=0.06)
    assert outliers == 1


@pytest.mark.parametrize("value", [30.0, 1e3, -1e9, 1.7e308])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_wrong_value_among_the_first_is_forgotten_at_the_thirtieth(value, at):
    column = np.random.default_rng(0).normal(size=(60, 1))
    column[at] = value
    running = statistics(Standard(), column)
    assert abs(running.mean[0]) < 0.6
    assert 0.7 < np.sqrt(running.variance[0]) < 1.5


@pytest.mark.parametrize("first", [np.zeros(5), np.full(5, 3.0), [1.0, 2.0, 4.0, 2.0, 1.0]])
def test_ordinary_first_values_stay_what_they_were(first):
    column = np.r_[first, np.random.default_rng(0).normal(2, size=195)][:, None]
    running = statistics(Standard(), column)
    assert running.count[0] == 200
    assert running.mean[0] == pytest.approx(column.mean(), rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [[1e150] * 3, [1e300, -1e300] * 50, 10.0 ** np.arange(-50, 50), [1e3] * 40, [5e-324] * 50],
    ids=["three", "signs", "exponents", "burst", "denormals"],
)
def test_many_wrong_values_are_forgotten(values):
    mean, deviation, _ = after(np.array(values))
    assert abs(mean) < 0.3
    assert 0.7 < deviation < 2


def test_a_level_shift_is_believed_after_five_values():
    rng = np.random.default_rng(1)
    running = statistics(Standard(), np.r_[rng.normal(size=(5000, 1)), np.full((4, 1), 50.0)])
    assert abs(running.mean[0]) < 0.1
    observe(Standard(), running, np.array([50.0]))
    assert running.mean[0] == pytest.approx(25, abs=0.2)
    for x in 50 + rng.normal(size=500):
        observe(Standard(), running, np.array([x]))
    assert running.mean[0] == pytest.approx(50, abs=2)


def test_rare_large_values_are_believed_in_the_end():
    column = np.random.default_rng(2).normal(size=(20_000, 1))
    column[::200] = 500.0
    running = statistics(Standard(), column)
    assert running.outliers[0] < 40
    assert running.mean[0] == pytest.approx(2.5, rel=0.3)


def test_a_column_that_was_constant_takes_its_second_other_value():
    running = statistics(Standard(), np.zeros((100, 1)))
    observe(Standard(), running, np.array([1e9]))
    assert (running.mean[0], running.variance[0]) == (0, 0)
    observe(Standard(), running, np.array([2.0]))
    assert running.mean[0] == pytest.approx(2 / 102)
