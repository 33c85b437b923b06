"""Several series at once."""

import helpers
import numpy as np
import pytest
from river import checks

from stream_rnn.errors import BadRecord
from stream_rnn.estimators.forecaster import RecurrentForecaster
from stream_rnn.estimators.multivariate import RecurrentMultivariateForecaster
from stream_rnn.forecasting.inputs import cross

SMALL = helpers.EXPERTS


def driven(n=800, seed=0):
    """Three series: noise, what it did a step before, and another noise."""
    rng = np.random.default_rng(seed)
    lead = rng.normal(size=n)
    follow = 1e3 * (np.r_[0, lead[:-1]] + 0.1 * rng.normal(size=n))
    return np.column_stack([lead, follow, rng.normal(size=n).cumsum()])


def test_river_checks():
    checks.check_estimator(RecurrentMultivariateForecaster(experts=SMALL))


def test_together_beats_each_alone():
    Y = driven()
    together = RecurrentMultivariateForecaster(experts=SMALL).prequential(Y)
    alone = RecurrentForecaster(experts=SMALL).prequential(Y[:, 1])
    error = np.nanmean((together[200:, 1] - Y[200:, 1]) ** 2)
    assert error < 0.1 * np.nanmean((alone[200:] - Y[200:, 1]) ** 2)


def test_chunks_single_records_and_a_restore_give_the_same_bits():
    Y = driven(90)
    Y[[3, 40], [0, 2]] = np.nan
    xs = [{"u": float(t % 3)} for t in range(90)]
    xs[60]["v"] = 1.0
    whole, parts, other = (
        RecurrentMultivariateForecaster(horizons=(1, 2), experts=SMALL) for _ in range(3)
    )
    ys = [dict(enumerate(row)) for row in Y.tolist()]
    expected = whole.stream(xs, ys)
    for x, y in zip(xs[:30], ys[:30], strict=True):
        parts.learn_one(y, x)
    other.restore(parts.snapshot())
    assert other.stream(xs[30:], ys[30:]) == expected[30:]
    assert expected[50]["prediction"] == {c: expected[49]["forecast"][c][0] for c in range(3)}
    assert whole.forecast(4) == other.forecast(4)
    matrix = RecurrentMultivariateForecaster(horizons=(1, 2), experts=SMALL).prequential(Y, xs)
    np.testing.assert_array_equal(matrix[1:, 1], [r["prediction"][1] for r in expected[1:]])


def test_cross_inputs_are_the_others_moves():
    Y = driven(50)
    Y[20, 1] = np.nan
    out = np.empty((50, 3, 4))
    cross.observe(cross.allocate(3), Y, out)
    for c, others in enumerate([(1, 2), (0, 2), (0, 1)]):
        for i, j in enumerate(others):
            known = np.flatnonzero(~np.isnan(Y[:, j]))
            average = Y[0, j]
            for n, t in enumerate(known):
                if n:
                    change = Y[t, j] - Y[known[n - 1], j]
                    assert out[t, c, 2 * i] == pytest.approx(change)
                average += max(0.1, 1 / (n + 1)) * (Y[t, j] - average)
                assert out[t, c, 2 * i + 1] == pytest.approx(Y[t, j] - average, abs=1e-9)
            assert np.isnan(out[~np.isin(np.arange(50), known), c, 2 * i]).all()


def test_the_first_record_says_what_the_targets_are():
    model = RecurrentMultivariateForecaster(experts=SMALL)
    model.learn_one({"a": 1.0, "b": 2.0})
    model.learn_one({"a": 1.5})
    with pytest.raises(BadRecord, match="target 'c' is not among"):
        model.learn_one({"a": 1.0, "c": 2.0})
    assert set(model.forecast(2, level=0.8)[1]) == {"a", "b"}
    assert model.health()["missing_targets"] == 1
