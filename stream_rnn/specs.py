"""From tables such as ``{type = "LSTM", units = 16}`` to specs and estimators.

>>> build({"type": "LSTM", "units": 8}, "cell", "estimator.cell")
LSTM(units=8, forget_bias=1.0, orthogonal=False)
"""

import importlib
import inspect
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from . import plugins
from .errors import ConfigError, suggest

if TYPE_CHECKING:
    from .estimators.protocol import StreamEstimator

# What each estimator is called in a configuration, and where it is.
ESTIMATORS = {
    "regressor": "stream_rnn.estimators.regressor:RecurrentRegressor",
    "classifier": "stream_rnn.estimators.classifier:RecurrentClassifier",
    "multitarget": "stream_rnn.estimators.multitarget:RecurrentMultiTargetRegressor",
    "forecaster": "stream_rnn.estimators.forecaster:RecurrentForecaster",
    "multivariate": "stream_rnn.estimators.multivariate:RecurrentMultivariateForecaster",
    "stream-regressor": "stream_rnn.estimators.stream_regressor:StreamRegressor",
    "stream-classifier": "stream_rnn.estimators.stream_classifier:StreamClassifier",
    "sequence-classifier": "stream_rnn.estimators.sequence_classifier:SequenceClassifier",
    "sequence-regressor": "stream_rnn.estimators.sequence_regressor:SequenceRegressor",
    "anomaly": "stream_rnn.estimators.anomaly:RecurrentAnomalyDetector",
    "text": "stream_rnn.estimators.text:TextPredictor",
    "transducer": "stream_rnn.estimators.transducer:SequenceTransducer",
    "text-classifier": "stream_rnn.estimators.text_classifier:TextClassifier",
    "labeler": "stream_rnn.estimators.labeler:SequenceLabeler",
}
# What is around another estimator, by the `type` that a saved one gives it.
WRAPPERS = {
    "keyed": "stream_rnn.estimators.keyed.estimator:Keyed",
    "sequences": "stream_rnn.estimators.grouped:Sequences",
    "lookahead": "stream_rnn.estimators.ahead:Lookahead",
    "frames": "stream_rnn.estimators.frame_forecaster:FrameForecaster",
}
# Where each kind of spec is registered, by the name of the argument that takes it.
REGISTRIES = {
    "cell": "stream_rnn.sequences.bidirectional:LAYERS",
    "learner": "stream_rnn.learners:LEARNERS",
    "optimizer": "stream_rnn.optimizers:OPTIMIZERS",
    "loss": "stream_rnn.losses:LOSSES",
    "experts": "stream_rnn.forecasting.experts.default:EXPERTS",
    "members": "stream_rnn.mixtures.bank:MEMBERS",
    "mixture": "stream_rnn.forecasting.mixing.mix:MIXTURES",
    "activation": "stream_rnn.numerics.activations:ACTIVATIONS",
}

AUTO = {"type": "auto"}  # the estimator chooses the fastest exact learner
BANKS = "stream_rnn.forecasting.experts.default:BANKS"  # experts by one name


def registry(kind: str) -> dict[str, Any]:
    """The specs of a kind by name: ours, and those of other packages under names of their own."""
    ours: dict[str, Any] = load(REGISTRIES[kind])
    plugins.check_names(kind, ours)
    return ours | plugins.brought(kind)


def estimators() -> list[str]:
    """The names a configuration may give as ``estimator.type``."""
    plugins.check_names("estimator", ESTIMATORS)
    return [*ESTIMATORS, *plugins.installed("estimator")]


def load(reference: str) -> Any:
    """The object at ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def estimator(table: Mapping[str, Any]) -> "StreamEstimator":
    """The estimator of an ``[estimator]`` table; raises `ConfigError`."""
    table = dict(table)
    name = table.pop("type", "regressor")
    kind = estimator_class(name)
    known = inspect.signature(kind).parameters
    arguments = {}
    for field, value in table.items():
        place = f"estimator.{field}"
        if field not in known:
            raise ConfigError(f"{place}: unknown field; {suggest(field, known)}")
        if field == "experts" and isinstance(value, str):
            arguments[field] = bank(value, place)
        elif field in REGISTRIES:
            arguments[field] = build(value, field, place)
        else:
            arguments[field] = convert(value, known[field].annotation, place)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"estimator: {error}") from None


def bank(name: str, place: str) -> tuple:
    """A whole bank of experts by its name."""
    banks = load(BANKS)
    if name not in banks:
        raise ConfigError(
            f"{place} = {name!r}: unknown; {suggest(name, banks)}; or give a list of tables"
        )
    return banks[name]


def estimator_class(name: str) -> type:
    """The class that a configuration calls *name*; raises `ConfigError`."""
    if name in ESTIMATORS:
        return load(ESTIMATORS[name])
    if name not in plugins.installed("estimator"):
        raise ConfigError(f"estimator.type = {name!r}: unknown; {suggest(name, estimators())}")
    kind: type = plugins.fetch("estimator", name)
    return kind


def build(value: Any, kind: str, place: str) -> Any:
    """The spec of a table, of a bare name, or of a list of them (a chain)."""
    if isinstance(value, list):
        return tuple(build(item, kind, f"{place}[{n}]") for n, item in enumerate(value))
    if isinstance(value, str):
        value = {"type": value}
    if kind == "learner" and value == AUTO:
        return value["type"]
    if not isinstance(value, Mapping):
        raise ConfigError(f"{place} = {value!r}: give a table such as {{type = …}}, or a name")
    known = registry(kind)
    arguments = dict(value)
    name = arguments.pop("type", None)
    if name is None:
        raise ConfigError(f"{place}.type: is missing; {suggest('', known)}")
    if name not in known:
        raise ConfigError(f"{place}.type = {name!r}: unknown; {suggest(name, known)}")
    spec = known[name]
    hints = typing.get_type_hints(spec)
    for field, given in arguments.items():
        if field not in spec._fields:
            raise ConfigError(f"{place}.{field}: unknown field; {suggest(field, spec._fields)}")
        inner = f"{place}.{field}"
        if field in REGISTRIES:
            arguments[field] = build(given, field, inner)
        else:
            arguments[field] = convert(given, hints[field], inner)
    try:
        return spec(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{place}: {error}") from None


def convert(value: Any, kind: Any, place: str) -> Any:
    """*value* as *kind*, if that is a plain type; an integer becomes a float where needed."""
    plain = (bool, int, float, str, type(None))
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if isinstance(value, list) and tuple in options:
        return tuple(value)
    if not all(option in plain for option in options):
        return value
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problem = str(error).replace("`", "")
        raise ConfigError(f"{place} = {value!r}: {problem[:1].lower()}{problem[1:]}") from None


def to_table(spec: Any) -> Any:
    """A spec, or a chain of them, as a configuration would write it: undoes `build`.

    >>> to_table(build({"type": "Huber", "delta": 2}, "loss", "loss"))
    {'type': 'Huber', 'delta': 2.0}
    """
    if isinstance(spec, type):
        spec = spec()
    if hasattr(spec, "_asdict"):
        return {"type": type(spec).__name__} | {k: to_table(v) for k, v in spec._asdict().items()}
    return [to_table(part) for part in spec] if isinstance(spec, tuple) else spec
