"""Far horizons of a forecaster are learned directly from when they are asked for."""

import numpy as np
import pytest

from stream_rnn import RecurrentForecaster
from stream_rnn.forecasting.experts.levels import Ewma
from stream_rnn.forecasting.experts.linear import Linear

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


def test_a_first_far_forecast_is_that_of_horizons_learned_from_the_first_record():
    model = taught()
    assert model.forecast(48) == taught((1, 6, 24)).forecast(48)
    model.learn_one(1.0)
    whole = taught((1, 6, 24))
    whole.learn_one(1.0)
    assert model.forecast(24) == whole.forecast(24)


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


def test_drift_reaches_the_far_ones():
    model, other = taught(), taught()
    for each in (model, other):
        each.forecast(24)
    model.react("widen")
    for each in (model, other):
        each.learn_one(0.5)
    wide, narrow = (each.forecast(24, level=0.9)[23] for each in (model, other))
    assert wide.upper - wide.lower > narrow.upper - narrow.lower
