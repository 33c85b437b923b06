"""Sequence tasks learned online, each beside the simple peers of its kind, in one pass.

    STREAM_RNN_DATA=FOLDER python tests/benchmarks/sequences.py [--seeds 5] [--only TASK …]

Each file of `sequence_tasks` is one kind of task: ``TASKS`` names functions (data folder, seeds)
that yield a `Row` a contestant.  A figure is the mean over seeded shuffles, with its standard error
behind ±; µs are process time, of what the row says.  A product's row that stays below the goal is
marked ``<``, below a peer of the same run ``<<``.
"""

import argparse
import importlib
import os
import pkgutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import sequence_tasks
from sequence_tasks.table import Row, line


def tasks() -> dict:
    """All tasks by name."""
    found = {}
    for module in pkgutil.iter_modules(sequence_tasks.__path__):
        if module.ispkg:
            continue
        tasks = getattr(importlib.import_module(f"sequence_tasks.{module.name}"), "TASKS", {})
        found |= tasks
    return found


def run(name: str, data: Path, seeds: int) -> list[Row]:
    """One task's rows, printed as they come."""
    rows: list[Row] = []
    started = time.perf_counter()
    try:
        for row in tasks()[name](data, seeds):
            rows.append(row)
            print(line(row, rows), flush=True)
    except FileNotFoundError as error:
        print(f"{name}: left out, {error}", flush=True)
    print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("STREAM_RNN_DATA", "data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", metavar="TASK")
    options = parser.parse_args()
    known = tasks()
    for name in options.only or known:
        if name not in known:
            parser.error(f"--only {name}: choose from {', '.join(known)}")
        print(f"\n{name}")
        run(name, Path(options.data), options.seeds)


if __name__ == "__main__":
    main()
