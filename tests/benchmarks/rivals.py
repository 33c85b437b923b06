"""Other forecasters on the same series, each value forecast before it is learned.

deep-river needs an older river and runs in an environment of its own, see
`peers/requirements.txt`.
"""

import json
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from river import linear_model, neighbors, preprocessing, time_series

from stream_rnn.evaluation.peers import find_period, last_value

SCRIPT = Path(__file__).with_name("peers") / "deep_river_forecast.py"
DEEP = ("deep-river LSTM", "deep-river LSTM, lr .01")
LONGEST_SEASON = 200  # SNARIMAX keeps a dict of as many errors and copies it per forecast


class TooSlow(Exception):
    """The forecaster took longer than it was given."""


class Regression:
    """A regression on the last *lags* values; its forecasts are inputs of the next steps."""

    def __init__(self, model: Any, lags: int = 10):
        self.model = model
        self.past: deque[float] = deque(maxlen=lags)

    def learn_one(self, y: float) -> None:
        if len(self.past) == self.past.maxlen:
            self.model.learn_one(self._inputs(self.past), y)
        self.past.append(y)

    def forecast(self, horizon: int) -> list[float]:
        if len(self.past) < (self.past.maxlen or 0):
            raise ValueError("too few values yet")
        past, made = self.past.copy(), []
        for _ in range(horizon):
            made.append(self.model.predict_one(self._inputs(past)))
            past.append(made[-1])
        return made

    @staticmethod
    def _inputs(past: deque[float]) -> dict:
        return {"one": 1.0, **dict(enumerate(past))}


def rivals(values: np.ndarray) -> dict[str, Callable[[], Any]]:
    """river's forecasters for one series by name; the season's length is known in hindsight."""
    m = find_period(values.tolist())
    found: dict[str, Callable[[], Any]] = {
        "SNARIMAX(10,1,0)": lambda: time_series.SNARIMAX(p=10, d=1, q=0),
        "BayesianLinearRegression, 10 lags": lambda: Regression(
            linear_model.BayesianLinearRegression()
        ),
        "nearest neighbours, 10 lags": lambda: Regression(
            preprocessing.StandardScaler() | neighbors.KNNRegressor()
        ),
        "HoltWinters": lambda: time_series.HoltWinters(alpha=0.3, beta=0.1),
    }
    if m > 1:
        positive = bool(values.min() > 0)
        found["HoltWinters(m)"] = lambda: time_series.HoltWinters(
            alpha=0.3, beta=0.1, gamma=0.6, seasonality=m, multiplicative=positive
        )
        if m <= LONGEST_SEASON:
            found["SNARIMAX(1,0,0)(1,1,0,m)"] = lambda: time_series.SNARIMAX(
                p=1, d=0, q=0, m=m, sp=1, sd=1, sq=0
            )
    return found


NAMES = (
    "last value",
    "season before",
    "SNARIMAX(10,1,0)",
    "SNARIMAX(1,0,0)(1,1,0,m)",
    "HoltWinters",
    "HoltWinters(m)",
    "BayesianLinearRegression, 10 lags",
    "nearest neighbours, 10 lags",
)


def forecast(name: str, values: np.ndarray, horizon: int, seconds: float) -> np.ndarray | None:
    """Forecasts (T,) of one series (T,); None if *name* needs a season and there is none.

    Raises `TooSlow` after *seconds*.
    """
    if name == "last value":
        return last_value(values, horizon)
    if name == "season before":
        m = find_period(values.tolist())
        return last_value(values, -(-horizon // m) * m) if m > 1 else None
    make = rivals(values).get(name)
    return None if make is None else run(make(), values, horizon, seconds)


def run(model: Any, values: np.ndarray, horizon: int, seconds: float) -> np.ndarray:
    """Where the model cannot forecast yet, or fails, the last value stands in."""
    out, end = last_value(values, horizon), time.process_time() + seconds
    for t, y in enumerate(values.tolist()):
        model.learn_one(y)
        if t + horizon < len(values):
            try:
                made = float(model.forecast(horizon)[-1])
            except (ValueError, ZeroDivisionError, OverflowError, TypeError, IndexError):
                continue
            if np.isfinite(made):
                out[t + horizon] = made
        if time.process_time() > end:
            raise TooSlow(f"stopped at record {t:,} of {len(values):,} after {seconds:.0f} s")
    return out


def deep_river(
    python: str, name: str, values: np.ndarray, horizon: int, seconds: float, seed: int
) -> np.ndarray:
    """Forecasts (T,) by deep-river, from the interpreter *python* of its environment."""
    rate = 0.01 if name.endswith("lr .01") else 0.001
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.json"
        path.write_text(json.dumps(values.tolist()))
        command = [python, str(SCRIPT), str(path), str(horizon), str(rate), str(seed), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "stopped" in answer:
        raise TooSlow(answer["stopped"])
    made = np.array(answer["forecasts"], float)
    return np.where(np.isfinite(made), made, last_value(values, horizon))
