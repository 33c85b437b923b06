"""What estimators say of themselves: settings, progress, and what was learned."""

import random

import pandas as pd
import pytest

from stream_rnn import (
    GRU,
    LSTM,
    RTRL,
    FrameForecaster,
    Keyed,
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentRegressor,
    SequenceClassifier,
    Sequences,
    learned,
    sensitivities,
    specs,
)
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.reports import COUNTERS, GAUGES

WRAPPED = {
    "keyed": lambda: Keyed(RecurrentRegressor(LSTM(4)), key="k"),
    "sequences": lambda: Sequences(SequenceClassifier(network=False), by="k", end="end"),
    "frames": FrameForecaster,
}


@pytest.mark.parametrize("name", [*specs.ESTIMATORS, *specs.WRAPPERS])
def test_every_estimator_says_what_it_is(name):
    kind = specs.load({**specs.ESTIMATORS, **specs.WRAPPERS}[name])
    model = WRAPPED[name]() if name in WRAPPED else kind(**next(kind._unit_test_params()))
    assert repr(model).endswith(": nothing learned yet")
    assert repr(model).count("nothing learned yet") == 1
    assert type(model).__name__ in model._repr_html_()
    assert model.learned()["estimator"]
    assert "<table>" in model.learned()._repr_html_()


def test_a_repr_is_the_call_and_the_progress():
    model = Keyed(RecurrentRegressor(LSTM(4), RTRL(), seed=7, scale=True), key="k")
    for t in range(1000):
        model.learn_one({"k": t % 2, "u": t % 3}, t % 3)
    inner = "RecurrentRegressor(cell=LSTM(4), seed=7)"
    assert repr(model) == (
        f"KeyedRegressor(estimator={inner}, key='k'): 2 keys, 1,000 records learned"
    )
    assert repr(model.estimator) == f"{inner}: 1,000 records learned, 1 feature"
    shown = model.estimator._repr_html_()
    assert ">LSTM(4)<" in shown
    assert ">RTRL()<" in shown


def test_what_comes_from_outside_is_escaped():
    model = RecurrentForecaster(timestamp="<script>")
    assert "<script>" not in model._repr_html_()
    model.learn_one(1.0, {"<b>": 1.0})
    assert "<b>" not in model.learned()._repr_html_()


def linear(count=600, text=False):
    rng = random.Random(3)
    for _ in range(count):
        x = {"a": rng.gauss(0, 1), "b": rng.gauss(5, 3), "c": rng.gauss(0, 1)}
        word = {"word": rng.choice("uv")} if text else {}
        yield {**x, **word}, 2 * x["a"] - x["b"] + 4 * (word.get("word") == "u")


def test_sensitivities_are_the_slopes():
    model = RecurrentRegressor(LSTM(4), seed=1)
    for x, y in linear():
        model.learn_one(x, y)
    before = model.snapshot().arrays["theta"]
    for found in (sensitivities(model), model.learned()["sensitivities"], sensitivities(model, x)):
        assert list(found) == ["a", "b", "c"]
        assert abs(found["a"] - 2) < 0.2
        assert abs(found["b"] + 1) < 0.1
        assert abs(found["c"]) < 0.2
    assert (model.snapshot().arrays["theta"] == before).all()
    narrow = sensitivities(model, x, step=0.01)  # the derivative, by the network's own numbers
    h = 0.02
    above, below = (model.predict_one({**x, "a": x["a"] + s * h}) for s in (1, -1))
    assert narrow["a"] == pytest.approx((above - below) / (2 * h), abs=0.05)


def test_text_counts_and_has_no_slope():
    model = RecurrentRegressor(LSTM(4), seed=1)
    for x, y in linear(text=True):
        model.learn_one(x, y)
    assert list(sensitivities(model)) == ["a", "b", "c"]
    assert list(sensitivities(model, x)) == ["a", "b", "c"]
    assert "word=u" in model.learned()["features"]


def test_classes_have_slopes_of_their_probabilities():
    model = RecurrentClassifier(GRU(3), seed=1)
    for x, y in linear():
        model.learn_one(x, "high" if y > -5 else "low")
    found = sensitivities(model)
    assert set(found) == {"high", "low"}
    assert found["high"]["a"] > 0 > found["high"]["b"]
    assert found["high"]["a"] == pytest.approx(-found["low"]["a"], abs=1e-6)


def test_nothing_is_said_of_what_is_not_known():
    with pytest.raises(ConfigError, match="nothing was learned yet"):
        sensitivities(RecurrentRegressor(LSTM(4)))
    with pytest.raises(ConfigError, match="predicts from its own past"):
        sensitivities(RecurrentForecaster(), {"x": 1.0})
    with pytest.raises(ConfigError, match="step"):
        sensitivities(RecurrentRegressor(LSTM(4)), {"x": 1.0}, step=0)
    assert "sensitivities" not in RecurrentRegressor(LSTM(4)).learned()


def test_a_forecaster_says_its_season_its_experts_and_alarms():
    model = RecurrentForecaster(drift="ADWIN")
    for t in range(400):
        model.learn_one(t % 12 + 50 * (t > 300))
    model.forecast(6)
    found = model.learned()
    [near] = found["series"]
    assert near["horizon"] == 1
    assert near["season"] == 12
    assert found["far"]["steps"] == 24
    assert found["far"]["season"] == 12
    assert found["far"]["paths"] > 0
    for one in found["series"]:
        assert sum(one["experts"].values()) == pytest.approx(1)
        assert sum(one["mixture"].values()) == pytest.approx(1)
    assert found["alarms"] == {"ADWIN": model.drift_alarms()["ADWIN"]}
    assert found["metrics"] == model.health()
    assert set(found["metrics"]) <= {*COUNTERS, *GAUGES, "rolling_mae"}
    arrays = model.snapshot().arrays
    assert found["state"]["bytes"] == sum(array.nbytes for array in arrays.values())
    assert "series[0].season: 12" in str(found).split("\n")


def test_many_series_each_have_their_own():
    days = pd.date_range("2024-01-01", periods=80)
    data = pd.concat([
        pd.DataFrame({"unique_id": f"every {m}", "ds": days, "y": [n % m for n in range(80)]})
        for m in (5, 7)
    ])  # fmt: skip
    models = FrameForecaster().learn(data).learned()["models"]
    assert {key: one["series"][0]["season"] for key, one in models.items()} == {
        "every 5": 5, "every 7": 7,
    }  # fmt: skip
    keyed = Keyed(RecurrentForecaster(), key="k", share="nothing")
    keyed.stream([{"k": "x"}] * 60, [n % 5 for n in range(60)])
    assert learned(keyed)["models"]["x"]["series"][0]["season"] == 5
    assert learned(keyed)["keys"] == 1


def test_an_anomaly_detector_names_its_fields():
    model = RecurrentAnomalyDetector()
    model.stream([{"load": n % 7, "heat": n % 5} for n in range(100)], [None] * 100)
    found = {one["name"]: one["season"] for one in model.learned()["series"]}
    assert found == {"load": 7, "heat": 5}
