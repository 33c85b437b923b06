"""Experts that are linear in the features, each a Kalman filter with its own prior."""

import functools
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import SCRATCH, Float, Int
from ..inputs import features
from ..kernels import clip
from . import least_squares as kalman
from .base import (
    begin,
    grow,
    joined,
    learn,
    level_shift,
    longer,
    lost,
    observe,
    pack_like,
    predict,
    reads_random,
    size,
    unsettle,
)

HUBER = 1.5  # deviations from which an innovation is weighted down
BOUND = 6.0  # leaps that a prediction may be away from the last value
NOISE_FLOOR = 1e-12
EXOGENOUS_PRIOR = 0.1


class Linear(NamedTuple):
    """(S[t+h] − S[t])/leap = wᵀ·features + N(0, R), w a random walk; see `kalman.update`.

    The numbers are prior variances of the weights of a block; 0 leaves the block out.
    Exogenous inputs are always read, with prior variance .1.
    """

    lags: int = 12  # how many of the last changes
    lag: float = 0.1
    decay: float = 1.0  # the j-th lag has prior lag/(1 + j)^decay
    level: float = 0.03
    average: float = 0.0  # deviations from moving averages
    season: float = 0.0  # last season's change at this place
    seasons: float = 0.0  # the ones before, and the last change's excess
    constant: float = 0.003
    shape: float = 0.0  # products of level and last two changes
    delay: float = 0.0  # products of delayed levels
    random: float = 0.0  # random tanh units
    drift: float = 1e-6  # process noise, relative to the prior
    forget: float = 1.0  # λ; below 1 the past fades exponentially
    weight: float = 1.0


class Filters(NamedTuple):
    """A group of n `Linear`, ragged arrays laid end to end.

    Expert i has columns and weights ``start[i]:start[i+1]`` and a square covariance from
    ``square[i]``.
    """

    start: Annotated[Int, "n+1"]
    square: Annotated[Int, "n+1"]
    columns: Annotated[Int, "columns"]  # into the feature row
    prior: Annotated[Float, "columns"]
    motion: Annotated[Float, "n 2"]  # drift, forget
    weights: Annotated[Float, "columns"]
    covariance: Annotated[Float, "squares"]
    noise: Annotated[Float, "n"]  # R
    resets: Annotated[Int, "1"]  # how often a filter was lost
    scratch: Annotated[Float, "2 widest", SCRATCH]


def block(spec: Linear, units: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the feature row that *spec* reads, and their prior variances.

    *units* random units and *inputs* exogenous inputs are in the row.
    """
    columns, prior = _own_block(spec, units)
    exogenous = features.RANDOM + units + np.arange(inputs)
    priors = np.full(inputs, EXOGENOUS_PRIOR)
    return np.concatenate([columns, exogenous]), np.concatenate([prior, priors])


@functools.cache
def _own_block(spec: Linear, units: int) -> tuple[np.ndarray, np.ndarray]:
    """`block` without exogenous inputs."""
    parts: list[tuple[Any, Any]] = [
        (np.arange(spec.lags), spec.lag / (1.0 + np.arange(spec.lags)) ** spec.decay),
        (features.LEVEL, spec.level),
        (features.AVERAGE + np.arange(features.AVERAGES), spec.average),
        (features.SEASON, spec.season),
        (features.SEASON + 1 + np.arange(features.SEASONS - 1), spec.seasons),
        (features.ONE, spec.constant),
        (np.arange(features.SHAPE, features.DELAY), spec.shape),
        (np.arange(features.DELAY, features.RANDOM), spec.delay),
        (features.RANDOM + np.arange(units), spec.random),
    ]
    pairs = [np.broadcast_arrays(np.atleast_1d(c), np.asarray(p, float)) for c, p in parts]
    columns = np.concatenate([c for c, _ in pairs]).astype(np.int64)
    prior = np.concatenate([p for _, p in pairs])
    return columns[prior > 0], prior[prior > 0]


def pack(specs: list[Linear], units: int, inputs: int) -> Filters:
    """The group of *specs* before the first record: weights 0, covariances diag(prior)."""
    blocks = [block(spec, units, inputs) for spec in specs]
    sizes = np.array([len(columns) for columns, _ in blocks])
    totals = {"columns": int(sizes.sum()), "squares": int((sizes**2).sum())}
    new = trees.allocate(Filters, totals | {"n": len(specs), "widest": int(sizes.max())})
    new.start[1:], new.square[1:] = np.cumsum(sizes), np.cumsum(sizes**2)
    new.columns[:] = np.concatenate([columns for columns, _ in blocks])
    new.prior[:] = np.concatenate([prior for _, prior in blocks])
    new.motion[:] = [[spec.drift, spec.forget] for spec in specs]
    for at, (_, prior) in zip(new.square, blocks, strict=False):
        n = len(prior)
        new.covariance[at : at + n * n : n + 1] = prior
    new.noise[:] = 1
    return new


@pack_like.register
def _pack(first: Linear, specs, shared):
    return pack(specs, shared.units, shared.inputs)


@reads_random.register
def _reads_random(spec: Linear):
    return spec.random > 0


@lost.register
def _lost(group: Filters):
    return group.resets


@unsettle.register
def _unsettle(group: Filters, share):
    for i in range(len(group.noise)):
        prior = group.prior[group.start[i] : group.start[i + 1]]
        square = group.covariance[group.square[i] : group.square[i + 1]]
        square[:: len(prior) + 1] += share * prior


@loose_kernel
def learn_filters(group, row, target, rate):
    """One measurement for each filter, on the features *row* of the forecast."""
    for i in range(len(group.noise)):
        first, n = group.start[i], group.start[i + 1] - group.start[i]
        x, gain = group.scratch[0, :n], group.scratch[1, :n]
        for k in range(n):
            x[k] = row[group.columns[first + k]]
        square = group.covariance[group.square[i] : group.square[i + 1]]
        noise = kalman.update(
            square.reshape((n, n)),
            group.weights[first : first + n],
            x,
            group.prior[first : first + n],
            group.motion[i, 0],
            group.motion[i, 1],
            group.noise[i],
            target,
            rate,
            HUBER,
            NOISE_FLOOR,
            gain,
        )
        group.resets[0] += noise < 0
        group.noise[i] = abs(noise)


@loose_kernel
def predict_filters(group, row, leap, last, out):
    """S[t] + leap·wᵀx, at most 6 leaps away."""
    for i in range(len(group.noise)):
        total = 0.0
        for k in range(group.start[i], group.start[i + 1]):
            total += group.weights[k] * row[group.columns[k]]
        out[i] = last + leap * clip(total, BOUND)


@size.register
def _size(group: Filters):
    return len(group.noise)


@learn.register
def _learn(group: Filters, rows, slot, target, rate):
    learn_filters(group, rows[slot], target, rate)


@observe.register
def _observe(group: Filters, past, t, h, period):
    pass


@predict.register
def _predict(group: Filters, row, units, past, t, h, slot, out):
    predict_filters(group, row, units.leap, past[0], out)


@level_shift.register
def _level_shift(group: Filters, jump, age):
    pass


@grow.register
def _grow(old: Filters, new):
    """Carry the filters *old* over into *new*, which have more inputs, the last columns."""
    for (at, end, a, b), (to, last, c, d) in zip(_places(old), _places(new), strict=True):
        n, m = end - at, last - to
        new.weights[to : to + n] = old.weights[at:end]
        new.covariance[c:d].reshape(m, m)[:n, :n] = old.covariance[a:b].reshape(n, n)
    new.noise[...], new.resets[...] = old.noise, old.resets


@longer.register
def _longer(group: Filters, more: int):
    sizes = np.diff(group.start) + more
    totals = {"columns": int(sizes.sum()), "squares": int((sizes**2).sum())}
    totals |= {"n": len(sizes), "widest": int(sizes.max())}
    return trees.fields(Filters, totals)


@joined.register
def _joined(group: Filters, more: int):
    before = np.diff(group.start).tolist()
    after = [n + more for n in before]
    return {
        "columns": ([(n,) for n in before], [(n,) for n in after]),
        "squares": ([(n, n) for n in before], [(n, n) for n in after]),
    }


@begin.register
def _begin(group: Filters, more: int, width: int):
    sizes = np.diff(group.start) + more
    group.start[1:], group.square[1:] = np.cumsum(sizes), np.cumsum(sizes**2)
    last = np.arange(-more, 0)
    new = (group.start[1:, None] + last).ravel()
    group.columns[new] = np.tile(width + last, len(sizes))
    group.prior[new] = EXOGENOUS_PRIOR
    diagonal = group.square[1:, None] + (last + 1) * (sizes[:, None] + 1) - 1
    group.covariance[diagonal.ravel()] = EXOGENOUS_PRIOR


def _places(group: Filters) -> Iterator[tuple[int, int, int, int]]:
    """Where the weights of each filter begin and end, and where its covariance does."""
    starts, squares = group.start.tolist(), group.square.tolist()
    return zip(starts[:-1], starts[1:], squares[:-1], squares[1:], strict=True)
