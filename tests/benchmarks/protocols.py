"""Online forecasts of ETTh1 at 1, 24 and 48 steps, by the two protocols that do not leak.

    python tests/benchmarks/protocols.py [--data FOLDER] [--seeds 1] [--horizons 1 24 48]

Every hour the next H hours of seven columns are forecast, and a value is learned once it has been
observed.  The error is squared, in deviations of the first rows, its mean over all H steps, all
columns and all scored hours:

* DSOF's split: deviations of rows 0–2,880, forecasts of rows 3,600–14,400 (Lau et al. 2025, with
  the split of FSNet, Pham et al. 2023, whose own figures for more than one step learn from values
  that were not yet observed).
* ADAPT-Z's split: deviations of the first 60 % of 17,420 rows, forecasts of the last 30 %.

`RecurrentForecaster` for each column alone, asked for H steps every hour, and with --together
`RecurrentMultivariateForecaster` for all together, asked so too; both with point="mean" and
the timestamps (those of the hours to come are known), otherwise as they are.  Beside them the last
value, the value a day before and recursive least squares on 60 lags, run here; published figures
are marked.
FOLDER holds ETTh1.csv (default $STREAM_RNN_DATA).
"""

import argparse
import csv
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stream_rnn import RecurrentForecaster, RecurrentMultivariateForecaster

HORIZONS = (1, 24, 48)
ASKED = 200  # records after which many steps are asked for first


class Split(NamedTuple):
    """What the deviations are of, and which rows are forecast."""

    name: str
    past: int
    first: int
    end: int
    published: dict[str, tuple[float, float, float]]


SPLITS = (
    Split("DSOF", 2_880, 3_600, 14_400, {}),
    Split(
        "ADAPT-Z",
        10_452,
        12_194,
        17_420,
        {"ADAPT-Z": (0.1107, 0.2942, 0.3431), "PROCEED": (0.1198, 0.3118, 0.3483)},
    ),
)


def table(folder: Path) -> tuple[list[str], np.ndarray]:
    """Times and the seven columns."""
    with (folder / "ETTh1.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], np.array([row[1:] for row in rows], float)


def alone(times: list[str], values: np.ndarray, horizon: int, seed: int) -> np.ndarray:
    """(T, C, H): element (t, c, h) is the forecast of value t + h made when t − 1 was the last.

    From the first row that a split scores on; asked once before, so that far steps are learned.
    """
    made = np.full((*values.shape, horizon), np.nan)
    xs = [{"timestamp": time} for time in times]
    first = min(split.first for split in SPLITS)
    for c, column in enumerate(values.T.tolist()):
        model = RecurrentForecaster(point="mean", timestamp="timestamp", seed=seed)
        model.stream(xs[:ASKED], column[:ASKED])
        model.forecast(horizon)
        model.stream(xs[ASKED:first], column[ASKED:first])
        for t in range(first, len(column)):
            made[t, c] = model.forecast(horizon, xs=xs[t : t + horizon])
            model.learn_one(column[t], xs[t])
    return made


def together(times: list[str], values: np.ndarray, horizon: int, seed: int) -> np.ndarray:
    """The same by one forecaster of all columns."""
    made = np.full((*values.shape, horizon), np.nan)
    xs, ys = [{"timestamp": time} for time in times], [dict(enumerate(r)) for r in values.tolist()]
    first = min(split.first for split in SPLITS)
    model = RecurrentMultivariateForecaster(point="mean", timestamp="timestamp", seed=seed)
    model.stream(xs[:ASKED], ys[:ASKED])
    model.forecast(horizon)
    model.stream(xs[ASKED:first], ys[ASKED:first])
    for t in range(first, len(ys)):
        for h, row in enumerate(model.forecast(horizon, xs=xs[t : t + horizon])):
            made[t, :, h] = list(row.values())
        model.learn_one(ys[t], xs[t])
    return made


def last_value(values: np.ndarray, horizon: int) -> np.ndarray:
    made = np.full((*values.shape, horizon), np.nan)
    made[1:] = values[:-1, :, None]
    return made


def day_before(values: np.ndarray, horizon: int) -> np.ndarray:
    made = np.full((*values.shape, horizon), np.nan)
    for h in range(horizon):
        back = 24 * (h // 24 + 1)  # the last day of which this hour is known
        made[back - h :, :, h] = values[: len(values) - back + h]
    return made


def least_squares(values: np.ndarray, horizon: int, lags: int = 60) -> np.ndarray:
    """Recursive least squares on the last values, one model for all H steps of a column.

    The steps share the covariance: row t − H is learned when the last of its H values has come.
    """
    made = np.full((*values.shape, horizon), np.nan)
    for c in range(values.shape[1]):
        column = values[:, c]
        W, P = np.zeros((lags + 1, horizon)), np.eye(lags + 1) * 10.0
        for t in range(lags, len(column)):
            if t - horizon >= lags:
                x = np.append(column[t - horizon - lags : t - horizon], 1.0)
                gain = P @ x
                gain /= 1.0 + x @ gain
                W += np.outer(gain, column[t - horizon : t] - x @ W)
                P -= np.outer(gain, x @ P)
            made[t, c] = np.append(column[t - lags : t], 1.0) @ W
    return made


def error(split: Split, values: np.ndarray, made: np.ndarray) -> float:
    """Mean squared error over the scored rows, in standard units."""
    deviation = values[: split.past].std(axis=0)
    T, _, H = made.shape
    end = min(split.end, T) - H + 1
    truth = np.stack([values[h : T - H + 1 + h] for h in range(H)], axis=-1)
    apart = (made[split.first : end] - truth[split.first : end]) / deviation[:, None]
    return float((apart**2).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("STREAM_RNN_DATA"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--together", action="store_true", help="all columns in one, too")
    parser.add_argument("--horizons", type=int, nargs="+", choices=HORIZONS, default=HORIZONS)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER: where ETTh1.csv lies (or set STREAM_RNN_DATA)")
    times, values = table(options.data)
    scale = values[:2880].std(axis=0)  # least squares begins at a prior in deviations
    names = ("split", "steps", "alone", *(["together"] if options.together else []))
    names = (*names, "last value", "day before", "least squares", "published")
    print(f"| {' | '.join(names)} |")
    print(f"|{'---|' * len(names)}")
    for horizon in options.horizons:
        seeds = range(options.seeds)
        models = (alone, together) if options.together else (alone,)
        ours = [[f(times, values, horizon, s) for s in seeds] for f in models]
        others = [
            last_value(values, horizon),
            day_before(values, horizon),
            least_squares(values / scale, horizon) * scale[:, None],
        ]
        for split in SPLITS:
            own = " | ".join(
                f"{np.mean([error(split, values, made) for made in by_seed]):.4f}"
                for by_seed in ours
            )
            rest = " | ".join(f"{error(split, values, made):.4f}" for made in others)
            at = HORIZONS.index(horizon)
            published = ", ".join(f"{f[at]:.4f} {name}" for name, f in split.published.items())
            print(
                f"| {split.name} | {horizon} | {own} | {rest} | {published or '–'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
