"""How much a prediction changes with each feature."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ..errors import ConfigError
from .protocol import learner_of


def sensitivities(
    model: Any,
    x: Mapping[Any, Any] | None = None,
    step: float = 0.5,
    names: Collection[Any] | None = None,
) -> dict:
    """∂ prediction / ∂ feature at the record *x*, in the units of both.

    A difference of two predictions, (f(x + s) − f(x − s)) / 2s, where s is *step* deviations of
    the feature, as the model has seen it: the slope that counts over the usual range, for trees
    as for networks; with a small step, for networks alone, the derivative.  Nothing is learned.
    *x* None stands for the mean of every feature.  Text has no slope and is left out, but counts
    as it stands in *x*.  Of several targets or classes (their probabilities) each has its own.
    Only the features *names* are tried, if they are given.

    Raises `ConfigError` before anything was learned, and for forecasters and whatever else
    predicts no record.

    >>> import random
    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> rng, model = random.Random(1), RecurrentRegressor(LSTM(2), seed=1)
    >>> for _ in range(1000):
    ...     x = {"a": rng.gauss(0, 1), "b": rng.gauss(5, 2), "c": rng.gauss(0, 1)}
    ...     model.learn_one(x, 3 * x["a"] - x["b"])
    >>> {name: round(slope, 1) + 0.0 for name, slope in sensitivities(model).items()}
    {'a': 3.0, 'b': -1.0, 'c': 0.0}
    """
    if step <= 0:
        raise ConfigError(f"step: {step}; give a number of deviations above 0")
    if hasattr(learner_of(model), "forecast"):
        raise ConfigError(
            "sensitivities: a forecaster predicts from its own past, of which no record can be "
            "varied; learned() tells its season and the weights of its experts"
        )
    means, deviations = statistics(model)
    at = dict(means if x is None else x)
    if not at:
        raise ConfigError("sensitivities: nothing was learned yet, or no feature is a number")
    found: dict[Any, dict[Any, float]] = {}
    for name, value in at.items():
        if isinstance(value, bool | str) or not isinstance(value, int | float | np.number):
            continue
        if names is not None and name not in names:
            continue
        width = step * (deviations.get(name) or abs(float(value)) or 1.0)
        above = _outputs(model, {**at, name: float(value) + width})
        below = _outputs(model, {**at, name: float(value) - width})
        for output in above:
            slope = (above[output] - below.get(output, 0.0)) / (2 * width)
            found.setdefault(output, {})[name] = slope
    return found[None] if list(found) == [None] else found


def statistics(model: Any) -> tuple[dict[Any, float], dict[Any, float]]:
    """Mean and deviation of every feature that is a number, as *model* has seen them."""
    model = learner_of(model)
    columns, moments = getattr(model, "_features", None), _moments(model)
    if columns is None or moments is None:
        return {}, {}
    made = set(columns.described(dict.fromkeys(columns.categories, "\0")))  # columns of text
    made |= {n for c in columns.categories.values() for n in c.effect_names(columns.targets)}
    means, deviations = {}, {}
    for n, name in enumerate(columns.names[: len(moments.mean)]):
        if moments.count[n] > 0 and name not in made:
            means[name] = float(moments.mean[n])
            deviations[name] = float(np.sqrt(moments.variance[n]))
    return means, deviations


def _moments(model: Any) -> Any:
    network, mixture = getattr(model, "_network", None), getattr(model, "_mixture", None)
    if network is not None and hasattr(network, "state"):
        return getattr(network.state, "inputs", None)
    return None if mixture is None else mixture.scales.inputs


def _outputs(model: Any, x: dict[Any, Any]) -> dict[Any, float]:
    """The numbers of a prediction by name; None is the name of the only one."""
    if _is_classifier(model):
        return {name: float(p) for name, p in model.predict_proba_one(x).items()}
    if not hasattr(model, "predict_one"):
        raise ConfigError(f"sensitivities: {type(model).__name__} predicts no record")
    made = model.predict_one(x)
    if isinstance(made, Mapping):
        return {name: float(value) for name, value in made.items()}
    return {None: float(made)}


def _is_classifier(model: Any) -> bool:
    from river import base

    return isinstance(learner_of(model), base.Classifier)
