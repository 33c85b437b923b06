"""The detector on series of the Numenta Anomaly Benchmark: all those in a folder.

    python tests/benchmarks/nab.py [FOLDER] [--without-forecaster] [--values-only] [--rivals]

FOLDER (default $STREAM_RNN_DATA/nab) holds combined_windows.json and folders of CSV files
(timestamp, value), as NAB's data do; any of NAB's 58 series may be there, or others with
windows of your own.

Rules (Lavin & Ahmad 2015; standard profile): the first 15 % of a series (750 records at most)
are not scored; of the alarms in a labelled window only the first counts, the more the
earlier; an alarm outside costs up to .11, less just after a window; a window missed costs 1.
100 is every window found at its first record and nothing else, 0 is no alarm.  NAB chooses the
threshold afterwards, the best one for all series; the first figure here is at the threshold
that the detector has by default, nothing chosen.
"""

import argparse
import csv
import json
import os
import time
from itertools import groupby
from math import exp, floor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector

FALSE_POSITIVE = 0.11
PUBLISHED = {  # standard profile, the whole benchmark; NAB's scoreboard, ARTime's paper
    "ARTime": 74.9,
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
NOTE = """These look ahead: each is handed the least and the greatest value of the whole file before
its first record, and its threshold is chosen on all 58 series with their labels."""
CORPORA = {"artificialWithAnomaly": "artificial", "artificialNoAnomaly": "artificial"}


class Labelled(NamedTuple):
    """A series, its times, and the first and last record of each labelled window."""

    times: list[str]
    values: list[float]
    windows: list[tuple[int, int]]


def load(folder: Path) -> dict[str, Labelled]:
    """The series of *folder* by name, corpus/file."""
    labels = json.loads((folder / "combined_windows.json").read_text())
    found = {}
    for path in sorted(folder.glob("*/*.csv")):
        with path.open() as file:
            rows = list(csv.reader(file))[1:]
        times = [row[0] for row in rows]
        windows = [
            (times.index(first[:19]), times.index(last[:19]))
            for first, last in labels.get(f"{path.parent.name}/{path.name}", [])
        ]
        name = f"{path.parent.name}/{path.stem}"
        found[name] = Labelled(times, [float(row[1]) for row in rows], windows)
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


def benchmark_score(
    series: dict[str, Labelled], scores: dict[str, np.ndarray], threshold: float | None = None
) -> tuple[float, float]:
    """The normalised score at *threshold*, or at the best common one; and that threshold."""
    events, total = [], sum(len(one.windows) for one in series.values())
    for name, one in series.items():
        n = len(one.values)
        worth = values_of_detections(n, one.windows)
        found = np.flatnonzero(scores[name] > -np.inf).tolist()
        start = min(floor(0.15 * n), 750)
        events += [(scores[name][i], *worth[i], name) for i in found if i >= start]
    events.sort(key=lambda event: -event[0])
    current, best, gained = -float(total), (-float(total), float("inf")), {}
    for at, group in groupby(events, key=lambda event: event[0]):
        if threshold is not None and at < threshold:
            break
        for _, value, window, name in group:
            gain = value
            if window >= 0:
                held = gained.get((name, window), -1.0)
                gain = max(0.0, value - held)
                gained[name, window] = max(held, value)
            current += gain
        best = max(best, (current, at), key=lambda pair: pair[0])
    if threshold is not None:
        best = current, threshold
    return 100 * (best[0] + total) / (2 * total) if total else float(best[0]), best[1]


def alarms_of(one: Labelled, model: RecurrentAnomalyDetector, timed: bool) -> np.ndarray:
    """1 where there is an alarm, else −∞."""
    xs: list[dict] = [{"value": value} for value in one.values]
    if timed:
        xs = [x | {"timestamp": at} for x, at in zip(xs, one.times, strict=True)]
    return np.array([1.0 if row["alarm"] else -np.inf for row in model.stream(xs)])


def losses(name: str, one: Labelled, alarms: np.ndarray) -> str:
    """What the alarms of one series cost and gained."""
    start = min(floor(0.15 * len(one.values)), 750)
    at = [i for i in np.flatnonzero(alarms > 0).tolist() if i >= start]
    found = sum(any(first <= i <= last for i in at) for first, last in one.windows)
    false = sum(not any(first <= i <= last for first, last in one.windows) for i in at)
    worth = benchmark_score({name: one}, {name: alarms}, 0.0)[0]
    points = 2 * len(one.windows) * (1 - worth / 100) if one.windows else -worth
    return f"  {name:58} {found} of {len(one.windows)} windows, {false:2} false, {points:5.2f} lost"


def corpora(series: dict[str, Labelled]) -> dict[str, dict[str, Labelled]]:
    """The series by corpus, and all of them where there are several."""
    groups: dict[str, dict[str, Labelled]] = {}
    for name, one in series.items():
        folder = name.split("/")[0]
        groups.setdefault(CORPORA.get(folder, folder), {})[name] = one
    if len(groups) > 1:
        groups[f"all {len(series)} series"] = series
    return groups


def report(label: str, series: dict[str, Labelled], alarms: dict[str, np.ndarray]) -> None:
    """The score of each corpus that has windows."""
    print(f"\n{label}")
    for corpus, part in corpora(series).items():
        windows = sum(len(one.windows) for one in part.values())
        if windows:
            score = benchmark_score(part, alarms, 0.0)[0]
            print(f"  {corpus:42} {score:5.1f}   ({len(part)} series, {windows} windows)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    data = Path(os.environ.get("STREAM_RNN_DATA", "../shared/data"))
    parser.add_argument("folder", nargs="?", type=Path, default=data / "nab")
    parser.add_argument("--without-forecaster", action="store_true")
    parser.add_argument("--values-only", action="store_true", help="not the records' times")
    parser.add_argument("--rivals", action="store_true", help="river's and PySAD's, if installed")
    options = parser.parse_args()
    folder = options.folder
    if not (folder / "combined_windows.json").exists() and (folder / "nab").is_dir():
        folder = folder / "nab"
    series = load(folder)
    settings = {"forecaster": False} if options.without_forecaster else {}
    alarms, began = {}, time.process_time()
    for name, one in series.items():
        model = RecurrentAnomalyDetector(**settings)
        alarms[name] = alarms_of(one, model, not options.values_only)
    taken = (time.process_time() - began) / max(1, sum(len(one.values) for one in series.values()))
    print("What each series cost; a window missed loses 2:")
    for name, one in series.items():
        print(losses(name, one, alarms[name]))
    text = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    report(f"RecurrentAnomalyDetector({text}), its own threshold", series, alarms)
    print(f"  {1e6 * taken:.0f} µs a record, compiling included")
    if options.rivals:
        from nab_rivals import installed

        for name, detect in installed():
            scores = {key: detect(one.values, one.times) for key, one in series.items()}
            print(f"\n{name}, the best common threshold, chosen afterwards")
            for corpus, part in corpora(series).items():
                if any(one.windows for one in part.values()):
                    print(f"  {corpus:42} {benchmark_score(part, scores)[0]:5.1f}")
    print("\nPublished, standard profile, all 58 series:")
    for name, value in PUBLISHED.items():
        print(f"  {name:42} {value:5.1f}")
    print(NOTE)


if __name__ == "__main__":
    main()
