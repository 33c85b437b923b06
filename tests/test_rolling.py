"""Rolling-origin cross-validation of forecasts."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from stream_rnn import FrameForecaster, RecurrentForecaster, cross_validate

RNG = np.random.default_rng(1)
YS = 10 + np.arange(80) % 7 + RNG.normal(0, 0.2, 80)


def frame(key, count=80):
    return pd.DataFrame({
        "unique_id": key, "ds": pd.date_range("2024-01-01", periods=count), "y": YS[:count],
    })  # fmt: skip


def test_forecasts_are_those_of_a_model_that_stopped_at_each_origin():
    model = FrameForecaster()
    both = pd.concat([frame("a"), frame("b", 60)])
    found = cross_validate(model, both, 3, origins=4, step=5, level=[50, 90], season=7)
    assert model.layout is None  # it is not changed
    table = found.frame
    assert list(table.columns) == [
        *("unique_id", "ds", "cutoff", "horizon", "y", "forecast"),
        *("forecast-lo-50", "forecast-hi-50", "forecast-lo-90", "forecast-hi-90"),
    ]
    assert len(table) == 2 * 4 * 3
    for key, count in (("a", 80), ("b", 60)):
        mine = table[table.unique_id == key]
        for k, end in enumerate(count - 3 - 5 * j for j in (3, 2, 1, 0)):
            alone = RecurrentForecaster(season=7)
            alone.prequential(YS[:end])
            part = mine[3 * k : 3 * k + 3]
            assert part["forecast"].tolist() == alone.forecast(3)
            assert part["forecast-lo-50"].tolist() == [p.lower for p in alone.forecast(3, level=50)]
            assert part["y"].tolist() == YS[end : end + 3].tolist()
            assert set(part["cutoff"]) == {pd.Timestamp("2024-01-01") + pd.Timedelta(days=end - 1)}
            assert (part["ds"] - part["cutoff"]).dt.days.tolist() == [1, 2, 3]
            assert part["horizon"].tolist() == [1, 2, 3]


def test_scores_are_the_books():
    found = cross_validate(FrameForecaster(), frame("a"), 2, origins=6, level=[80], season=7)
    table, scores = found.frame, found.scores()
    errors = (table["y"] - table["forecast"]).abs()
    assert scores["count"] == 12
    assert scores["mae"] == pytest.approx(errors.mean())
    assert scores["rmse"] == pytest.approx((errors**2).mean() ** 0.5)
    before = YS[: 80 - 2 - 5 * 2]
    assert scores["mase"] == pytest.approx(errors.mean() / np.abs(before[7:] - before[:-7]).mean())
    inside = table["y"].between(table["forecast-lo-80"], table["forecast-hi-80"])
    assert scores["coverage-80"] == pytest.approx(inside.mean())
    steps = found.scores("horizon")
    assert steps["horizon"].tolist() == [1, 2]
    assert steps["mae"][1] == pytest.approx(errors[table.horizon == 2].mean())
    assert found.scores("unique_id")["count"].tolist() == [12]
    assert repr(found).startswith("CrossValidation(count 12, mae ")
    with pytest.raises(ValueError, match="choose 'horizon' or 'unique_id'"):
        found.scores("day")


def test_truth_is_found_by_its_date():
    data = frame("a").drop(index=78)  # the day before the last
    found = cross_validate(FrameForecaster(), data, 3, origins=1)
    truth = found.frame.set_index("ds")["y"]
    assert [str(day.date()) for day in truth.index] == ["2024-03-17", "2024-03-18", "2024-03-19"]
    assert truth.tolist()[:2] == YS[76:78].tolist()
    assert np.isnan(truth.iloc[2])
    assert found.scores()["count"] == 2


def test_inputs_of_the_steps_ahead_are_known_or_not():
    sun = RNG.random(80)
    data = pl.DataFrame({"y": np.roll(sun, 1) * 5, "sun": sun}).to_pandas()
    known, guessed = (
        cross_validate(FrameForecaster(target="y"), data, 2, origins=10, known_inputs=known)
        for known in (True, False)
    )
    first, second = (one.scores("horizon")["mae"] for one in (known, guessed))
    assert first[0] == second[0]
    assert first[1] < 0.7 * second[1]
    assert known.frame["step"].tolist()[-2:] == [78, 79]
    assert known.frame["cutoff"].tolist()[-2:] == [77, 77]


def test_a_series_that_is_too_short_is_named():
    data = pd.concat([frame("a"), frame("b", 12)])
    with pytest.raises(
        ValueError, match=r"unique_id = 'b': 12 values are too few .* 22 are enough"
    ):
        cross_validate(FrameForecaster(), data, 2)
    with pytest.raises(ValueError, match="give 1 or more"):
        cross_validate(FrameForecaster(), data, 0)
