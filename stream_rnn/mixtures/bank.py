"""The members by name, and the defaults: constants chosen on synthetic streams, the rest frozen."""

from typing import Any

import numpy as np

from ..cells import LSTM, FeedForward
from ..errors import ConfigError
from ..forecasting.given import others
from ..optimizers import Kalman
from . import base
from .forest import Forest
from .last import Last
from .middle import Middle
from .neighbours import Neighbours
from .network import Network
from .outside import Given, River, is_outside
from .part import part
from .tree import Tree
from .wide import Wide

#: Quick, additive and steady least squares, after a recurrent and a feed-forward network.
NUMBERS: tuple = (
    Network(LSTM(8), last_target=True),
    Network(FeedForward(32)),
    Forest(),
    Neighbours(),
    Last(),
    Wide(drift=1e-4),
    Wide(drift=1e-4, most=160, hinges=False, pairs=False),
    Wide(),
    Tree(),
    Middle(),
)
CLASSES: tuple = (
    Network(LSTM(8), last_target=True, optimizer=Kalman(0.5, 1e-5)),
    Network(FeedForward(32), optimizer=Kalman(0.5, 1e-5)),
    *NUMBERS[2:5],
    Wide(1.0, 0.3, 0.3, drift=3e-4),
    Wide(1.0, 0.3, drift=1e-5, most=160, hinges=False, pairs=False),
    Wide(),
    Tree(),
)

#: What a configuration may name.
MEMBERS = {
    spec.__name__: spec for spec in (Network, Forest, Neighbours, Last, Wide, Tree, Middle, Given)
}


def checked(members: Any, task: Any) -> tuple:
    """The members, by default all for the *task*; raises `ConfigError`.

    Outside forecasts alone are beside all those.
    """
    usual = CLASSES if task.discrete else NUMBERS
    if members is None:
        return usual
    specs = tuple(s() if isinstance(s, type) else s for s in members)
    if not specs:
        raise ConfigError("members: none; give at least one, or leave the field out")
    for spec in specs:
        if not (is_outside(spec) or type(spec) in {*base.declare.registry, *part.registry}):
            known = ", ".join([*MEMBERS, River.__name__])
            raise ConfigError(f"members: {spec!r} is not a member; choose of {known}")
        base.check(spec, task)
    if not others(specs):
        specs = (*usual, *specs)
    return tuple(_typed(spec) for spec in specs)


def check_weights(weights: Any, specs: tuple) -> None:
    """Raise `ConfigError` unless they are one a member."""
    given = np.asarray(weights, float)
    if given.shape != (len(specs),) or not (given > 0).all() or not np.isfinite(given).all():
        raise ConfigError(
            f"weights: {weights!r}; give {len(specs)} numbers above 0, one a member, "
            "or leave the field out"
        )


def _typed(spec: Any) -> Any:
    """Its numbers in their declared types: Wide(1) is Wide(1.0)."""
    hints = type(spec).__annotations__
    floats = {n: float(v) for n, v in spec._asdict().items() if hints[n] in (float, "float")}
    return spec._replace(**floats)


def labels(members: tuple) -> list[str]:
    """A name for each, such as ``forest`` or ``wide_2``."""
    names: list[str] = []
    for spec in members:
        name = base.label(spec)
        count = sum(n.rsplit("_", 1)[0] == name or n == name for n in names)
        names.append(f"{name}_{count + 1}" if count else name)
    return names
