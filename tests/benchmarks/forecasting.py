"""The default forecaster beside other forecasters, on many series, without any setting.

    python tests/benchmarks/forecasting.py [--data FOLDER] [--streams airline Nile]
        [--seeds 3] [--own] [--peer-python peers/bin/python] [--results FILE] [--json]
    python tests/benchmarks/forecasting.py --far [--data FOLDER]

Every value is forecast before it is learned, from the first record on.  The default
forecaster has two heads: the median's is for absolute errors, the mean's for squared ones;
figures are the median over seeds.  Other forecasters: last value, the value one season
before, river's own, and deep-river (with --peer-python, see `peers/requirements.txt`).  The
length of the season that seasonal ones are told is known in hindsight.  With --own only the
last value is run of the others, which takes minutes instead of hours.

With --far, forecasts of 48 steps beside the recursion from one step, see `far_horizons`.

Finished cells are kept in a results file, by default .benchmarks/forecasting.jsonl: a run
that was killed goes on where it was.  A cell counts as finished as long as the series and
the code (or, of other packages, the version) are the same.  FOLDER holds nyc_taxi.csv and
ETTh1.csv (default $STREAM_RNN_DATA); without it the series in them are left out, with a note.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import far_horizons
import numpy as np
import rivals
from forecasting_tables import JUMP, LEVEL, LONG, OURS, gather, tables
from series import Data, Stream, further, reference, score

import stream_rnn.forecasting
from stream_rnn.estimators.forecaster import RecurrentForecaster
from stream_rnn.estimators.multivariate import RecurrentMultivariateForecaster


class Cell(NamedTuple):
    """One contestant on one stream with one seed."""

    stream: Stream
    contestant: str
    seed: int


# Running -----------------------------------------------------------------------------------


def ours(stream: Stream, data: Data, seed: int) -> dict[str, Any]:
    """Scores of both heads, coverage of the intervals, µs of CPU time a record."""
    values = data.values
    if stream.together:
        heads = [
            RecurrentMultivariateForecaster(point=point, seed=seed).prequential(values)
            for point in ("median", "mean")
        ]
        return dict(zip(("median", "mean"), (score(stream, values, made) for made in heads)))
    bounded, begun = _columns(values, data.inputs, stream, seed, "median"), time.process_time()
    mean = _columns(values, data.inputs, stream, seed, "mean")
    found = {
        "median": score(stream, values, bounded[..., 0]),
        "mean": score(stream, values, mean[..., 0]),
        "us": (time.process_time() - begun) / values.size * 1e6,
    }
    if len(values) > LONG:
        found["coverage"] = coverage(values, bounded)
        half = len(values) // 2
        moved = values + np.where(np.arange(len(values))[:, None] < half, 0, JUMP) * values.std(0)
        after = _columns(moved, data.inputs, stream, seed, "median")
        found["coverage after a shift"] = coverage(moved[half:], after[half:])
    return found


def _columns(values, inputs, stream: Stream, seed: int, point: str) -> np.ndarray:
    """(T, C, 3): point, lower and upper bound, by one forecaster for each column."""
    made = [
        RecurrentForecaster(horizons=(stream.horizon,), point=point, seed=seed).prequential(
            column, inputs, level=LEVEL
        )
        for column in np.ascontiguousarray(values.T)
    ]
    return np.stack(made, axis=1)


def coverage(values: np.ndarray, bounded: np.ndarray) -> float:
    """The share of values within their bounds, of those that had a forecast."""
    inside = (bounded[..., 1] <= values) & (values <= bounded[..., 2])
    return float(inside[~np.isnan(bounded[..., 0])].mean())


def run(cell: Cell, data: Data, options: argparse.Namespace) -> dict[str, Any]:
    """What is kept of a cell: scores, or why there are none."""
    stream, name = cell.stream, cell.contestant
    if name == OURS:
        return ours(stream, data, cell.seed)
    share = options.seconds / data.values.shape[1]
    made = []
    try:
        for values in np.ascontiguousarray(data.values.T):
            if name in rivals.DEEP:
                python = options.peer_python
                made.append(
                    rivals.deep_river(python, name, values, stream.horizon, share, cell.seed)
                )
            else:
                forecasts = rivals.forecast(name, values, stream.horizon, share)
                if forecasts is None:
                    return {"note": "no season"}
                made.append(forecasts)
    except rivals.TooSlow as error:
        return {"note": str(error)}
    return {"score": score(stream, data.values, np.stack(made, axis=1))}


def cells(stream: Stream, data: Data, options: argparse.Namespace) -> Iterator[Cell]:
    """All cells of a stream; only what draws random numbers runs with several seeds.

    deep-river, which is slow, does so on the shorter series.
    """
    for seed in range(options.seeds):
        yield Cell(stream, OURS, seed)
    if stream.together:
        return
    for name in rivals.NAMES[:1] if options.own else rivals.NAMES:
        yield Cell(stream, name, 0)
    if options.peer_python and not options.own:
        for name in rivals.DEEP:
            for seed in range(options.seeds if len(data.values) <= LONG else 1):
                yield Cell(stream, name, seed)


# Results that outlive the run --------------------------------------------------------------


class Results:
    """Finished cells, one JSON line each, appended as they finish."""

    def __init__(self, path: Path):
        self.path, self.found = path, {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    row = json.loads(line)
                except ValueError:  # the line that a kill cut off
                    continue
                self.found[row.pop("key")] = row

    def get(self, key: str) -> dict[str, Any] | None:
        return self.found.get(key)

    def put(self, key: str, row: dict[str, Any]) -> None:
        self.found[key] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps({"key": key, **row}) + "\n")


def key(cell: Cell, data: Data) -> str:
    """Names a cell, its data and the code it runs."""
    stream = cell.stream
    digest = hashlib.sha256(data.values.tobytes() + repr(data.inputs).encode())
    digest.update(repr((stream.measure, stream.horizon, stream.first, stream.last)).encode())
    if cell.contestant == OURS:
        code = own_code()
    elif cell.contestant in rivals.DEEP:
        code = rivals.SCRIPT.read_text() + rivals.SCRIPT.with_name("requirements.txt").read_text()
    else:
        code = Path(rivals.__file__).read_text() + importlib.metadata.version("river")
    digest.update(code.encode())
    return f"{stream.name} / {cell.contestant} / {cell.seed} / {digest.hexdigest()[:12]}"


def own_code() -> str:
    """A hash of what the forecaster consists of."""
    root = Path(stream_rnn.forecasting.__file__).parent
    paths = [*sorted(root.rglob("*.py")), root.parent / "features" / "calendar.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


# The command -------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("STREAM_RNN_DATA"))
    parser.add_argument("--streams", nargs="+", help="names, as in the table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--own", action="store_true", help="of the others only the last value")
    parser.add_argument("--peer-python", help="the interpreter of deep-river's environment")
    parser.add_argument(
        "--seconds", type=float, default=400, help="of CPU time another may take for a series"
    )
    parser.add_argument("--results", type=Path, default=Path(".benchmarks/forecasting.jsonl"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--far", action="store_true", help="48 steps, beside recursion")
    options = parser.parse_args()
    if options.far:
        far_horizons.report(Path(options.data or "."))
        return
    table = reference(Path(options.data or "."))
    known = {stream.name for stream in table}
    found = collect(parser, [*table, *further()], options)
    print(json.dumps(found) if options.json else tables(found, known))


def collect(parser, streams: list[Stream], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run what is not finished, telling so on standard error."""
    names = [stream.name for stream in streams]
    for name in options.streams or ():
        if name not in names:
            parser.error(f"--streams {name!r}: choose from {', '.join(names)}")
    chosen = [s for s in streams if options.streams is None or s.name in options.streams]
    results, found = Results(options.results), []
    for at, stream in enumerate(chosen):
        try:
            data = stream.load()
        except FileNotFoundError as error:
            print(f"{stream.name} is left out: {error}; give --data", file=sys.stderr)
            continue
        rows: dict[str, list[dict[str, Any]]] = {}
        for cell in cells(stream, data, options):
            name = key(cell, data)
            row = results.get(name)
            if row is None:
                begun = time.perf_counter()
                row = run(cell, data, options)
                results.put(name, row)
                told = row.get("note", f"{row.get('score', row.get('median', float('nan'))):.5g}")
                print(
                    f"[{at + 1}/{len(chosen)}] {stream.name}, {len(data.values):,} records: "
                    f"{cell.contestant}, seed {cell.seed}: {told} "
                    f"({time.perf_counter() - begun:.1f} s)",
                    file=sys.stderr,
                    flush=True,
                )
            rows.setdefault(cell.contestant, []).append(row)
        found.append(gather(stream, rows))
    return found


if __name__ == "__main__":
    main()
