"""Forecasts of 48 steps, beside the recursion from one step: `forecasting.py --far`.

Long: the first 9,000 records of a series, forecasts at every 97th from record 3,000 on.  Short:
twelve stretches of 748 records from all over the series, a forecast of the last 48 of each
after one pass over the others, as in the M4 competition.  Errors are absolute, over those of the
value a day before in what was learned (MASE), their mean over all steps.  The cost is the CPU time
of learning the long stretch where record 1,000 asked for 48 steps, over that where none did.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from stream_rnn import RecurrentForecaster

Make = Callable[[], RecurrentForecaster]

STEPS, LONG, FIRST, EVERY = 48, 9_000, 3_000, 97
SHORT, STRETCHES = 700, 12
HALF_HOURS = (
    ("nyc_taxi.csv", "passenger_count", 2),
    ("electricity.csv", "nswprice", 0),
    ("electricity.csv", "nswdemand", 0),
)


def column(path: Path, name: str, skip: int = 0) -> np.ndarray:
    """A column of a CSV file, *skip* lines after its names left out."""
    with path.open() as file:
        return np.array([float(row[name]) for row in list(csv.DictReader(file))[skip:]])


def together(halves: np.ndarray) -> np.ndarray:
    """Means of two records each."""
    return halves[: len(halves) // 2 * 2].reshape(-1, 2).mean(axis=1)


def series(folder: Path) -> Iterator[tuple[str, np.ndarray, int]]:
    """(name, values, records a day) of what is there."""
    from vega_datasets import local_data

    for name in ("seattle_temps", "sf_temps"):
        yield name.replace("_", " "), getattr(local_data, name)().temp.to_numpy(float), 24
    if (folder / "ETTh1.csv").exists():
        for name in ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"):
            yield f"ETTh1 {name}", column(folder / "ETTh1.csv", name), 24
    for file, name, skip in HALF_HOURS:
        if (folder / file).exists():
            halves = column(folder / file, name, skip)
            yield f"{name}, 30 minutes", halves, 48
            yield f"{name}, hours", together(halves), 24


def scale(values: np.ndarray, day: int) -> float:
    return float(abs(values[day:] - values[:-day]).mean())


def long(make: Make, values: np.ndarray, day: int) -> float:
    """MASE over the origins of the long stretch."""
    values, model, errors = values[:LONG], make(), []
    model.prequential(values[:FIRST])
    for t in range(FIRST, len(values) - STEPS, EVERY):
        made = np.array(model.forecast(STEPS))
        errors.append(abs(made - values[t : t + STEPS]).mean())
        model.prequential(values[t : t + EVERY])
    return float(np.mean(errors)) / scale(values[:FIRST], day)


def short(make: Make, values: np.ndarray, day: int) -> float:
    """Mean MASE over the stretches."""
    found = []
    for start in np.linspace(0, len(values) - SHORT - STEPS, STRETCHES).astype(int):
        known, truth = np.split(values[start : start + SHORT + STEPS], [SHORT])
        model = make()
        model.prequential(known)
        found.append(abs(np.array(model.forecast(STEPS)) - truth).mean() / scale(known, day))
    return float(np.mean(found))


def one_step() -> RecurrentForecaster:
    return RecurrentForecaster(horizons=(1,))


def learning(values: np.ndarray, far: bool) -> float:
    """CPU seconds of learning the long stretch, asked for far steps early or not."""
    model, begun = RecurrentForecaster(), time.process_time()
    model.prequential(values[:1000])
    if far:
        model.forecast(STEPS)
    model.prequential(values[1000:LONG])
    return time.process_time() - begun


def report(folder: Path) -> None:
    """Print the table, row by row."""
    print("| MASE of 48 steps | recursive | default | | short: recursive | default | | cost |")
    print(f"|{'---|' * 8}")
    ratios = []
    for make in (one_step, RecurrentForecaster):  # compiles
        model = make()
        model.prequential(np.sin(np.arange(300.0)))
        model.forecast(STEPS)
    for name, values, day in series(folder):
        before, after = (long(m, values, day) for m in (one_step, RecurrentForecaster))
        first, then = (short(m, values, day) for m in (one_step, RecurrentForecaster))
        cost = learning(values, True) / learning(values, False)
        ratios.append((after / before, then / first, cost))
        print(
            f"| {name} | {before:.3f} | {after:.3f} | {after / before - 1:+.1%} "
            f"| {first:.3f} | {then:.3f} | {then / first - 1:+.1%} | {cost:.1f} × |",
            flush=True,
        )
    far, few, cost = np.exp(np.log(ratios).mean(0))
    print(f"| geometric mean | | | {far - 1:+.1%} | | | {few - 1:+.1%} | {cost:.1f} × |")
    if not (folder / "ETTh1.csv").exists():
        print("give --data for more series", file=sys.stderr)
