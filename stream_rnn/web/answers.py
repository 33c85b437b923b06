"""What an estimator answers to a question, whatever kind it is; nothing is learned.

>>> from stream_rnn import RecurrentRegressor
>>> from stream_rnn.features.rows import Rows
>>> from stream_rnn.service.task import Task
>>> task = Task(RecurrentRegressor(), Rows("load"))
>>> answer(task, {"hour": 3}, Asked())
{'prediction': 0.0}
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from river import base

from ..estimators.delayed import Delayed
from ..estimators.keyed.estimator import Keyed
from ..estimators.text import TextPredictor
from ..service.task import Task

Record = Mapping[str, Any]
COMPLETIONS = 5


class Asked(NamedTuple):
    """What a question says beside its record."""

    horizon: int = 1  # steps ahead, of a forecaster
    level: float = 0.9  # of intervals


def answer(task: Task, record: Record, asked: Asked) -> dict[str, Any]:
    """Fields as in a result, for *record* as the next one; raises `BadRecord`.

    The record needs no target.  Of a text predictor its field ``text`` is continued.
    """
    rows = task.rows
    xs, _ = rows.transform([{**dict.fromkeys(rows.targets), **record}])
    x: dict[Any, Any] = dict(xs[0])
    model: Any = task.estimator
    if isinstance(model, Delayed):
        model = model.live
    if isinstance(model, Keyed):
        model, x = model.asked(x)
    if isinstance(model, TextPredictor):
        return _text(model, record)
    if hasattr(model, "forecast"):
        return _forecast(model, x, asked)
    if isinstance(model, base.AnomalyDetector):
        return {"score": model.score_one(x)}
    if isinstance(model, base.Classifier):
        shares = model.predict_proba_one(x)
        best = max(shares, key=shares.__getitem__) if shares else None
        return {"prediction": best, "probabilities": shares}
    return {"prediction": model.predict_one(x)}


def _forecast(model: Any, x: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The next values with their bounds; *x* holds the inputs of the next record, if any."""
    steps = model.forecast(asked.horizon, [x] * asked.horizon if x else None, asked.level)
    if steps and isinstance(steps[0], dict):  # several targets
        found: dict[str, Any] = {"forecast": {}, "lower": {}, "upper": {}}
        for name in steps[0]:
            for field, at in FIELDS:
                found[field][name] = [_finite(step[name][at]) for step in steps]
        return found
    return {field: [_finite(step[at]) for step in steps] for field, at in FIELDS}


FIELDS = (("forecast", 0), ("lower", 1), ("upper", 2))


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return float(value) if np.isfinite(value) else None


def _text(model: TextPredictor, record: Record) -> dict[str, Any]:
    prompt = record.get("text", "")
    found = model.complete(prompt, COMPLETIONS) if prompt else model.top_k(COMPLETIONS)
    field = "completions" if prompt else "next"
    return {field: [{"text": text, "bits" if prompt else "probability": n} for text, n in found]}
