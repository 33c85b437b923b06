"""Predict and learn, per record, beside what limits them.

    python -m pytest -o addopts= tests/benchmarks/test_speed.py --benchmark-columns=min,median

Every figure is µs a record (pytest-benchmark's unit divided by the records of a round, which
the extra information holds); the tests at the end assert the ratios within the same run.
"""

import numpy as np
import pytest
from river import linear_model, preprocessing

from stream_rnn import LSTM, RTRL, TBPTT, Adam, Clip, RecurrentForecaster, RecurrentRegressor
from stream_rnn.codegen.blas import matmul_tn
from stream_rnn.codegen.dispatch import compiled

FEATURES, RECORDS = 10, 1000
UNITS = (8, 16, 32)
LEARNERS = (RTRL(), TBPTT(window=10))
best: dict[tuple, float] = {}  # µs a record, of the fastest round


def stream(records=RECORDS):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(records, FEATURES))
    return X, X[:, 0] - 2 * np.roll(X[:, 1], 1) + 0.1 * rng.normal(size=records)


def model(units, learner):
    return RecurrentRegressor(LSTM(units), learner, (Clip(1.0), Adam(1e-3)), seed=1)


def measure(benchmark, key, function, records, *, rounds=10):
    """Run *function* in rounds and note the time of a record in the fastest of them."""
    function()  # compile
    benchmark.pedantic(function, rounds=rounds, iterations=1)
    benchmark.extra_info["records"] = records
    best[key] = benchmark.stats.stats.min / records * 1e6
    benchmark.extra_info["µs a record"] = round(best[key], 2)


@compiled
def multiply(M, S, R, times):
    """The product of folded RTRL alone, R (KH, P) = Mᵀ S."""
    for _ in range(times):
        matmul_tn(M, S, R, 0.0)


@pytest.mark.parametrize("units", UNITS)
def test_matrix_product_of_rtrl_alone(benchmark, units):
    P = 4 * units * (units + 1 + FEATURES)
    rng = np.random.default_rng(0)
    M = rng.normal(size=(units, 2 * units)).astype(np.float32)
    S, R = rng.normal(size=(units, P)).astype(np.float32), np.zeros((2 * units, P), np.float32)
    measure(benchmark, ("product", units), lambda: multiply(M, S, R, 200), 200)
    benchmark.extra_info["GFLOP/s"] = round(4 * units**2 * P / best["product", units] / 1e3, 1)
    assert best["product", units] > 0


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_prequential(benchmark, learner, units):
    X, y = stream()
    regressor = model(units, learner)
    key = ("prequential", type(learner).__name__, units)
    measure(benchmark, key, lambda: regressor.prequential(X, y), RECORDS)
    assert np.isfinite(regressor.predict_one(dict(enumerate(X[0]))))


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_predict_one_and_learn_one(benchmark, learner, units):
    X, y = stream()
    rows, targets = [dict(enumerate(row)) for row in X.tolist()], y.tolist()
    regressor = model(units, learner)

    def run():
        for x, target in zip(rows, targets, strict=True):
            regressor.predict_one(x)
            regressor.learn_one(x, target)

    measure(benchmark, ("one", type(learner).__name__, units), run, RECORDS)
    assert np.isfinite(regressor.predict_one(rows[0]))


def test_river_scaled_linear_regression(benchmark):
    X, y = stream()
    rows, targets = [dict(enumerate(row)) for row in X.tolist()], y.tolist()
    pipeline = preprocessing.StandardScaler() | linear_model.LinearRegression()

    def run():
        for x, target in zip(rows, targets, strict=True):
            pipeline.predict_one(x)
            pipeline.learn_one(x, target)

    measure(benchmark, ("river",), run, RECORDS, rounds=5)
    assert np.isfinite(pipeline.predict_one(rows[0]))


def series(records):
    rng = np.random.default_rng(0)
    season = 10 * np.sin(2 * np.pi * np.arange(records) / 48)
    return season + np.cumsum(rng.normal(size=records))


def test_forecaster_in_chunks(benchmark):
    values = series(5000)
    forecaster = RecurrentForecaster()
    measure(benchmark, ("forecaster", "chunks"), lambda: forecaster.prequential(values), 5000)
    assert np.isfinite(forecaster.forecast(1)).all()


def test_forecaster_one_at_a_time(benchmark):
    values = series(2000).tolist()
    forecaster = RecurrentForecaster()

    def run():
        for value in values:
            forecaster.forecast(1)
            forecaster.learn_one(value)

    measure(benchmark, ("forecaster", "one"), run, len(values))
    size = sum(array.nbytes for array in forecaster.snapshot().arrays.values())
    print(f"the forecaster's state has {size / 1e6:.1f} MB")
    assert size <= 10e6


def test_forecaster_costs_little():
    """At most 25 µs a record in chunks, and 40 µs by single calls."""
    for way, most in (("chunks", 25), ("one", 40)):
        print(f"forecaster, {way}: {best['forecaster', way]:.1f} µs a record")
        assert best["forecaster", way] <= most


def test_one_at_a_time_adds_little_to_the_compiled_loop():
    """At most 12 µs for both calls with 10 features."""
    for units in UNITS:
        for learner in LEARNERS:
            name = type(learner).__name__
            added = best["one", name, units] - best["prequential", name, units]
            print(f"LSTM({units}) {name}: one at a time adds {added:.1f} µs a record")
            assert added <= 12 + 0.1 * best["prequential", name, units]


def test_folded_rtrl_against_its_matrix_product():
    """Within 1.25 times its product from 32 units on; the smaller sizes are printed."""
    ratios = {u: best["prequential", "RTRL", u] / best["product", u] for u in UNITS}
    for units, ratio in ratios.items():
        print(f"LSTM({units}) RTRL: {ratio:.2f} times its matrix product alone")
    assert ratios[32] <= 1.25
