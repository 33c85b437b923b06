"""What an estimator has learned, for people to read."""

from collections.abc import Mapping
from typing import Any

from ..errors import CheckpointError, ConfigError
from ..forecasting.bank import LEARNED
from ..forecasting.inputs.period import FOUND
from ..forecasting.interval import COUNT, STEADY
from ..forecasting.mixing.boa import MEAN, MEDIAN, WEIGHT
from ..forecasting.mixing.mix import Mixture
from ..forecasting.series import Series
from ..forecasting.weights import expert_weights
from .protocol import ManyKeys, drift_alarms, learner_of
from .sensitivities import sensitivities, statistics
from .shown import table

MOST_KEYS = 20  # whose models are told one by one
POINTS = {"median": MEDIAN, "mean": MEAN}


class Learned(dict[str, Any]):
    """Findings by name, which a notebook shows as a table."""

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in flat(self))

    def _repr_html_(self) -> str:
        return table(flat(self))


def learned(model: Any, x: Mapping[Any, Any] | None = None) -> Learned:
    """What *model* has found out, as far as there is such a thing in it.

    ``metrics``
        counters and gauges, by the names that a service's metrics have.
    ``alarms``
        of the drift detectors inside.
    ``features``, ``targets``
        the columns; what a text has become is among them.
    ``sensitivities``
        the prediction's slope in each feature at *x*, or at the means; see `sensitivities`.
    ``members``
        the weight of each member of a mixture.
    ``series``
        of each series and horizon of a forecaster, or each field of an anomaly detector:
        ``season`` (records; 0 if none was found), ``experts`` (the weight of each kind, and of
        each outside forecast as ``given_name``),
        ``mixture`` (of their aggregations), ``error`` (the mean of |e|).
    ``far``
        of a forecaster that was asked for many steps: ``steps`` that are learned as such, with
        which ``season``, and the ``paths`` whose truths have come.
    ``keys``
        how many there are; with a model for each, what those have learned under ``models``.
    ``state``
        bytes of each part of the state.

    Weights and seasons are those of now: to follow them, ask again as the stream goes on.

    >>> from stream_rnn import RecurrentForecaster
    >>> model = RecurrentForecaster()
    >>> for t in range(60):
    ...     model.learn_one(t % 12)
    >>> found = learned(model)
    >>> found["series"][0]["season"], round(sum(found["series"][0]["experts"].values()), 6)
    (12, 1.0)
    """
    if hasattr(model, "learned_parts"):
        return Learned(_named(model) | _of_many(model.learned_parts()) | _state(model))
    if isinstance(model, ManyKeys):
        return Learned(_named(model) | _of_keys(model, x) | _state(model))
    return Learned(_named(model) | _of_one(learner_of(model), model, x) | _state(model))


def _named(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"estimator": type(learner_of(model)).__name__}
    if hasattr(model, "health"):
        found["metrics"] = dict(model.health())
    return found


def _of_one(inner: Any, model: Any, x: Mapping[Any, Any] | None) -> dict[str, Any]:
    """What is in one estimator; *model* is *inner* with what is around it."""
    found: dict[str, Any] = {
        "alarms": dict(drift_alarms(inner)),
        "features": list(getattr(getattr(inner, "_features", None), "names", ())),
        "targets": _targets(inner),
        "members": inner.member_weights() if hasattr(inner, "member_weights") else {},
        "series": [_of_horizon(*each) for each in _horizons(inner)],
        "far": _far_steps(inner),
    }
    if x is not None or statistics(inner)[0]:
        try:
            found["sensitivities"] = sensitivities(model, x)
        except ConfigError:
            if x is not None:
                raise
    return {name: value for name, value in found.items() if value}


def _targets(inner: Any) -> list[Any]:
    names = inner._target_names() if hasattr(inner, "_target_names") else None
    return list(names or getattr(inner, "_targets", None) or ())


def _of_keys(model: Any, x: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Of `Keyed`: the shared network, or the models of the first keys."""
    contexts = model.contexts
    found: dict[str, Any] = {"keys": len(contexts)}
    if model.share == "weights":
        return found | _of_one(learner_of(model), learner_of(model), x)
    parts = {}
    for key in list(contexts)[:MOST_KEYS]:
        entry = contexts.find(key)
        if entry is not None and entry.state is not None:
            parts[key] = entry.state
    return found | _of_many(parts)


def _of_many(parts: Mapping[Any, Any]) -> dict[str, Any]:
    if list(parts) == [None]:
        return _of_one(learner_of(parts[None]), parts[None], None)
    shown = list(parts.items())[:MOST_KEYS]
    return {"models": {key: _of_one(learner_of(m), m, None) for key, m in shown}}


# Forecasters ----------------------------------------------------------------------------------


def all_series(estimator: Any) -> list[tuple[str, Series]]:
    """The series inside a forecaster or an anomaly detector, by name."""
    if hasattr(estimator, "_all_series"):
        every = list(estimator._all_series())
        names = [str(name) for name in getattr(estimator, "_targets", ())]
        return list(zip([*names, *([""] * len(every))], every, strict=False))
    each = getattr(getattr(estimator, "_each", None), "series", {})
    return [(str(estimator._names[field]), one) for field, one in each.items()]


def _horizons(estimator: Any) -> list[tuple[str, Series, int, int]]:
    head = POINTS.get(getattr(estimator, "point", "median"), MEDIAN)
    return [
        (name, one, n, head) for name, one in all_series(estimator) for n in range(len(one.banks))
    ]


def _far_steps(estimator: Any) -> dict[str, int]:
    """How far ahead steps are learned as such, with what season, from how many paths."""
    horizons = getattr(estimator, "_far", None)
    if horizons is None or horizons.far is None:
        return {}
    far = horizons.far
    return {
        "steps": int(horizons.reach),
        "season": int(far.season[0]),
        "paths": int(far.blend.evidence[1]),
    }


def _of_horizon(name: str, series: Series, index: int, head: int) -> dict[str, Any]:
    bank = series.banks[index]
    scale = bank.interval.scale
    top = bank.mix.top.table[head, WEIGHT].tolist()
    found: dict[str, Any] = {} if not name else {"name": name}
    return found | {
        "horizon": series.horizons[index],
        "learned": int(bank.counts[LEARNED]),
        "season": int(bank.period.found[FOUND]),
        "error": float(scale[STEADY]) if scale[COUNT] else None,
        "experts": expert_weights(series, index, head),
        "mixture": dict(zip(Mixture._fields, top, strict=True)),
    }


# The state ------------------------------------------------------------------------------------


def _state(model: Any) -> dict[str, Any]:
    """Bytes of the parts of a state, the largest first."""
    try:
        arrays = model.snapshot().arrays
    except (CheckpointError, AttributeError):  # of a member that cannot be saved
        return {}
    members = dict(enumerate(getattr(learner_of(model), "_labels", ())))
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        part = name.partition(".")[0]
        if part.isdigit():
            part = members.get(int(part), part)
        sizes[part] = sizes.get(part, 0) + array.nbytes
    ordered = dict(sorted(sizes.items(), key=lambda item: -item[1]))
    return {"state": {"bytes": sum(sizes.values()), **ordered}} if sizes else {}


def flat(found: Any, name: str = "") -> list[tuple[str, str]]:
    """Names with dots and values as they are shown.

    >>> flat({"a": {"b": 0.12345}, "c": ["x", "y"], "d": [{"e": 1}]})
    [('a.b', '0.1235'), ('c', 'x, y'), ('d[0].e', '1')]
    """
    if isinstance(found, Mapping) and found:
        return [
            pair
            for key, value in found.items()
            for pair in flat(value, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        return [pair for n, value in enumerate(found) for pair in flat(value, f"{name}[{n}]")]
    if isinstance(found, list):
        return [(name, ", ".join(map(str, found)))]
    return [(name, f"{found:.4g}" if isinstance(found, float) else f"{found}")]
