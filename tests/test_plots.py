"""Pictures: what is on their axes, and what they say."""

import sys
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from connectors.memory import MemorySource
from stream_rnn import FrameForecaster, RecurrentForecaster, TextPredictor, cross_validate, plot
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.surprises import surprises
from stream_rnn.evaluation.evaluate import evaluate
from stream_rnn.features.rows import Rows
from stream_rnn.service.task import Task

YS = 10 + np.arange(60.0) % 7
DAYS = pd.date_range("2024-01-01", periods=60, tz="Europe/Berlin")


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def told(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_a_forecast_follows_its_history(tmp_path):
    data = pd.DataFrame({"day": DAYS, "load": YS})
    made = FrameForecaster().learn(data).forecast(5, level=[50, 95])
    drawn = plot(made, data, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert drawn._repr_png_().startswith(b"\x89PNG")
    (axis,) = drawn.axes
    assert axis.get_title("left") == "load"
    assert told(axis) == ["truth", "forecast", "95 %", "50 %"]
    truth, forecast = lines(axis)["truth"], lines(axis)["forecast"]
    assert truth.get_ydata().tolist() == YS[-20:].tolist()
    assert forecast.get_ydata().tolist() == [YS[-1], *made["forecast"]]
    assert forecast.get_xdata()[0] == datetime(2024, 2, 29)  # by the clock on the wall
    assert forecast.get_xdata()[1] == datetime(2024, 3, 1)


def test_many_series_have_an_axis_each_and_counted_ones_their_numbers():
    data = pl.DataFrame({"unique_id": ["a"] * 60 + ["b"] * 60, "y": [*YS, *YS]})
    made = FrameForecaster().learn(data).forecast(2)
    drawn = plot(made, data, past=10)
    assert [axis.get_title("left") for axis in drawn.axes] == [
        "y, unique_id = a",
        "y, unique_id = b",
    ]
    assert list(lines(drawn.axes[0])["truth"].get_xdata()) == list(range(50, 60))
    assert list(lines(plot(made).axes[1])["forecast"].get_xdata()) == [60, 61]
    with pytest.raises(ConfigError, match="no column 'forecast'"):
        plot(data)


def test_rolling_forecasts_and_their_error_by_step():
    data = pd.DataFrame({"day": DAYS, "load": YS})
    found = cross_validate(FrameForecaster(), data, 3, origins=4)
    above, below = plot(found).axes
    assert told(above) == ["truth", "forecasts from 4 origins", "90 %"]
    assert [bar.get_height() for bar in below.patches] == found.scores("horizon")["mae"].tolist()


def test_an_evaluation_has_names_dates_and_what_the_interval_holds():
    values = [
        {"day": f"{1 + n % 28:02}/{1 + n // 28:02}/2024", "load": float(y)}
        for n, y in enumerate(YS)
    ]
    task = Task(RecurrentForecaster(), Rows("load", timestamp="day"))
    found = evaluate(MemorySource(values), task, named="loads.csv")
    above, below, weights = (drawn := plot(found)).axes
    assert weights.get_title("left") == "Weights"
    assert sorted(told(weights)) == sorted(found.weights.weights)
    assert weights.get_lines()[0].get_xdata()[-1] == len(YS)
    assert drawn.get_suptitle() == "loads.csv"
    assert above.get_title("left") == "load, the last 60 records"
    assert above.get_xlabel() == "day"
    assert lines(above)["truth"].get_xdata()[-1] == datetime(2024, 3, 4)
    rows = [row for row in found.recent if row["prediction_lower"] is not None]
    held = sum(row["prediction_lower"] <= row["target"] <= row["prediction_upper"] for row in rows)
    assert told(above)[-1] == f"90 % interval, holds {100 * held / len(rows):.0f} %"
    assert below.get_title("left").startswith("Mean absolute error of load")


def test_an_evaluation_of_text_is_in_bits():
    values = [{"text": "all is well"} for _ in range(5)]
    found = evaluate(MemorySource(values), Task(TextPredictor(units=16), Rows(None)))
    (axis,) = plot(found).axes
    assert axis.get_title("left") == "Bits per symbol"


@pytest.mark.parametrize("unit", ["byte", "char", pytest.param("word", marks=pytest.mark.slow)])
def test_text_is_coloured_by_its_bits(unit):
    model = TextPredictor(unit=unit, units=16, seed=1)
    model.learn_text("all is well\n" * 50)
    before = model.bits_per_symbol
    text = "all is möll\n"
    found = surprises(model, text)
    assert model.bits_per_symbol == before  # nothing was learned
    if unit == "word":
        assert [symbol for symbol, _ in found] == ["all", "is", "möll", "\n"]
    else:
        assert "".join(symbol for symbol, _ in found) == text
    assert sum(bits for _, bits in found) == pytest.approx(model.learn_text(text))
    axis, colours = plot(model, text).axes
    shown = "".join(label.get_text() for label in axis.texts).replace(" ", "")
    assert shown == "allismöll↵"
    assert colours.get_ylabel() == "bits"
    assert f"{len(found)} symbols" in axis.get_title("left")


def test_without_matplotlib_the_remedy_is_named(monkeypatch):
    for name in ("matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    data = pl.DataFrame({"ds": [date(2024, 1, 1), date(2024, 1, 2)], "y": [1.0, 2.0]})
    with pytest.raises(ImportError, match=r"pip install 'stream-rnn\[plot\]'"):
        plot(FrameForecaster().learn(data).forecast(1))
