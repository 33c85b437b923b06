"""What other installed packages bring, by Python's entry points.

A package adds a cell, so that a configuration can name it, by saying in its pyproject.toml

    [project.entry-points."stream_rnn.cells"]
    Leaky = "leaky_cells:Leaky"

The groups are those of `GROUPS`.  A spec is a NamedTuple whose operations are registered when
its module is imported; an estimator is a class with the methods of `estimators.protocol`; a
source or sink is a msgspec `Struct`, its tag the ``type`` that a configuration gives, with a
method ``open`` that makes what `connectors.base` describes; a metric is a
`metrics.families.Family` under the name that an estimator's ``health`` gives it.

>>> sorted(GROUPS)[:3]
['activation', 'cell', 'estimator']
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import ConfigError

GROUPS = {
    "cell": "stream_rnn.cells",
    "learner": "stream_rnn.learners",
    "optimizer": "stream_rnn.optimizers",
    "loss": "stream_rnn.losses",
    "activation": "stream_rnn.activations",
    "experts": "stream_rnn.experts",
    "mixture": "stream_rnn.mixtures",
    "members": "stream_rnn.members",
    "estimator": "stream_rnn.estimators",
    "source": "stream_rnn.sources",
    "sink": "stream_rnn.sinks",
    "metric": "stream_rnn.metrics",
}


@cache
def installed(kind: str) -> Mapping[str, EntryPoint]:
    """The entry points of a kind by name; raises `ConfigError` where two packages share one."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUPS[kind]):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise ConfigError(
                f"{kind} {point.name!r} is brought by {package(other)} and by {package(point)}; "
                "uninstall one of them"
            )
    return found


def check_names(kind: str, ours: Iterable[str]) -> None:
    """Raise `ConfigError` if a package takes a name that is *ours*."""
    for name in installed(kind).keys() & set(ours):
        raise ConfigError(
            f"{kind} {name!r} is stream_rnn's own; the package {package(installed(kind)[name])} "
            "must give its entry point another name: uninstall or mend it"
        )


def package(point: EntryPoint) -> str:
    """The distribution that an entry point is of."""
    return "an unknown package" if point.dist is None else point.dist.name


def brought(kind: str) -> dict[str, Any]:
    """What the entry points of a kind name, loaded; raises `ConfigError` if one cannot be."""
    return {name: fetch(kind, name) for name in installed(kind)}


@cache
def fetch(kind: str, name: str) -> Any:
    """What one entry point names; raises `ConfigError` if it cannot be imported."""
    point = installed(kind)[name]
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(
            f"{kind} {name!r} of the package {package(point)} cannot be loaded from "
            f"{point.value}: {type(error).__name__}: {error}; mend or uninstall the package"
        ) from error
