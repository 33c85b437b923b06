"""Members from outside: a forecast in a field of the record, and river's models."""

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from ..errors import ConfigError
from ..forecasting import given
from ..forecasting.given import Given
from . import base

SURE = 0.9  # what a class that is given by its name counts; the mixture sharpens or flattens it


class River(NamedTuple):
    """One of river's models, or a pipeline of them; it learns beside the others.

    Such a model has no state that could be saved exactly, so a mixture with one has no snapshot.
    """

    model: Any


@singledispatch
def is_outside(spec: Any) -> bool:
    """Whether what the member predicts is handed to the mixture."""
    return False


@is_outside.register(Given)
@is_outside.register(River)
def _(spec: Any) -> bool:
    return True


@base.check.register
def _(spec: Given, task: Any) -> None:
    given.check((spec,), "members")


@base.check.register
def _(spec: River, task: Any) -> None:
    if not hasattr(spec.model, "learn_one"):
        raise ConfigError(f"members: River({spec.model!r}); give a model of river's")


@base.label.register
def _(spec: Given) -> str:
    return f"given_{spec.name}"


@singledispatch
def learn(spec: Any, features: Mapping, y: Any) -> None:
    """Let the member learn a record with its target; what is only read learns nothing."""


@learn.register
def _(spec: River, features: Mapping, y: Any) -> None:
    spec.model.learn_one(features, y)


@singledispatch
def opinion(spec: Any, x: Mapping, features: Mapping) -> Any:
    """A class, probabilities by class, or None, for a record *x* and its *features*."""


@opinion.register
def _(spec: Given, x: Mapping, features: Mapping) -> Any:
    return x.get(spec.name)


@opinion.register
def _(spec: River, x: Mapping, features: Mapping) -> Any:
    return spec.model.predict_proba_one(features)


@singledispatch
def number(spec: Any, x: Mapping, features: Mapping, index: int) -> float:
    """A forecast for record *index*, NaN where there is none; raises `BadRecord`."""
    raise TypeError(f"{spec!r} is not a member from outside")


@number.register
def _(spec: River, x: Mapping, features: Mapping, index: int) -> float:
    made = spec.model.predict_one(features)
    return np.nan if made is None else float(made)


@number.register
def _(spec: Given, x: Mapping, features: Mapping, index: int) -> float:
    return given.number(x, spec.name, index)


def distribution(value: Any, classes: Sequence[Any]) -> np.ndarray:
    """Probabilities (C,) of *classes* from a class or a dict; NaN if it says nothing."""
    p = np.full(len(classes), np.nan)
    if isinstance(value, Mapping):
        given = np.array([float(value.get(c, 0.0) or 0.0) for c in classes])
        if np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0:
            return given / given.sum()
    elif value in classes:
        p[:] = (1 - SURE) / len(classes)
        p[list(classes).index(value)] += SURE
    return p
