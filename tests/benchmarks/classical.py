"""The default regressor and classifier beside river's classical models and MOA's, no settings.

    python tests/benchmarks/classical.py [--seeds 3] [--streams Phishing Friedman ...]
                                         [--models StreamRegressor AMF ...] [--electricity CSV]
                                         [--moa PYTHON] [--kept-only]
    python tests/benchmarks/classical.py --ablation [--streams Phishing ...]

Every record is predicted before it is learned, from the first on: mean absolute error of
regression, accuracy of classification; means over the seeds of whatever draws random
numbers.  Streams are those that river bundles, 5,000 records of its generators, and the
Electricity table where its file is given; features that are text are left out.  The others'
models have their defaults too, river's behind a StandardScaler where they need one; MOA's are
run where --moa names the interpreter of an environment with capymoa.  The best of a row is bold;
"loss" marks a row in which ours is behind the best of the others, chosen afterwards.  With
--ablation, the mixtures beside themselves without one of their members each.

Finished cells are kept in a results file, by default .benchmarks/classical.jsonl: a run that was
stopped goes on where it was.  A cell is run again when its stream, our code or river's version
has changed.  --kept-only prints what is kept, without running more.
"""

import argparse
import hashlib
import importlib.metadata
import json
import time
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import classical_models as models
from classical_streams import CLASSIFICATION, RECORDS, REGRESSION, electricity, take
from river import datasets, metrics

import stream_rnn
from stream_rnn import StreamClassifier, StreamRegressor
from stream_rnn.mixtures import bank

ROOMS = (
    "mixtures",
    "cells",
    "learners",
    "optimizers",
    "engine",
    "features",
    "numerics",
    "losses.py",
)


class Kept:
    """Finished cells, a line each."""

    def __init__(self, path: Path) -> None:
        self.path, self.found = path, dict[str, dict[str, Any]]()
        if path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self.found[row.pop("key")] = row

    def put(self, key: str, row: dict[str, Any]) -> None:
        self.found[key] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps({"key": key, **row}) + "\n")


@cache
def our_code() -> str:
    """A hash of what the mixtures consist of."""
    root = Path(stream_rnn.__file__).parent
    paths = [p for room in ROOMS for p in sorted([root / room, *(root / room).rglob("*.py")])]
    paths += [root / "forecasting" / "mixing" / "mix.py"]
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths if p.is_file())).hexdigest()


class Table:
    """A metric of models on streams, cell by cell."""

    def __init__(self, metric: Any, names: list[str], builders: dict, options: Any) -> None:
        self.metric, self.names, self.builders = metric, names, builders
        self.options, self.kept = options, Kept(options.results)
        self.discrete = metric is metrics.Accuracy
        self.best = max if self.discrete else min
        self.spent, self.records = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)

    def ours(self, label: str) -> bool:
        return label in models.OURS or self.options.ablation

    def cell(self, stream: str, rows: list, digest: str, label: str, seed: int) -> Any:
        """Score and seconds, kept or run now; None where there is nothing kept, if so asked."""
        if self.ours(label):
            code = our_code()
        elif label in self.builders:
            code = importlib.metadata.version("river") + repr(self.builders[label](seed))
        else:
            code = models.SCRIPT.read_text()
        code = hashlib.sha256((digest + code).encode()).hexdigest()[:12]
        key = f"{stream} / {label} / {seed} / {code}"
        if key not in self.kept.found:
            if self.options.kept_only:
                return None
            score, seconds = self.run(rows, label, seed)
            self.kept.put(key, {"score": score, "seconds": seconds, "records": len(rows)})
        return self.kept.found[key]

    def run(self, rows: list, label: str, seed: int) -> tuple[float | None, float]:
        """(metric, seconds) of predicting each record, then learning it; None for no such."""
        if label in models.TWO_CLASSES:
            names = list(dict.fromkeys(y for _, y in rows))
            if len(names) != 2:
                return None, 0.0
            rows = [(x, y == names[1]) for x, y in rows]
        metric = self.metric()
        if label not in self.builders:
            names = models.MOA_CLASSIFIERS if self.discrete else models.MOA_REGRESSORS
            made, seconds = models.moa(self.options.moa, names[label], rows, self.discrete, seed)
            for (_, y), prediction in zip(rows, made, strict=True):
                metric.update(y, self.number(prediction))
            return metric.get(), seconds
        model, start = self.builders[label](seed), time.process_time()
        for x, y in rows:
            metric.update(y, self.number(model.predict_one(x)))
            model.learn_one(x, y)
        return metric.get(), time.process_time() - start

    def number(self, prediction: Any) -> Any:
        """0 for no number: some models have none before they have learned."""
        return 0.0 if prediction is None and not self.discrete else prediction

    def row(self, stream: str, rows: list) -> dict[str, float | None]:
        """The mean over the seeds of each model; None where there is none."""
        digest, means = hashlib.sha256(repr(rows).encode()).hexdigest(), {}
        for label in self.names:
            count = self.options.seeds if self.ours(label) else self.options.others_seeds
            seeds = range(1 if label in models.CERTAIN else count)
            found = [self.cell(stream, rows, digest, label, seed) for seed in seeds]
            found = [one for one in found if one is not None and one["score"] is not None]
            for one in found:
                self.spent[label] += one["seconds"]
                self.records[label] += one["records"]
            means[label] = sum(one["score"] for one in found) / len(found) if found else None
        return means

    def show(self, streams: dict[str, Callable[[], Any]]) -> None:
        """Print a row for each stream, and µs a record below."""
        print(f"\n| {self.metric.__name__} | {' | '.join(self.names)} | |")
        print(f"|{'---|' * (len(self.names) + 2)}")
        for stream, make in streams.items():
            means = self.row(stream, take(make(), None if stream == "Electricity" else RECORDS))
            known = [v for v in means.values() if v is not None]
            first = self.best(known) if known else None
            cells = [self.figure(v, v == first) for v in means.values()]
            ahead = means[self.names[0]] == first or self.options.ablation
            print(f"| {stream} | {' | '.join(cells)} | {'' if ahead else 'loss'} |", flush=True)
        each = (f"{self.spent[n] / max(self.records[n], 1) * 1e6:.0f}" for n in self.names)
        print(f"| µs a record | {' | '.join(each)} | |")

    def figure(self, value: float | None, bold: bool) -> str:
        if value is None:
            return "–"
        digits = 4 if self.discrete else 3
        text = f"{value:.{digits}f}" if value < 1e4 else f"{value:.0e}"
        return f"**{text}**" if bold else text


def without(kind: Any, members: tuple) -> dict[str, Callable[[int], Any]]:
    """The mixture of these *members*, and without one of them each."""
    found: dict[str, Callable[[int], Any]] = {"all": lambda seed: kind(seed=seed)}
    for n, label in enumerate(bank.labels(members)):
        rest = members[:n] + members[n + 1 :]
        found[f"without {label}"] = lambda seed, rest=rest: kind(rest, seed=seed)
    return found


def warm_up(names: Iterable[str]) -> None:
    """Compile ours, where they are to be run."""
    for label in set(names) & set(models.OURS):
        discrete = label.endswith("Classifier")
        model = models.OURS[label](0)
        for x, y in take(datasets.Phishing())[:2]:
            model.learn_one(x, y if discrete else float(y))


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    others = [*models.REGRESSORS, *models.CLASSIFIERS]
    others += [*models.MOA_REGRESSORS, *models.MOA_CLASSIFIERS]
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--others-seeds", type=int, help="of the others; as many by default")
    parser.add_argument("--streams", nargs="+")
    parser.add_argument("--models", nargs="+", choices=[*models.OURS, *dict.fromkeys(others)])
    parser.add_argument("--electricity", metavar="CSV", help="the table's file: a stream more")
    parser.add_argument("--moa", metavar="PYTHON", help="with capymoa: MOA's models, too")
    parser.add_argument("--ablation", action="store_true", help="ours without a member each")
    parser.add_argument("--results", type=Path, default=Path(".benchmarks/classical.jsonl"))
    parser.add_argument("--kept-only", action="store_true", help="run nothing, print what is kept")
    options = parser.parse_args()
    options.others_seeds = options.others_seeds or options.seeds
    return options


def main() -> None:
    options = arguments()
    warnings.simplefilter("ignore", RuntimeWarning)  # of models that overflow
    classification = dict(CLASSIFICATION)
    if options.electricity:
        classification["Electricity"] = lambda: electricity(options.electricity)
    kinds: list[tuple] = [
        (metrics.MAE, REGRESSION, "Regressor", models.REGRESSORS, models.MOA_REGRESSORS),
        (
            metrics.Accuracy,
            classification,
            "Classifier",
            models.CLASSIFIERS,
            models.MOA_CLASSIFIERS,
        ),
    ]
    if not options.moa and not options.kept_only and not options.ablation:
        print("MOA's models: not run; name an interpreter with capymoa (--moa)")
    for metric, streams, kind, others, moa in kinds:
        builders = {n: b for n, b in models.OURS.items() if n.endswith(kind)} | others
        names = [*builders, *(moa if options.moa or options.kept_only else ())]
        names = [n for n in names if not options.models or n in options.models]
        if options.ablation:
            mixture = StreamRegressor if kind == "Regressor" else StreamClassifier
            builders = without(mixture, bank.NUMBERS if kind == "Regressor" else bank.CLASSES)
            names = list(builders)
        chosen = {n: m for n, m in streams.items() if not options.streams or n in options.streams}
        if names and chosen:
            if not options.kept_only:
                warm_up(names)
            Table(metric, names, builders, options).show(chosen)


if __name__ == "__main__":
    main()
