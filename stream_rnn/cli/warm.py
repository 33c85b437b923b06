"""``stream-rnn warm``: compile ahead of time."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(help="Pipelines whose model to compile; without any, all defaults."),
    ] = None,
) -> None:
    """Fill the compile cache, so that the first record does not wait for the compiler.

    For container images and for machines that start many short runs.  The cache is in
    NUMBA_CACHE_DIR if that is set, else in the user's cache folder.

    \b
      stream-rnn warm
      NUMBA_CACHE_DIR=/var/cache/stream-rnn stream-rnn warm pipeline.toml
    """
    from ..config import load
    from ..specs import ESTIMATORS

    if configs:
        loaded = [(str(path), load(path)) for path in configs]
        tables = [(name, found.estimator, found.key and found.share) for name, found in loaded]
    else:
        tables = [(name, {"type": name}, None) for name in ESTIMATORS]
    for name, table, share in tables:
        start = time.perf_counter()
        compile_estimator(table, share)
        typer.echo(f"{name}: {time.perf_counter() - start:.1f} s")


def compile_estimator(table: dict[str, Any], share: str | None = None) -> None:
    """Let an estimator of this configuration see a few records; with *share*, of keys."""
    import numpy as np

    from ..drift.monitor import Monitor
    from ..estimators.keyed.estimator import Keyed
    from ..specs import estimator

    kind = table.get("type", "regressor")
    learner: Any = estimator(table)
    if share is not None:
        learner = Keyed(learner, "key", share)
    for step in range(3):
        if kind in RECORDS:
            xs = RECORDS[kind]
        else:
            xs = [{"x": float(step), "z": 1.0}, {"x": step + 0.5, "z": 2.0}]
        if share is not None:
            xs = [{"key": n, **x} for n, x in enumerate(xs)]
        learner.stream(xs, TARGETS.get(kind, TARGETS["regressor"]))
    learner.restore(learner.snapshot())
    _ask(learner, kind, xs[0])
    Monitor().update(np.ones((40, 1)))  # what watches the losses, unless drift is "none"


def _ask(learner: Any, kind: str, x: dict[str, Any]) -> None:
    """Predict without learning, as questions over HTTP and the page's sensitivities do."""
    if hasattr(learner, "asked"):  # of a key
        learner, x = learner.asked(x)
    if hasattr(learner, "forecast"):
        learner.forecast(1, [x])
    elif kind == "anomaly":
        learner.score_one(x)
    elif kind not in RECORDS:
        learner.predict_one(x)


# Two targets of the kind that each estimator learns.
TARGETS: dict[str, list[Any]] = {
    "regressor": [0.5, 1.5],
    "classifier": ["a", "b"],
    "stream-regressor": [0.5, 1.5],
    "stream-classifier": ["a", "b"],
    "sequence-regressor": [0.5, 1.5],
    "sequence-classifier": ["a", "b"],
    "multitarget": [{"y": 0.5, "v": 1.0}, {"y": 1.5, "v": 0.0}],
    "forecaster": [0.5, 1.5],
    "multivariate": [{"y": 0.5, "v": 1.0}, {"y": 1.5, "v": 0.0}],
    "anomaly": [0.5, 1.5],
    "text": [None, None],
    "transducer": ["bot", "ron"],
    "text-classifier": ["a", "b"],
    "labeler": [["A", "B"], ["B", "A"]],
}

# Two records, of those that do not take fields with numbers.
RECORDS: dict[str, list[dict[str, Any]]] = {
    "text": [{"text": "to be"}, {"text": "or not"}],
    "transducer": [{"source": "to b"}, {"source": "or n"}],
    "text-classifier": [{"text": "to be"}, {"text": "or not"}],
    "labeler": [{"tokens": "to be"}, {"tokens": "or not"}],
}
