"""The series that `forecasting.py` runs: where each comes from and how it is scored."""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

MAE, NRMSE, MSE, RATIO = "MAE", "NRMSE", "MSE", "Σ|e|/Σ|y|"
SQUARED = (NRMSE, MSE)  # measures that the mean head is for


class Stream(NamedTuple):
    """A series, or several columns of one, with its protocol.

    `recipe` and `rival` are the figures to reach: those of the recipe the forecaster was
    built from, and of the best other forecaster, chosen in hindsight, known before.
    """

    name: str
    load: Callable[[], "Data"]
    measure: str = MAE
    horizon: int = 1
    first: int = 0  # the first record that is scored
    last: int | None = None  # the record after the last one
    recipe: float | None = None
    rival: str = ""
    together: bool = False  # the columns in one multivariate forecaster


class Data(NamedTuple):
    values: np.ndarray  # (T, C)
    inputs: list[dict] | None = None


def column(values) -> Data:
    """One series; missing values are left out."""
    array = np.asarray(values, float)
    return Data(array[~np.isnan(array)][:, None])


# Bundled with statsmodels, river and vega_datasets -----------------------------------------


def statsmodels(name: str, field: str) -> Data:
    from statsmodels import datasets

    return column(getattr(datasets, name).load_pandas().data[field])


def el_nino() -> Data:
    from statsmodels import datasets

    return column(datasets.elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel())


def airline_months() -> Data:
    """Records as river hands them, with a `datetime` in the field month."""
    from river import datasets

    records = list(datasets.AirlinePassengers())
    return Data(column([y for _, y in records]).values, [x for x, _ in records])


def river_target(name: str) -> Data:
    from river import datasets

    return column([y for _, y in getattr(datasets, name)()])


def river_returns(name: str) -> Data:
    from river import datasets

    return column([x[name] for x, _ in datasets.SP500Stocks()])


def vega(name: str, field: str, **only) -> Data:
    from vega_datasets import local_data

    frame = getattr(local_data, name)()
    for key, value in only.items():
        frame = frame[frame[key] == value]
    return column(frame[field].to_numpy(float))


# Generated ---------------------------------------------------------------------------------


def mackey_glass(count: int = 20_000, tau: int = 17, sub: int = 10, skip: int = 500) -> Data:
    """x' = .2 x(t − τ)/(1 + x(t − τ)¹⁰) − .1 x, from x = 1.2, by Runge–Kutta, sampled at 1."""
    dt, delay = 1 / sub, tau * sub
    x = np.full((count + skip) * sub + delay + 1, 1.2)

    def slope(now, then):
        return 0.2 * then / (1 + then**10) - 0.1 * now

    for t in range(delay, len(x) - 1):
        then, next_then = x[t - delay], x[t - delay + 1]
        middle = (then + next_then) / 2
        a = slope(x[t], then)
        b = slope(x[t] + dt / 2 * a, middle)
        c = slope(x[t] + dt / 2 * b, middle)
        d = slope(x[t] + dt * c, next_then)
        x[t + 1] = x[t] + dt / 6 * (a + 2 * b + 2 * c + d)
    return column(x[delay::sub][skip : skip + count])


def lorenz(count: int = 10_000, dt: float = 0.05, sub: int = 5, skip: int = 1000) -> Data:
    """x of the Lorenz system (10, 28, 8/3) from (1, 1, 1), by Runge–Kutta, sampled at *dt*."""
    step, out = dt / sub, []
    v = np.ones(3)

    def slope(v):
        return np.array([10 * (v[1] - v[0]), v[0] * (28 - v[2]) - v[1], v[0] * v[1] - 8 / 3 * v[2]])

    for t in range((count + skip) * sub):
        a = slope(v)
        b = slope(v + step / 2 * a)
        c = slope(v + step / 2 * b)
        v = v + step / 6 * (a + 2 * b + 2 * c + slope(v + step * c))
        if t % sub == sub - 1:
            out.append(v[0])
    return column(out[skip:])


# Files in the folder of the data -----------------------------------------------------------


def taxi(folder: Path, calendar: bool) -> Data:
    with (folder / "nyc_taxi.csv").open() as file:
        rows = list(csv.reader(file))[3:]
    xs = [{"timestamp": row[0]} for row in rows] if calendar else None
    return Data(column([row[1] for row in rows]).values, xs)


def ett(folder: Path) -> Data:
    """Seven columns, standardised by their first 2,880 rows (the protocol of FSNet)."""
    with (folder / "ETTh1.csv").open() as file:
        values = np.array([row[1:] for row in list(csv.reader(file))[1:]], float)[:14_400]
    past = values[:2880]
    return Data((values - past.mean(axis=0)) / past.std(axis=0))


def reference(folder: Path) -> list[Stream]:
    """The streams on which the recipe's figures are known."""
    taxi_protocol = {"measure": RATIO, "horizon": 5, "first": 10_000}
    ett_protocol = {"measure": MSE, "first": 3600, "rival": ".2210 RLS on 60 lags"}
    return [
        Stream(
            "airline",
            partial(river_target, "AirlinePassengers"),
            recipe=10.17,
            rival="11.8 HoltWinters(m=12)",
        ),
        Stream(
            "sunspots",
            partial(statsmodels, "sunspots", "SUNACTIVITY"),
            recipe=12.41,
            rival="12.46 BayesianLinearRegression",
        ),
        Stream(
            "Nile",
            partial(statsmodels, "nile", "volume"),
            recipe=119.2,
            rival="120.4 HoltWinters",
        ),
        Stream("El Niño", el_nino, recipe=0.381, rival=".496 SNARIMAX(10,1,0)"),
        Stream(
            "CO2", partial(statsmodels, "co2", "co2"), recipe=0.319, rival=".384 SNARIMAX(10,1,0)"
        ),
        Stream(
            "WaterFlow", partial(river_target, "WaterFlow"), recipe=0.621, rival=".631 last value"
        ),
        Stream(
            "TrumpApproval",
            partial(river_target, "TrumpApproval"),
            recipe=0.1516,
            rival=".1512 last value",
        ),
        Stream("Mackey–Glass h=1", mackey_glass, NRMSE, recipe=0.0034, rival=".039"),
        Stream("Mackey–Glass h=6", mackey_glass, NRMSE, 6, recipe=0.058, rival=".227"),
        Stream("Lorenz x", lorenz, NRMSE, recipe=0.0180, rival=".079"),
        Stream(
            "NYC taxi h=5, calendar",
            partial(taxi, folder, True),
            **taxi_protocol,
            recipe=0.0597,
            rival=".0706 nearest neighbour, .0809 HTM",
        ),
        Stream(
            "NYC taxi h=5",
            partial(taxi, folder, False),
            **taxi_protocol,
            recipe=0.0645,
            rival=".0706 nearest neighbour, .0809 HTM",
        ),
        Stream("ETTh1", partial(ett, folder), **ett_protocol, recipe=0.2062),
        Stream(
            "ETTh1 together", partial(ett, folder), **ett_protocol, recipe=0.2062, together=True
        ),
    ]


def further() -> list[Stream]:
    """Further series, from packages that bundle them."""
    macro = partial(statsmodels, "macrodata")
    employment = partial(vega, "us_employment")
    weather = partial(vega, "seattle_weather")
    loads: dict[str, Callable[[], Data]] = {
        "airline, with its months": airline_months,
        "real GDP": partial(macro, "realgdp"),
        "consumer prices": partial(macro, "cpi"),
        "money M1": partial(macro, "m1"),
        "treasury bill rate": partial(macro, "tbilrate"),
        "unemployment": partial(macro, "unemp"),
        "inflation": partial(macro, "infl"),
        "German inflation": partial(statsmodels, "interest_inflation", "Dp"),
        "Danish money": partial(statsmodels, "danish_data", "lrm"),
        "copper price": partial(statsmodels, "copper", "COPPERPRICE"),
        "strike durations": partial(statsmodels, "strikes", "duration"),
        "chick weights": partial(river_target, "ChickWeights"),
        "Apple stock, monthly": partial(vega, "stocks", "price", symbol="AAPL"),
        "IBM stock, monthly": partial(vega, "stocks", "price", symbol="IBM"),
        "IBM returns, daily": partial(river_returns, "IBM"),
        "US employment": partial(employment, "nonfarm"),
        "US construction jobs": partial(employment, "construction"),
        "Seattle temperature, hourly": partial(vega, "seattle_temps", "temp"),
        "San Francisco temperature, hourly": partial(vega, "sf_temps", "temp"),
        "Seattle maximum, daily": partial(weather, "temp_max"),
        "Seattle wind, daily": partial(weather, "wind"),
        "Seattle rain, daily": partial(weather, "precipitation"),
    }
    return [Stream(name, load) for name, load in loads.items()]


# Scoring -----------------------------------------------------------------------------------


def score(stream: Stream, truth: np.ndarray, made: np.ndarray) -> float:
    """The stream's measure over the records that had a forecast, averaged over columns.

    *truth* and *made* are (T, C); the first `horizon` records have no forecast (NaN).
    """
    y, p = truth[stream.first : stream.last], made[stream.first : stream.last]
    error = p - y
    if stream.measure == NRMSE:
        parts = np.sqrt(np.nanmean(error**2, axis=0)) / truth.std(axis=0)
    elif stream.measure == MSE:
        parts = np.nanmean(error**2, axis=0)
    elif stream.measure == RATIO:
        parts = np.nansum(abs(error), axis=0) / np.where(np.isnan(p), 0, abs(y)).sum(axis=0)
    else:
        parts = np.nanmean(abs(error), axis=0)
    return float(parts.mean())
