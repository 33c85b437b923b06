"""Forecasts of frames: dates and names in, dates and names out."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from stream_rnn import FrameForecaster, Keyed, RecurrentForecaster, dumps, load, loads
from stream_rnn.errors import BadRecord, CheckpointError, ConfigError

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
RNG = np.random.default_rng(3)
MONTHS = pd.date_range("2019-01-31", periods=60, freq="ME")
SALES = 100 + np.arange(60.0) + 20 * (MONTHS.month == 12) + RNG.normal(0, 0.5, 60)


def column(frame, name):
    values = frame[name]
    return values.to_pylist() if hasattr(values, "to_pylist") else list(values)


def two_series(library):
    """Two daily series in one frame, rows mixed and out of order."""
    begin = datetime(2024, 2, 20)
    rows = [("b", begin + timedelta(n), 10.0 + n % 7) for n in range(40)]
    rows += [("a", begin + timedelta(n), -5.0 * (n % 2)) for n in range(30)]
    order = RNG.permutation(len(rows))
    names = ("unique_id", "ds", "y")
    return LIBRARIES[library]({n: [rows[i][k] for i in order] for k, n in enumerate(names)})


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_series_come_back_with_ids_and_dates(library):
    model = FrameForecaster().learn(two_series(library))
    made = model.forecast(3, level=[50, 0.8, 95])
    assert type(made).__module__.split(".")[0] == library
    bounds = [f"forecast-{side}-{level}" for level in (50, 80, 95) for side in ("lo", "hi")]
    names = list(getattr(made, "column_names", None) or made.columns)
    assert names == ["unique_id", "ds", "forecast", *bounds]
    assert (
        column(made, "unique_id") == ["b"] * 3 + ["a"] * 3
        or column(made, "unique_id") == ["a"] * 3 + ["b"] * 3
    )
    when = {key: [] for key in "ab"}
    for key, time in zip(column(made, "unique_id"), column(made, "ds"), strict=True):
        when[key].append(pd.Timestamp(time).date())
    assert when["b"] == [date(2024, 3, 31), date(2024, 4, 1), date(2024, 4, 2)]
    assert when["a"] == [date(2024, 3, 21), date(2024, 3, 22), date(2024, 3, 23)]
    edges = ["lo-95", "lo-80", "lo-50", "hi-50", "hi-80", "hi-95"]
    table = np.array([column(made, f"forecast-{name}") for name in edges])
    assert (np.diff(table, axis=0) >= 0).all()
    alone = RecurrentForecaster(season=7)  # the same as a model of its own
    for n in range(30):
        alone.learn_one(-5.0 * (n % 2))
    mine = [p for key, p in zip(column(made, "unique_id"), column(made, "forecast")) if key == "a"]
    assert mine == alone.forecast(3)


def test_frames_at_once_or_in_parts_give_the_same_bits():
    frame = two_series("pandas").sort_values("ds", kind="stable")
    whole, parts = FrameForecaster().learn(frame), FrameForecaster()
    for start in range(0, len(frame), 17):
        parts.learn(frame[start : start + 17])
    pd.testing.assert_frame_equal(
        whole.forecast(4).sort_values(["unique_id", "ds"], ignore_index=True),
        parts.forecast(4).sort_values(["unique_id", "ds"], ignore_index=True),
    )


def test_a_series_with_dates_in_its_index():
    sales = pd.Series(SALES, index=MONTHS, name="sales")
    made = FrameForecaster().learn(sales).forecast(14)
    assert made.index.name == "ds"
    assert [str(day.date()) for day in made.index[:3]] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert list(made.columns) == ["forecast", "forecast-lo-90", "forecast-hi-90"]
    assert abs(made["forecast"].iloc[0] - 160) < 4
    periods = pd.Series(SALES, index=MONTHS.to_period("M"))
    assert FrameForecaster().learn(periods).forecast(1).index[0] == pd.Timestamp("2024-01-01")


@pytest.mark.parametrize("library", LIBRARIES)
def test_hours_over_the_change_to_summer_time(library):
    hours = pd.date_range("2024-03-29", "2024-03-31 00:00", freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"when": hours, "load": np.arange(len(hours)) % 24.0})
    if library != "pandas":
        frame = pl.from_pandas(frame)
        frame = frame if library == "polars" else frame.to_arrow()
    made = FrameForecaster().learn(frame).forecast(3)
    times = [pd.Timestamp(time) for time in column(made, "when")]
    assert [time.isoformat() for time in times] == [
        *("2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00+02:00"),
    ]


def test_what_is_missing_in_between_is_imputed():
    days = [n for n in range(70) if n not in (30, 31, 45)]
    frame = pl.DataFrame({
        "ds": [date(2024, 1, 1) + timedelta(n) for n in days],
        "y": [float(n % 7) for n in days],
    })  # fmt: skip
    model, plain = FrameForecaster().learn(frame), RecurrentForecaster(season=7)
    for n in range(70):
        plain.learn_one(float(n % 7) if n in days else None)
    made = model.forecast(7)
    assert column(made, "forecast") == plain.forecast(7)
    assert made["ds"].to_list()[0] == date(2024, 3, 11)
    assert model.health()["missing_targets"] == 3
    loose = FrameForecaster(fill=False).learn(frame)
    assert "missing_targets" not in loose.health() or loose.health()["missing_targets"] == 0


def test_inputs_of_the_days_ahead():
    rng = np.random.default_rng(0)
    free = rng.random(120) < 0.3
    frame = pd.DataFrame({
        "ds": pd.date_range("2024-01-01", periods=120), "free": free.astype(float),
    })  # fmt: skip
    frame["y"] = np.where(np.roll(free, 1), 1.0, 5.0)  # the day after a free one
    model = FrameForecaster().learn(frame[:100])
    future = frame[100:103].drop(columns="y")
    made = model.forecast(3, future=future)
    assert np.abs(made["forecast"].to_numpy()[:1] - frame["y"][100:101].to_numpy()).max() < 1.5
    changed = model.forecast(3, future=future.assign(free=1 - future["free"]))
    assert (made["forecast"] != changed["forecast"]).any()
    with pytest.raises(ValueError, match="no row for 2024-04-13"):
        model.forecast(4, future=future)


def test_times_as_text_as_numbers_and_none():
    text = pl.DataFrame({"day": ["30.12.2023", "31.12.2023", "01.01.2024"], "n": [1, 2, 3]})
    assert FrameForecaster().learn(text).forecast(1)["day"][0] == datetime(2024, 1, 2)
    us = pl.DataFrame({"day": [f"0{m}/28/2024" for m in (1, 2, 3)], "n": [1, 2, 3]})
    assert FrameForecaster().learn(us).forecast(1)["day"][0] == datetime(2024, 4, 28)
    zoned = pl.DataFrame({"t": ["2024-01-01T00:00+02:00", "2024-01-01T01:00+02:00"], "y": [1, 2]})
    made = FrameForecaster().learn(zoned).forecast(1)["t"][0]
    assert made == datetime(2024, 1, 1, tzinfo=UTC)
    years = pl.DataFrame({"ds": [2020, 2021, 2022], "y": [1.0, 2.0, 3.0]})
    assert FrameForecaster().learn(years).forecast(2)["ds"].to_list() == [2023, 2024]
    digits = pl.DataFrame({"ds": [20240130, 20240131], "y": [1.0, 2.0]})
    assert FrameForecaster().learn(digits).forecast(1)["ds"].to_list() == [datetime(2024, 2, 1)]
    counted = FrameForecaster().learn(pd.Series([1.0, 2.0, 3.0])).forecast(2)
    assert counted["step"].tolist() == [3, 4]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_come_back_in_their_unit(unit, zone):
    begin = datetime(2024, 1, 1)
    times = pl.datetime_range(
        begin, begin + timedelta(days=5), "1d", time_unit=unit, time_zone=zone, eager=True
    )
    made = FrameForecaster().learn(pl.DataFrame({"ds": times, "y": range(6)})).forecast(1)
    assert made.schema["ds"] == pl.Datetime(unit, zone)
    assert made["ds"][0].replace(tzinfo=None) == datetime(2024, 1, 7)


@pytest.mark.parametrize("library", LIBRARIES)
def test_saved_and_loaded_it_goes_on(library, tmp_path):
    model = FrameForecaster(RecurrentForecaster(point="mean")).learn(two_series(library))
    model.save(f"{tmp_path}/model")
    back = load(f"{tmp_path}/model")
    for one in (model, back, loads(dumps(back))):
        one.learn(LIBRARIES[library]({
            "unique_id": ["b"], "ds": [datetime(2024, 3, 31)], "y": [15.0],
        }))  # fmt: skip
        made = one.forecast(3)
        assert type(made).__module__.split(".")[0] == library
        assert column(made, "forecast") == column(model.forecast(3), "forecast")
        assert column(made, "ds") == column(model.forecast(3), "ds")
    with pytest.raises(CheckpointError):
        FrameForecaster().restore(RecurrentForecaster().snapshot())


def test_dates_of_a_model_that_learned_elsewhere():
    served = Keyed(RecurrentForecaster(), key="shop", share="nothing")
    ys = [float(n % 2) for n in range(20)]
    served.stream([{"shop": "a"}] * 20, ys)
    latest = pl.DataFrame({"shop": ["a"] * 2, "day": [date(2024, 2, 27), date(2024, 2, 28)]})
    made = FrameForecaster(served, time="day").forecast(2, after=latest)
    assert made["day"].to_list() == [date(2024, 2, 29), date(2024, 3, 1)]
    assert made["shop"].to_list() == ["a", "a"]
    assert made["forecast"].to_list() == served.contexts.find("a").state.forecast(2)
    with pytest.raises(ValueError, match="shop = 'z': no value of it was learned"):
        FrameForecaster(served).forecast(2, after=latest.with_columns(shop=pl.lit("z")))


def test_a_calendar_goes_on_in_the_days_ahead():
    times = [datetime(2024, 1, 1) + timedelta(hours=6 * n) for n in range(60)]
    ys = [float(t.hour) for t in times]
    data = pl.DataFrame({"ds": times, "y": ys})
    elsewhere = RecurrentForecaster(timestamp="when")
    elsewhere.stream([{"when": t} for t in times], ys)
    ahead = [{"when": times[-1] + timedelta(hours=6 * k)} for k in range(1, 9)]
    expected = elsewhere.forecast(8, ahead)
    for model in (
        FrameForecaster(RecurrentForecaster(timestamp="when"), calendar=True).learn(data),
        FrameForecaster(elsewhere),  # has learned so before
    ):
        made = model.forecast(8, after=data)
        assert made["forecast"].to_list() == expected
    assert FrameForecaster().learn(data).forecast(8)["forecast"].to_list() != expected


def test_what_cannot_be_is_refused_in_words():
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 3.0]})
    with pytest.raises(ConfigError, match="did you mean 'ds'"):
        FrameForecaster(time="dss").learn(frame)
    with pytest.raises(ConfigError, match="target: 'a', 'b' could be it"):
        FrameForecaster().learn(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ConfigError, match="'u', 'v' are times"):
        FrameForecaster().learn(frame.rename(columns={"ds": "u"}).assign(v=frame.ds))
    with pytest.raises(ConfigError, match="list is no data frame"):
        FrameForecaster().learn([1.0, 2.0])
    with pytest.raises(ConfigError, match="makes no forecasts"):
        FrameForecaster(object())
    model = FrameForecaster().learn(frame)
    later = pd.DataFrame({"ds": pd.to_datetime(["2024-01-04"]).tz_localize("UTC"), "y": [1.0]})
    with pytest.raises(
        BadRecord, match=r"the times have no zone, and 2024-01-04 00:00:00.* has one"
    ):
        model.learn(later)
    many = FrameForecaster()
    with pytest.raises(BadRecord, match=r"unique_id.* cannot be a key"):
        many.learn(frame.assign(unique_id=["a", None, "b"]))
    with pytest.raises(ValueError, match="nothing was learned"):
        many.forecast(1)
    with pytest.raises(BadRecord, match="is before 2024-01-03"):
        model.learn(frame[:1])
    with pytest.raises(BadRecord, match="two values at"):
        FrameForecaster().learn(pd.concat([frame, frame]))
    with pytest.raises(BadRecord, match="row 0 has no time"):
        FrameForecaster().learn(frame.assign(ds=pd.NaT))
    with pytest.raises(BadRecord, match=r"2024-01-05 00:00:00: .*inf"):
        model.learn(pd.DataFrame({"ds": pd.to_datetime(["2024-01-05"]), "y": [np.inf]}))
    assert model.forecast(1)["ds"][0] == pd.Timestamp("2024-01-04")
    with pytest.raises(ValueError, match="nothing was learned"):
        FrameForecaster().forecast(1)
    for level in (0, 100, [80, 80], [], -5):
        with pytest.raises(ConfigError, match="level"):
            model.forecast(1, level=level)


def test_several_levels_without_a_frame():
    model = RecurrentForecaster()
    assert model.forecast(2, level=[80, 95])[0].lower == (-np.inf, -np.inf)
    for n in range(30):
        model.learn_one(float(n % 3))
    both = model.forecast(2, level=[0.8, 95])
    for k, level in enumerate((0.8, 0.95)):
        single = model.forecast(2, level=level)
        assert [(p.point, p.lower[k], p.upper[k]) for p in both] == [tuple(p) for p in single]
