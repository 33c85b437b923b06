"""The seven labelled series with known causes of the Numenta Anomaly Benchmark.

    python tests/benchmarks/nab.py [DATA]      DATA holds nab/; default $STREAM_RNN_DATA

Rules (Lavin & Ahmad 2015; standard profile): the first 15 % of a series (750 records at most)
are not scored; of the detections in a labelled window only the first counts, the more the
earlier; a detection outside costs up to .11, less just after a window; a window missed costs
1.  One threshold for all series, the best one.  100 is every window found at its first
record and nothing else, 0 is no detection.  The published figures are over all 58 series.
"""

import csv
import json
import os
import sys
from itertools import groupby
from math import exp, floor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector

FALSE_POSITIVE = 0.11
PUBLISHED = {  # standard profile, the whole benchmark
    "Numenta HTM": 70.1,
    "CAD OSE": 69.9,
    "KNN CAD": 58.0,
    "Relative entropy": 54.6,
    "Random cut forest": 51.7,
    "Twitter ADVec": 47.1,
    "Windowed Gaussian": 39.6,
    "Bayesian changepoint": 17.7,
    "EXPoSE": 16.4,
    "Random": 11.0,
}


class Labelled(NamedTuple):
    """A series, its times, and the first and last record of each labelled window."""

    times: list[str]
    values: list[float]
    windows: list[tuple[int, int]]


def load(folder: Path) -> dict[str, Labelled]:
    """The series of *folder* (nab/) by name."""
    labels = json.loads((folder / "combined_windows.json").read_text())
    found = {}
    for path in sorted((folder / "realKnownCause").glob("*.csv")):
        with path.open() as file:
            rows = list(csv.reader(file))[1:]
        times = [row[0] for row in rows]
        windows = [
            (times.index(first[:19]), times.index(last[:19]))
            for first, last in labels[f"realKnownCause/{path.name}"]
        ]
        found[path.stem] = Labelled(times, [float(row[1]) for row in rows], windows)
    return found


def sigmoid(position: float) -> float:
    """1 well before the end of a window (−∞), 0 at its end, −1 far behind."""
    return -1.0 if position > 3 else 2 / (1 + exp(5 * position)) - 1


def values_of_detections(n: int, windows: list[tuple[int, int]]) -> list[tuple[float, int]]:
    """What a detection at each record is worth, and the window it is in (−1 for none)."""
    worth = []
    for i in range(n):
        inside = [w for w, (first, last) in enumerate(windows) if first <= i <= last]
        before = [w for w, (_, last) in enumerate(windows) if last < i]
        if inside:
            first, last = windows[inside[0]]
            position = -(last - i + 1) / (last - first + 1)
            worth.append((sigmoid(position) / sigmoid(-1.0), inside[0]))
        elif before:
            first, last = windows[before[-1]]
            worth.append((FALSE_POSITIVE * sigmoid((i - last) / (last - first)), -1))
        else:
            worth.append((-FALSE_POSITIVE, -1))
    return worth


def benchmark_score(series: dict[str, Labelled], scores: dict[str, np.ndarray]) -> tuple:
    """The normalised score at the best common threshold, and that threshold."""
    events, total = [], sum(len(one.windows) for one in series.values())
    for name, one in series.items():
        n = len(one.values)
        start = min(floor(0.15 * n), 750)
        worth = values_of_detections(n, one.windows)
        events += [(scores[name][i], *worth[i], name) for i in range(start, n)]
    events.sort(key=lambda event: -event[0])
    current, best, gained = -float(total), (-float(total), float("inf")), {}
    for threshold, group in groupby(events, key=lambda event: event[0]):
        for _, value, window, name in group:
            gain = value
            if window >= 0:
                held = gained.get((name, window), -1.0)
                gain = max(0.0, value - held)
                gained[name, window] = max(held, value)
            current += gain
        best = max(best, (current, threshold), key=lambda pair: pair[0])
    return 100 * (best[0] + total) / (2 * total), best[1]


def main() -> None:
    folder = (
        sys.argv[1] if len(sys.argv) > 1 else os.environ.get("STREAM_RNN_DATA", "../shared/data")
    )
    series = load(Path(folder) / "nab")
    for label, calendar in (("with the time of day and week", True), ("values only", False)):
        scores = {}
        for name, one in series.items():
            xs = [{"value": value} for value in one.values]
            if calendar:
                xs = [x | {"timestamp": time} for x, time in zip(xs, one.times, strict=True)]
            rows = RecurrentAnomalyDetector().stream(xs)
            scores[name] = np.array([row["alarm"] for row in rows])
        score, threshold = benchmark_score(series, scores)
        print(f"\nRecurrentAnomalyDetector(), {label}: {score:.1f} (threshold {threshold:.2f})")
        for name, one in series.items():
            own, _ = benchmark_score({name: one}, scores)
            print(f"  {name:42} {own:5.1f} at its own best threshold")
    print("\nPublished, standard profile, all 58 series:")
    for name, value in PUBLISHED.items():
        print(f"  {name:42} {value:5.1f}")


if __name__ == "__main__":
    main()
