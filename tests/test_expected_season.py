"""A season that the calendar tells is used once it has passed, not when it has been found."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from river import datasets

from stream_rnn import (
    FrameForecaster,
    Keyed,
    RecurrentForecaster,
    RecurrentMultivariateForecaster,
)
from stream_rnn.errors import CheckpointError, ConfigError
from stream_rnn.estimators.expected_season import UNKNOWN, ExpectedSeason
from stream_rnn.forecasting import bank
from stream_rnn.forecasting.experts.default import DEFAULT, seasonal_prior
from stream_rnn.forecasting.experts.levels import Ewma
from stream_rnn.forecasting.inputs.period import FOUND, HELD
from stream_rnn.forecasting.mixing import boa, mix

AIR = [(x, float(y)) for x, y in datasets.AirlinePassengers()]
XS, YS = [x for x, _ in AIR], [y for _, y in AIR]


def error(model, xs=None):
    made = model.prequential(YS, xs)
    return float(np.abs(made[1:] - np.array(YS)[1:]).mean())


def same(a, b):
    mine, other = a.snapshot(), b.snapshot()
    assert mine.arrays.keys() == other.arrays.keys()
    assert mine.meta == other.meta
    for name, array in mine.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)


def found(model):
    return int(model._series.banks[0].period.found[FOUND])


# What it is worth --------------------------------------------------------------------------


def test_months_make_the_second_year_better():
    without = error(RecurrentForecaster())
    assert 9.1 < without < 9.25
    assert error(RecurrentForecaster(), XS) < 8.7
    assert error(RecurrentForecaster(season=12)) < 8.7
    assert error(RecurrentForecaster(season=0), XS) > 9.1


def test_a_walk_whose_calendar_says_twelve_costs_little():
    walk = np.cumsum(np.random.default_rng(3).normal(size=200))
    told, plain = (
        np.abs(RecurrentForecaster(season=m).prequential(walk)[1:] - walk[1:]).mean()
        for m in (12, 0)
    )
    assert told < 1.02 * plain


# What the times tell -----------------------------------------------------------------------


def steps(count, **step):
    first = datetime(2024, 1, 1, tzinfo=UTC)
    return [first + k * timedelta(**step) for k in range(count)]


@pytest.mark.parametrize(
    ("times", "after", "season"),
    [
        (steps(9, hours=1), 3, 24),
        (steps(9, minutes=30), 3, 48),
        (steps(9, minutes=5), 3, 288),
        (steps(9, minutes=1), 3, 0),  # 1,440 are too many
        (steps(9, days=7), 3, 52),
        (steps(9, days=1), 7, 7),
        (["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08",
          "2024-01-09"], 7, 5),
        (["2024-01", "2024-02", "2024-03"], 3, 12),
        (["2024-01-31", "2024-02-29", "2024-03-31"], 3, 12),
        (["2024-Q1", "2024-Q2", "2024-Q3"], 3, 4),
        (["2021", "2022", "2023"], 3, 0),
        ([1704067200, 1704070800, 1704074400], 3, 24),
        (["2024-01-01", "2024-02-01", "2024-02-17"], 3, 0),  # irregular
        (["2024-01-01", "2023-12-01"], 2, 0),  # back in time
        (["2024-01-01", None], 2, 0),
        (["soon"], 1, 0),
    ],
)  # fmt: skip
def test_season_of_times(times, after, season):
    xs = [{"timestamp": time} for time in times]
    assert ExpectedSeason(None).look(xs, "timestamp", 0) == (after, season)
    for n in range(after):  # not before
        assert ExpectedSeason(None).look(xs[:n], "timestamp", 0) == (0, UNKNOWN)


def test_no_time_no_season():
    assert ExpectedSeason(None).look([{"load": 3.0}], "timestamp", 0) == (1, 0)
    assert ExpectedSeason(None).look(None, "timestamp", 0) == (0, 0)
    two = {"from": datetime(2024, 1, 1), "to": datetime(2024, 2, 1)}
    assert ExpectedSeason(None).look([two], "timestamp", 0) == (1, 0)  # which of them?
    assert ExpectedSeason(None).look(XS, "timestamp", 5) == (0, 0)  # five went by without


@pytest.mark.parametrize("season", [2, 401, -1, 12.0, True, "12"])
def test_what_is_no_season_is_refused(season):
    with pytest.raises(ConfigError, match="3 to 400"):
        RecurrentForecaster(season=season)


# The same however the stream is cut ---------------------------------------------------------


def months(model, at, end=30):
    for a, b in ((0, at), (at, end)):
        model.stream(XS[a:b], YS[a:b])
    return model


@pytest.mark.parametrize("at", [1, 2, 3, 4, 12, 13])
def test_chunks_and_restarts(at):
    whole = months(RecurrentForecaster(), 0)
    assert found(whole) == 12
    same(months(RecurrentForecaster(), at), whole)
    again = RecurrentForecaster()
    again.restore(months(RecurrentForecaster(), at, at).snapshot())
    again.stream(XS[at:30], YS[at:30])
    same(again, whole)


def test_one_at_a_time():
    one = RecurrentForecaster()
    for x, y in AIR[:30]:
        one.learn_one(y, x)
    same(one, months(RecurrentForecaster(), 0))


def test_a_checkpoint_from_before_expects_none():
    kept = months(RecurrentForecaster(), 0, 2).snapshot()
    kept.meta.pop("season")
    arrays = {n: a for n, a in kept.arrays.items() if not n.endswith("mix.expected")}
    old = RecurrentForecaster()
    old.restore(kept._replace(arrays=arrays))
    old.stream(XS[2:10], YS[2:10])
    assert found(old) == 0


@pytest.mark.parametrize("saved", [{"season": 10**9}, {"season": 12, "times": ["soon"]}, 12])
def test_a_checkpoint_that_was_edited_is_named(saved):
    kept = months(RecurrentForecaster(), 0, 2).snapshot()
    kept.meta["season"] = {"times": []} | saved if isinstance(saved, dict) else saved
    with pytest.raises(CheckpointError, match="expected season"):
        RecurrentForecaster().restore(kept)


def test_several_targets():
    both = [{"a": y, "b": 2 * y + t % 5} for t, y in enumerate(YS[:30])]
    whole, one = RecurrentMultivariateForecaster(), RecurrentMultivariateForecaster()
    whole.stream(XS[:30], both)
    for x, y in zip(XS, both):
        one.learn_one(y, x)
    same(one, whole)
    assert [int(s.banks[0].period.found[FOUND]) for s in whole._series] == [12, 12]


def test_each_key_has_its_own():
    model = Keyed(RecurrentForecaster(), key="shop", share="nothing")
    xs = [{**x, "shop": shop} for x in XS[:20] for shop in "ab"]
    model.stream(xs, [y for y in YS[:20] for _ in "ab"])
    assert [found(model.contexts.find(shop).state) for shop in "ab"] == [12, 12]


# Frames ------------------------------------------------------------------------------------


def frame(end, start=0, **more):
    dates = pd.date_range("1949-01-01", periods=end, freq="MS")[start:]
    return pd.DataFrame({"ds": dates, "y": YS[start:end], **more})


def test_frames_tell_it_without_reading_the_time():
    whole = FrameForecaster().learn(frame(30))
    plain = RecurrentForecaster(season=None)
    plain.stream([{}] * 3, YS[:3])
    plain.expect_season(12)
    plain.stream([{}] * 27, YS[3:30])
    same(whole._model, plain)
    for at in (2, 3, 4):
        parts = FrameForecaster().learn(frame(at)).learn(frame(30, at))
        same(parts._model, whole._model)


def test_each_series_of_a_frame():
    two = pd.concat([frame(30, unique_id="a"), frame(30, unique_id="b")])
    model = FrameForecaster().learn(two)
    assert [found(part) for part in model.learned_parts().values()] == [12, 12]


# The mixture -------------------------------------------------------------------------------


def test_experts_of_the_season_have_their_prior():
    prior = seasonal_prior(DEFAULT)
    assert prior.sum() == pytest.approx(1)
    assert prior[4:7].sum() == pytest.approx(0.4)
    assert (seasonal_prior((Ewma(1.0), Ewma(0.5))) == 0).all()


def test_awaken_is_a_beginning_at_the_prior():
    """The naive twin: a mixture allocated with that prior, of which nothing was seen."""
    mine = bank.allocate(DEFAULT, 0, 1, 0)
    rng = np.random.default_rng(0)
    for table in (mine.mix.first.table, mine.mix.top.table):
        table[:, [boa.REGRET, boa.VARIANCE, boa.RANGE, boa.RATE]] = rng.random((2, 4, 1))
        table[:, boa.WEIGHT] = rng.dirichlet(np.ones(table.shape[2]))
    bank.expect(mine, 12, seasonal_prior(DEFAULT))
    assert list(mine.period.found[[FOUND, HELD]]) == [12, 26]
    mix.awaken(mine.mix)
    twin = boa.allocate(seasonal_prior(DEFAULT))
    np.testing.assert_allclose(mine.mix.first.table, twin.table, rtol=1e-15)
    shares = np.array([0.05, *(np.array([0.3, 0.1, 0.1, 0.2]) * 0.95 / 0.7)])
    np.testing.assert_allclose(mine.mix.top.table, boa.allocate(shares).table, rtol=1e-12)
    before = [array.copy() for array in (mine.mix.first.table, mine.mix.top.table)]
    mix.awaken(mine.mix)  # once
    np.testing.assert_array_equal(before[0], mine.mix.first.table)
    np.testing.assert_array_equal(before[1], mine.mix.top.table)
