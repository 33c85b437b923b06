"""The default bank of experts, and how a list of specs becomes groups of arrays."""

from typing import Any, NamedTuple

import numpy as np

from ..given import Given
from ..inputs import features
from .base import Shared, kind, pack_like, reads_random, reads_season
from .holt_winters import HoltWinters
from .levels import Ewma
from .linear import Linear
from .lstm import Lstm

LAST_VALUE_PRIOR = 0.3
SEASONAL_PRIOR = 0.4  # of experts of the season, where one is expected
RANDOM_UNITS = 96


def _tight(spec: Linear, factor: float, weight: float = 1.0) -> Linear:
    """*spec* with every prior variance multiplied by *factor*."""
    names = ("lag", "level", "average", "season", "seasons", "constant")
    scaled = {name: getattr(spec, name) * factor for name in names}
    return spec._replace(weight=weight, **scaled)


_PLAIN = Linear(lags=2, lag=1.0, level=0.3, constant=0.03)
_S12 = Linear(12, 1.0, level=0.3, average=0.3, season=1.0, seasons=0.6, constant=0.03)

DEFAULT: tuple[Any, ...] = (
    Ewma(1.0),
    Ewma(0.1),
    Ewma(0.3, weight=3.0),
    Ewma(0.6),
    HoltWinters(0.3, 0.1, 0.6),
    HoltWinters(0.3, 0.02, 0.9, weight=0.5),
    HoltWinters(0.8, 0.02, 0.4, weight=0.5),
    Linear(lags=0, level=0.0, average=0.03, constant=0.003, weight=3.0),
    _tight(_PLAIN, 0.01, weight=3.0),
    _tight(_PLAIN, 0.2),
    Linear(lags=12, lag=3.0, decay=0.0, level=0.9, constant=0.09),
    _tight(_S12, 0.01, weight=3.0),
    _tight(_S12, 0.1),
    _tight(_S12._replace(lags=60), 0.01, weight=3.0),
    _tight(_S12._replace(lags=60), 0.1),
    _tight(_S12._replace(lags=60, forget=0.999), 0.1),
    Linear(
        lags=12,
        lag=0.3,
        level=0.03,
        average=0.03,
        season=0.1,
        seasons=0.1,
        constant=0.01,
        random=0.03,
        drift=1e-7,
    ),
    Linear(12, 0.3, level=0.03, constant=0.01, shape=0.1, drift=1e-7),
    Linear(12, 0.3, level=0.03, constant=0.01, delay=0.1, drift=1e-7),
    Lstm(8, prior=0.01, drift=1e-6),
    Lstm(8, prior=0.1, drift=1e-5),
)

#: A third of the time of the default bank, for many series at once.
LIGHT: tuple[Any, ...] = (*DEFAULT[:5], DEFAULT[8], DEFAULT[10], DEFAULT[12])


#: Kinds of experts, and whole banks, by the names they have in a configuration.
EXPERTS = {kind.__name__: kind for kind in (Ewma, HoltWinters, Linear, Lstm, Given)}
BANKS = {"default": DEFAULT, "light": LIGHT}


@pack_like.register
def _pack_given(first: Given, specs: list, shared: Shared) -> Any:
    raise ValueError(f"{first!r}: only a forecaster takes outside forecasts")


class Packed(NamedTuple):
    """Groups of experts, the prior (K,) in their order, and the features they share."""

    groups: tuple
    prior: np.ndarray
    features: features.Features


def pack(specs: tuple, inputs: int, horizon: int, seed: int) -> Packed:
    """Group *specs* by kind, in the order of the kinds' first appearance.

    The first spec must be the last value, ``Ewma(1.0)``: its prior is .3, the others share
    the rest in proportion to their ``weight``.
    """
    if not specs or specs[0] != Ewma(1.0, specs[0].weight):
        raise ValueError(f"experts[0] is {specs[:1]}; the first expert must be Ewma(1.0)")
    units = RANDOM_UNITS if any(map(reads_random, specs)) else 0
    row = features.allocate(units, inputs, np.random.default_rng(seed))
    shared = Shared(len(row.row), units, inputs, horizon, seed)
    kinds = _kinds(specs)
    groups = tuple(pack_like(members[0], members, shared) for members in kinds)
    return Packed(groups, _prior(kinds), row)


def _kinds(specs: tuple) -> list[list]:
    """*specs* by kind, in the order of the kinds' first appearance."""
    kinds: dict[Any, list] = {}
    for spec in specs:
        kinds.setdefault(kind(spec), []).append(spec)
    return list(kinds.values())


def _prior(kinds: list[list]) -> np.ndarray:
    ordered = [spec for members in kinds for spec in members]
    weight = np.array([spec.weight for spec in ordered], float)
    weight[0] = 0.0
    prior = (1 - LAST_VALUE_PRIOR) * weight / weight.sum() if len(ordered) > 1 else weight
    prior[0] = LAST_VALUE_PRIOR if len(ordered) > 1 else 1.0
    return prior


def seasonal_prior(specs: tuple) -> np.ndarray:
    """The prior (K,) once a season that was expected has passed; 0 without experts of it.

    `SEASONAL_PRIOR` is theirs, the rest of the others, in proportion.
    """
    kinds = _kinds(specs)
    prior = _prior(kinds)
    theirs = np.array([reads_season(spec) for members in kinds for spec in members])
    if not prior[theirs].sum() > 0:
        return np.zeros(len(prior))
    prior[theirs] *= SEASONAL_PRIOR / prior[theirs].sum()
    prior[~theirs] *= (1 - SEASONAL_PRIOR) / prior[~theirs].sum()
    return prior
