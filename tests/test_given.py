"""Forecasts from outside, in a field of each record, beside those of a forecaster."""

from types import SimpleNamespace

import naive_forecasting as naive
import numpy as np
import pandas as pd
import pytest
from helpers import EXPERTS
from moved import PAGE, move_blocks

from stream_rnn import (
    FrameForecaster,
    Given,
    RecurrentAnomalyDetector,
    RecurrentForecaster,
    RecurrentMultivariateForecaster,
    learned,
)
from stream_rnn.cli.evaluate_config import Asked, configure
from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.protocol import member_weights
from stream_rnn.forecasting import bank as banks
from stream_rnn.forecasting import outside, spare
from stream_rnn.forecasting.columns import MEDIAN, OWN, WIDTH
from stream_rnn.forecasting.experts.levels import Ewma
from stream_rnn.forecasting.far import blend, learner, told
from stream_rnn.forecasting.mixing import boa
from stream_rnn.numerics import laid
from stream_rnn.specs import estimator

SMALL = (Ewma(1.0), Ewma(0.3))
RNG = np.random.default_rng(4)
Y = np.cumsum(RNG.normal(size=150))
G = Y + 0.3 * RNG.normal(size=150)
X = [{"vendor": g} for g in G.tolist()]


@pytest.fixture
def interpreted(monkeypatch):
    """The forecaster's loops as plain Python: tiny streams cost less so than a compilation."""
    monkeypatch.setattr(laid, "INTERPRETED", True)
    monkeypatch.setattr(spare, "_spares", {})  # what compiled loops were given is none of ours
    for module, names in ((banks, ("run", "foresee")), (learner, ("run", "keep", "forecast"))):
        monkeypatch.setattr(module, "bound", lambda state: SimpleNamespace(state=state))
        for name in names:
            entry = getattr(module, name)
            monkeypatch.setattr(module, name, getattr(entry, "py_func", entry))


def forecaster(*names, experts=SMALL, **settings):
    return RecurrentForecaster(experts=(*experts, *map(Given, names)), **settings)


def errors(rows, ys=Y):
    return np.array([abs(r["prediction"] - y) for r, y in zip(rows[1:], ys[1:])])


# The kernels ----------------------------------------------------------------------------------


def tell(mixture, own, x, truth, last=0.0, leap=1.0):
    """One record: the row that is given out."""
    row = np.zeros(2 * WIDTH)
    row[:WIDTH] = own
    anchor = np.array([last, leap, 1.0])
    interval = banks.interval.allocate()
    outside.tell(mixture, interval, np.array(x, float), anchor, row)
    outside.learn(mixture, leap, True, truth)
    outside.calibrate(mixture, interval, row[OWN:], truth)
    return row


def test_the_mixture_is_boas_over_bank_and_outside_forecast():
    mixture, prior = outside.allocate(1), np.array([0.25, 0.25, 0.25, 0.25])
    regrets, bias = [], 0.0
    for n in range(40):
        truth, own, given = np.sin(n), np.sin(n) + 0.4 * (-1) ** n, np.sin(n) + 0.1
        experts = np.array([own, own, given, given + bias])
        weights = naive.boa(prior, np.array(regrets)) if regrets else prior
        np.testing.assert_allclose(mixture.mix.first.table[0, boa.WEIGHT], weights, rtol=1e-9)
        combined = weights @ experts
        regrets.append(np.sign(combined - truth) * (combined - experts))
        tell(mixture, own, [given], truth)
        bias += max(1 / (n + 6), 0.005) * (truth - given - bias)
        assert mixture.bias[0, 0] == pytest.approx(bias)
    counts = outside.shares(mixture, 0)
    assert counts.sum() == pytest.approx(1)
    assert counts[1] > 0.8


def test_shares_are_the_coefficients_of_the_forecast():
    mixture = outside.allocate(2)
    for n in range(30):
        tell(mixture, np.cos(n), [np.sin(n), np.sin(2 * n)], np.sin(n) + 0.1 * np.cos(5 * n))
    counts = outside.shares(mixture, 0)
    bias = mixture.bias[0] * 0
    mixture.bias[0] = bias
    row = tell(mixture, 0.2, [0.7, -0.4], 0.0)
    assert row[MEDIAN] == pytest.approx(counts @ [0.2, 0.7, -0.4])


def test_who_says_nothing_sleeps():
    mixture = outside.allocate(2)
    for n in range(20):
        tell(mixture, np.cos(n), [np.sin(n), 0.5 * np.sin(n)], np.sin(n))
    before = mixture.mix.first.table.copy()
    row = tell(mixture, 0.3, [np.nan, np.nan], 5.0)
    assert (row[:WIDTH] == 0.3).all()
    np.testing.assert_array_equal(mixture.mix.first.table, before)
    tell(mixture, 0.3, [0.9, np.nan], 1.0)
    regret = mixture.mix.first.table[0, boa.REGRET] - before[0, boa.REGRET]
    assert abs(regret[:4]).min() > 0
    np.testing.assert_allclose(regret[4:], 0, atol=1e-12)


def test_far_forecasts_are_limited_and_absurd_ones_say_nothing():
    mixture = outside.allocate(1)
    rows = [tell(mixture, 0.0, [100.0 * (-1) ** n], 0.1) for n in range(60)]
    assert 1 < abs(rows[0][MEDIAN]) <= 12
    assert abs(rows[-1][MEDIAN]) < 0.3
    assert (tell(mixture, 0.25, [1e300], 0.1)[:WIDTH] == 0.25).all()
    assert mixture.tally[outside.TOLD] == 60


def test_far_weights_are_least_squares_by_band():
    H, N = 24, 5
    far, ways = told.allocate(H, 1), blend.allocate(H, 1)
    ways.scale[:], far.near[:] = 0.5, 0.3
    past, unknown, rng = np.zeros(H + 1), np.zeros(H), np.random.default_rng(1)
    pairs = [[] for _ in range(blend.BANDS)]
    bands = [blend.band(j) for j in range(H)]
    for n in range(1, N + 1):
        y, o, g = rng.normal(size=(3, H)) * [[1.0], [0.4], [0.2]]
        o, g = y + o, y + g
        g[n] = np.nan
        for t in range(n * H, (n + 1) * H):
            told.observe(far, g[t % H : t % H + 1], t)
        ways.at[0], ways.blended[0] = n * H - 1, o
        past[:H] = y[::-1]
        told.learn(far, ways, past, unknown, (n + 1) * H - 1)
        for band in range(blend.BANDS):
            sums = np.array(
                [
                    [(y[j] - o[j]) * (g[j] - o[j]), (g[j] - o[j]) ** 2]
                    for j in range(H)
                    if bands[j] == band and j != n
                ]
            )
            pairs[band].append(sums.sum(0) if len(sums) else np.zeros(2))
    out = np.zeros((H, WIDTH))
    xs = np.full((H, 1), 1.0)
    xs[3] = np.nan
    told.add(far, ways, xs, out)
    for j in range(H):
        faded = sum(told.FORGET ** (N - 1 - n) * p for n, p in enumerate(pairs[bands[j]]))
        origins = far.loss[bands[j], told.ORIGINS]
        weight = (0.3 + origins * np.clip(faded[0] / faded[1], 0, 1)) / (origins + 1)
        assert out[j, MEDIAN] == pytest.approx(0.0 if j == 3 else weight, abs=1e-12)
    assert out[5, MEDIAN] > 0.5


# The estimator --------------------------------------------------------------------------------


def test_an_outside_forecast_gets_the_weight_it_deserves(interpreted):
    model, alone = forecaster("vendor"), forecaster()
    made, without = (
        errors(model.stream(X, Y.tolist())),
        errors(alone.stream([{}] * 150, Y.tolist())),
    )
    assert made[50:].mean() < 1.05 * abs(G - Y)[51:].mean() < 0.5 * without[50:].mean()
    weights = member_weights(model)
    assert set(weights) == {"Ewma", "given_vendor"}
    assert weights["given_vendor"] > 0.8
    assert sum(weights.values()) == pytest.approx(1)
    assert learned(model)["series"][0]["experts"] == weights
    assert model._features.names == ()
    health = model.health()
    assert health["loss_sum"] == pytest.approx(made.sum())
    assert health["rolling_mae"] < 1


def test_without_one_the_bits_are_those_of_a_forecaster_without(interpreted):
    model, alone = forecaster("vendor"), forecaster()
    xs = [{**x, "vendor": None if t % 3 else x["vendor"]} for t, x in enumerate(X)]
    told_of, plain = model.stream(xs, Y.tolist()), alone.stream([{}] * 150, Y.tolist())
    for t, (one, other) in enumerate(zip(told_of, plain)):
        assert (one["prediction"] == other["prediction"]) is bool(t % 3 or t == 0)
        assert one["forecast"] == other["forecast"], "what is known of the next record"
    assert model.forecast(3) == alone.forecast(3)


def test_one_at_a_time_and_restored_are_the_same_bits(interpreted):
    xs = [{**x, "u": float(t % 5)} if t > 40 else x for t, x in enumerate(X)]  # and grown
    ys = [None if t in (60, 61) else y for t, y in enumerate(Y.tolist())]
    whole, parts = forecaster("vendor", horizons=(1, 3)), forecaster("vendor", horizons=(1, 3))
    rows = whole.stream(xs, ys)
    single = parts.stream(xs[:1], ys[:1])
    for x, y in zip(xs[1:70], ys[1:70]):
        single += parts.stream([x], [y])
    again = forecaster("vendor", horizons=(1, 3))
    again.restore(parts.snapshot())
    assert rows == single + again.stream(xs[70:], ys[70:])
    ahead = [{"vendor": 3.0}, {}, {"vendor": 4.0}]
    assert whole.forecast(3, ahead, level=0.8) == again.forecast(3, ahead, level=0.8)
    with pytest.raises(CheckpointError):
        forecaster(horizons=(1, 3)).restore(parts.snapshot())


def test_future_forecasts_are_read_where_they_are_known(interpreted):
    model = forecaster("vendor")
    model.stream(X[:100], Y[:100].tolist())
    last = Y[99]
    plain, one = model.forecast(1)[0], model.forecast(1, [{"vendor": last + 2}])[0]
    assert abs(plain - last) < 0.1 < 1.5 < one - last
    ahead = [{"vendor": last + 2}] * 12 + [{}] * 12
    before, far = np.array(model.forecast(24)), np.array(model.forecast(24, ahead))
    assert (far - before > 1)[:12].all()
    np.testing.assert_array_equal(far[12:], before[12:])
    rows = model.forecast(24, ahead, level=0.9)
    assert rows[11].upper - rows[11].lower < 0.9 * (rows[12].upper - rows[12].lower)
    twin = forecaster("vendor")
    twin.restore(model.snapshot())
    assert model.forecast(24, ahead) == twin.forecast(24, ahead)


BAD = [
    ({"vendor": "much"}, "forecast 'vendor': 'much' is not a finite number"),
    ({"vendor": float("inf")}, "None if it is missing"),
]


@pytest.mark.parametrize(("x", "message"), BAD)
def test_what_is_no_forecast_is_refused(x, message):
    model = forecaster("vendor")
    with pytest.raises(BadRecord, match=message) as caught:
        model.stream([{"vendor": 1.0}, x], [1.0, 2.0])
    assert caught.value.index == 1
    assert list(model.check([{"vendor": "NA"}, x], [1.0, 2.0])) == [1]


@pytest.mark.parametrize(
    ("experts", "message"),
    [((Given(3),), "name of a field"), ((Given("a"), Given("a")), "twice")],
)
def test_names_that_make_no_sense_are_refused(experts, message):
    with pytest.raises(ConfigError, match=message):
        RecurrentForecaster(experts=experts)
    with pytest.raises(ValueError, match="only a forecaster"):
        RecurrentAnomalyDetector(experts=(*SMALL, Given("a"))).stream([{"x": 1.0}], [None])
    with pytest.raises(BadRecord, match="no field 'a'"):
        forecaster("a").prequential(Y, np.zeros((150, 1)))


def test_a_configuration_names_it():
    table = {"type": "forecaster", "experts": [{"type": "Given", "name": "vendor"}]}
    model = estimator(table)
    assert model._given == ("vendor",)
    assert model._specs() == RecurrentForecaster()._specs()


@pytest.mark.slow
def test_bits_do_not_depend_on_the_place_nor_on_the_cut(monkeypatch):
    found = []
    for apart, offset in ((1024, 0), (PAGE + 192, 1984)):
        move_blocks(monkeypatch.setattr, apart, offset)
        model = forecaster("vendor", experts=EXPERTS)
        rows = model.stream(X[:60], Y[:60].tolist())
        model.forecast(24)
        for x, y in zip(X[60:], Y[60:].tolist()):
            rows += model.stream([x], [y])
        arrays = sorted(model.snapshot().arrays.items())
        found.append((rows, model.forecast(24, X[:24]), [a.tobytes() for _, a in arrays]))
    assert found[0] == found[1]
    whole = forecaster("vendor", experts=EXPERTS)
    assert whole.stream(X, Y.tolist()) == found[0][0]


@pytest.mark.slow
def test_several_series_have_an_outside_forecast_each_and_far_steps(interpreted):
    def model():
        return RecurrentMultivariateForecaster(experts=(*SMALL, Given("vendor")))

    ys = [{"a": y, "b": -2 * y} for y in Y[:70].tolist()]
    nested = [{"vendor": {"a": g, "b": 0.0}, "u": 1.0} for g in G[:70].tolist()]
    flat = [{"vendor.a": x["vendor"]["a"], "vendor.b": 0.0, "u": 1.0} for x in nested]
    whole, parts = model(), model()
    rows = whole.stream(nested, ys)
    parts.stream(flat[:50], ys[:50])
    parts.forecast(24)
    whole.forecast(24)  # learns far steps from the window, later than the other one
    again = model()
    again.restore(parts.snapshot())
    assert again.stream(flat[50:], ys[50:]) == rows[50:]
    assert abs(np.array([r["prediction"]["a"] for r in rows[40:]]) - Y[40:70]).mean() < 0.5
    ahead = [{"vendor": {"a": Y[69] + 2}}] * 24
    one, other = whole.forecast(24), whole.forecast(24, ahead)
    assert other[0]["a"] - one[0]["a"] > 1
    assert all(after["a"] > before["a"] for before, after in zip(one, other))
    assert [row["b"] for row in one] == [row["b"] for row in other]
    assert "far.1.learned.blend.loss" in again.snapshot().arrays
    parts.stream(flat[50:], ys[50:])
    assert parts.forecast(30, ahead, level=0.9) == again.forecast(30, ahead, level=0.9)
    assert list(learned(whole)["series"][0]["experts"]) == ["Ewma", "given_vendor"]


def test_evaluate_is_told_the_field(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text("vendor,load\n" + "".join(f"{t % 7},{t % 7 + 0.1}\n" for t in range(60)))
    asked = Asked(str(path), ("load",), estimator="forecaster", given=("vendor",))
    loaded = configure(asked)
    assert loaded.estimator["experts"] == [{"type": "Given", "name": "vendor"}]
    assert "vendor" not in loaded.features.exclude
    mixed = configure(asked._replace(estimator="stream-regressor")).estimator
    assert estimator(mixed)._labels[-1] == "given_vendor"
    with pytest.raises(ConfigError, match="takes no forecast made elsewhere"):
        configure(asked._replace(estimator="regressor"))
    with pytest.raises(ConfigError, match="did you mean 'vendor'"):
        configure(asked._replace(given=("vendr",)))


def test_a_frame_brings_it_and_so_does_the_future(interpreted):
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60, freq="h"), "y": Y[:60]})
    frame["vendor"] = G[:60]
    frame.loc[20:25, "vendor"] = None
    model = FrameForecaster(forecaster("vendor", horizons=(1,))).learn(frame[:58])
    future = frame[58:][["ds", "vendor"]].assign(vendor=Y[57] + 3)
    plain, told_of = model.forecast(2), model.forecast(2, future=future)
    assert (told_of.forecast - plain.forecast > 1.5).all()
