"""What a forecast made elsewhere adds to a forecaster, and what a useless one costs.

    python tests/benchmarks/given.py [--data FOLDER]

Half-hourly taxi counts of New York with their times (FOLDER/nyc_taxi.csv, default
$STREAM_RNN_DATA).  The outside forecasts are made up: the truth with noise of so many mean errors
of the forecaster itself, the value a week before, noise around the mean, 0, numbers of 10³⁰.

Printed: mean |e| of the outside forecast, and over that of the forecaster alone: one step ahead
over all 17,520 records after the first 100, over the first 200, and for 48 steps, asked from record
1,000 to 10,000 at every 37th, where the records to come bring it; its weight at the end; how much
the 90 % intervals cover, one step ahead.
"""

import argparse
import csv
import os
from pathlib import Path

import numpy as np

from stream_rnn import Given, RecurrentForecaster

STEPS, FIRST, LAST, EVERY = 48, 1000, 10_000, 37
Records = list[dict]


def table(folder: Path) -> tuple[Records, np.ndarray]:
    """Times and counts."""
    with (folder / "nyc_taxi.csv").open() as file:
        rows = list(csv.reader(file))[3:]
    return [{"timestamp": row[0]} for row in rows], np.array([float(row[1]) for row in rows])


def outside(ys: np.ndarray, error: float) -> dict[str, np.ndarray]:
    """Made-up forecasts by name; *error* is the forecaster's own."""
    rng, unit = np.random.default_rng(0), error * np.sqrt(np.pi / 2)
    noise = {k: k * unit * rng.standard_normal(len(ys)) for k in (0.5, 1, 2)}
    half = ys + noise[1]
    half[rng.random(len(ys)) < 0.5] = np.nan
    return {
        "truth + .5": ys + noise[0.5],
        "truth + 1": ys + noise[1],
        "truth + 1, 1 too much": ys + noise[1] + unit,
        "truth + 1, half missing": half,
        "truth + 2": ys + noise[2],
        "a week before": np.r_[np.full(336, np.nan), ys[:-336]],
        "noise": ys.mean() + ys.std() * rng.standard_normal(len(ys)),
        "zero": np.zeros(len(ys)),
        "absurd": 1e30 * rng.standard_normal(len(ys)),
    }


def model(given: np.ndarray | None) -> RecurrentForecaster:
    return RecurrentForecaster(experts=None if given is None else (Given("given"),))


def told(xs: Records, given: np.ndarray | None) -> Records:
    """The records with the outside forecast."""
    if given is None:
        return xs
    return [{**x, "given": g} for x, g in zip(xs, given.tolist(), strict=True)]


def far(xs: Records, ys: np.ndarray, given: np.ndarray | None) -> float:
    """Mean |e| of all steps."""
    one, records, errors = model(given), told(xs, given), []
    one.stream(records[:FIRST], ys[:FIRST].tolist())
    for at in range(FIRST, LAST - STEPS, EVERY):
        made = one.forecast(STEPS, records[at : at + STEPS])
        errors.append(abs(np.array(made) - ys[at : at + STEPS]).mean())
        one.stream(records[at : at + EVERY], ys[at : at + EVERY].tolist())
    return float(np.mean(errors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("STREAM_RNN_DATA"))
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data FOLDER: where nyc_taxi.csv lies (or set STREAM_RNN_DATA)")
    xs, ys = table(options.data)
    alone = abs(model(None).prequential(ys, xs) - ys)
    steps = far(xs, ys, None)
    print(f"alone: {alone[100:].mean():.1f} one step ahead, {steps:.1f} for {STEPS} steps\n")
    print("| outside forecast | its own error | one step | first 200 | 48 steps | weight | cover |")
    print("|---|---|---|---|---|---|---|")
    for name, given in outside(ys, float(alone[100:].mean())).items():
        one = model(given)
        made = one.prequential(ys, told(xs, given), level=0.9)
        error, own = abs(made[:, 0] - ys), np.nanmean(abs(given - ys)[100:])
        cover = ((made[:, 1] <= ys) & (ys <= made[:, 2]))[100:].mean()
        print(
            f"| {name} | {own:.4g} | {error[100:].mean() / alone[100:].mean():.4f} | "
            f"{error[1:200].mean() / alone[1:200].mean():.3f} | {far(xs, ys, given) / steps:.3f} | "
            f"{one.member_weights()['given_given']:.2f} | {cover:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
