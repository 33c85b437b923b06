"""Forecasts of a series by deep-river's LSTMForecaster, as JSON; runs in its own environment.

    peers/bin/python deep_river_forecast.py VALUES.json HORIZON RATE SEED SECONDS

Its inputs and targets are standardised by the running mean and deviation, without which it
learns nothing on most series; everything else but the learning rate is its default.
"""

import json
import sys
import time
from math import sqrt

import torch
from deep_river.forecasting.zoo import LSTMForecaster


def main() -> None:
    path, horizon, rate, seed, seconds = sys.argv[1:]
    with open(path) as file:
        values = json.load(file)
    torch.set_num_threads(1)
    torch.manual_seed(int(seed))
    h, end = int(horizon), time.process_time() + float(seconds)
    model = LSTMForecaster(lr=float(rate), seed=int(seed))
    out, mean, square = [float("nan")] * len(values), 0.0, 0.0
    for t, y in enumerate(values):
        delta = y - mean
        mean += delta / (t + 1)
        square += delta * (y - mean)
        size = sqrt(square / (t + 1)) or 1.0
        model.learn_one((y - mean) / size)
        if t + h < len(values):
            out[t + h] = mean + size * model.forecast(h)[-1]
        if time.process_time() > end:
            print(json.dumps({"stopped": f"stopped at record {t:,} of {len(values):,}"}))
            return
    print(json.dumps({"forecasts": out}))


if __name__ == "__main__":
    main()
