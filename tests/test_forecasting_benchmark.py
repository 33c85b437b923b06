"""The forecasting benchmark: scores counted by hand, a run that is killed and goes on."""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import forecasting
import rivals
import series

TRUTH = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
MADE = np.array([[np.nan, np.nan], [1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])


@pytest.mark.parametrize(
    ("measure", "first", "expected"),
    [
        (series.MAE, 0, (7 / 3 + 70 / 3) / 2),
        (series.MAE, 2, (3 + 30) / 2),
        (series.MSE, 0, (21 / 3 + 2100 / 3) / 2),
        (series.RATIO, 0, 0.5),
        (series.NRMSE, 0, np.sqrt(7) / TRUTH[:, 0].std()),
    ],
)
def test_scores(measure, first, expected):
    stream = series.Stream("s", lambda: None, measure, first=first)
    assert series.score(stream, TRUTH, MADE) == pytest.approx(expected)


def test_coverage_counts_the_values_that_had_a_forecast():
    bounded = np.stack([MADE, MADE - 1, MADE + 2], axis=2)
    assert forecasting.coverage(TRUTH, bounded) == pytest.approx(2 / 6)


def test_every_rival_forecasts_before_it_learns():
    """A forecast does not change when what comes after it does."""
    values = 5 + np.sin(np.arange(60) * 2 * np.pi / 6) + 0.01 * np.arange(60)
    other = np.r_[values[:50], np.full(10, 9.0)]
    for name, make in rivals.rivals(values).items():
        one, two = (rivals.run(make(), v, 2, seconds=60) for v in (values, other))
        np.testing.assert_array_equal(one[:52], two[:52], err_msg=name)
        assert np.isnan(one[:2]).all()
        assert np.isfinite(one[2:]).all()


def test_a_rival_that_is_too_slow_is_stopped_with_a_note():
    with pytest.raises(rivals.TooSlow, match=r"stopped at record \d of 9"):
        rivals.run(rivals.rivals(np.ones(9))["HoltWinters"](), np.ones(9), 1, seconds=-1)


def test_a_killed_run_goes_on(tmp_path):
    path = tmp_path / "results" / "cells.jsonl"
    results = forecasting.Results(path)
    results.put("a", {"score": 1.5})
    with path.open("a") as file:
        file.write('{"key": "b", "sco')
    again = forecasting.Results(path)
    assert (again.get("a"), again.get("b")) == ({"score": 1.5}, None)


def test_a_cell_is_named_by_its_data_and_code():
    stream, data = series.Stream("s", lambda: None), series.Data(TRUTH)
    cell = forecasting.Cell(stream, "last value", 0)
    keys = {
        forecasting.key(cell, data),
        forecasting.key(cell, series.Data(TRUTH + 1)),
        forecasting.key(cell._replace(seed=1), data),
        forecasting.key(cell._replace(stream=stream._replace(horizon=2)), data),
        forecasting.key(cell._replace(contestant=forecasting.OURS), data),
    }
    assert len(keys) == 5


def test_the_tables_name_who_was_better():
    stream = series.Stream("s", lambda: None, recipe=2.0, rival="1.9 someone")
    rows = {
        forecasting.OURS: [{"median": m, "mean": 2.0} for m in (1.0, 1.4, 1.2)],
        "last value": [{"score": 3.0}],
        "HoltWinters": [{"score": 1.1}],
        "SNARIMAX(10,1,0)": [{"note": "stopped at record 9"}],
    }
    found = forecasting.gather(stream, rows)
    assert found["median"] == 1.2
    text = forecasting.tables([found], {"s"})
    assert "**1.2** | 2 | 2 | -40.0 % | 3 | **1.1 HoltWinters** | 1.9 someone" in text
    assert "s, SNARIMAX(10,1,0): stopped at record 9" in text


@pytest.mark.slow
def test_the_seven_columns_of_etth1_are_forecast_better_together():
    folder = Path(os.environ.get("STREAM_RNN_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "ETTh1.csv").exists():
        pytest.skip("set STREAM_RNN_DATA to the folder of ETTh1.csv")
    data = series.ett(folder)
    data = data._replace(values=data.values[:5400])
    alone, together = (
        forecasting.ours(stream, data, seed=0)["mean"]
        for stream in series.reference(folder)
        if stream.name.startswith("ETTh1")
    )
    assert together < 0.99 * alone


def test_a_missing_file_is_named(tmp_path, capsys):
    options = argparse.Namespace(
        own=False, streams=["ETTh1"], results=tmp_path / "r.jsonl", seeds=1, peer_python=None
    )
    streams = series.reference(tmp_path)
    assert forecasting.collect(argparse.ArgumentParser(), streams, options) == []
    assert "ETTh1 is left out" in capsys.readouterr().err
