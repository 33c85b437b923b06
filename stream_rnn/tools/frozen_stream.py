"""A network with frozen weights along a short stream: losses, and gradients of each record."""

from typing import Any

import numpy as np

from ..codegen.dispatch import compiled
from ..engine.model import Model, compose
from ..engine.network import advance, backward, forward
from ..engine.online import OnlineNetwork
from ..engine.scale import standardises
from ..errors import ConfigError
from ..features.tables import rows_and_names
from ..learners.base import gathers
from ..losses import slope, value
from ..numerics.linalg import copy, zero
from ..numerics.trees import walk
from ..optimizers import SGD


def refuse_gathering(learner: Any) -> None:
    """Raise `ConfigError` for a learner that has no gradient at each record."""
    if gathers(learner):
        raise ConfigError(
            f"learner: {learner} gathers records and has no gradient of its own at each; take "
            "TBPTT with every=1"
        )


def frozen(model: Any, X: Any, y: Any) -> tuple[OnlineNetwork, np.ndarray, np.ndarray]:
    """A float64 network with the weights of *model*, and its stream in standard units."""
    if isinstance(model, OnlineNetwork):
        skip, source = model.skip, model
        rows, targets = np.asarray(X, float), np.asarray(y, float)
        targets = targets.reshape(len(rows), -1)
    else:
        skip, source = model.skip, model._network
        rows, _ = rows_and_names(X)
        fresh = model.clone()
        if source is not None:
            fresh._set_target_names(model._target_names())
        targets, _ = fresh._encode_targets(list(y))
    specs = source.model if source is not None else model._model
    cells, learner, loss = specs.cells, specs.learner, specs.loss
    plain = compose(cells, learner, SGD(0.0), loss, scale=False)
    seed = getattr(source if source is not None else model, "seed", 0)
    rows, targets = _standardised(specs, rows, targets)
    sizes = rows.shape[1], targets.shape[1]
    if source is not None and sizes != (source.inputs, source.outputs):
        raise ValueError(
            f"X, y: {sizes[0]} inputs and {sizes[1]} outputs; the model has "
            f"{source.inputs} and {source.outputs}"
        )
    network = OnlineNetwork(plain, *sizes, seed=seed, skip=skip, dtype="float64")
    if source is not None:
        network.state.theta[...] = source.state.theta
    return network, rows, targets


def _standardised(specs: Model, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns with mean 0 and deviation 1 over the stream, where the model standardises."""
    X, Y = (np.ascontiguousarray(a, np.float64).reshape(len(a), -1) for a in (X, Y))
    by_scale = standardises(specs.input_scale), standardises(specs.target_scale)
    out = []
    for columns, wanted in zip((X, Y), by_scale, strict=True):
        deviation = columns.std(axis=0)
        scaled = (columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
        out.append(np.ascontiguousarray(scaled) if wanted else columns)
    return out[0], out[1]


@compiled
def stream_gradients(model, state, work, X, Y, losses, G):  # type: ignore[no-untyped-def]
    """Losses (T,) and gradients (T, P) along a stream; the parameters stay."""
    for t in range(X.shape[0]):
        copy(X[t], work.x)
        copy(Y[t], work.y)
        forward(model, state, work)
        advance(model.cells, model.learner, state.layers, work.layers, state.theta, 0, ())
        losses[t] = value(model.loss, work.y, work.o, work.p)
        slope(model.loss, work.y, work.o, work.p, work.e)
        zero(G[t])
        backward(model, state, work, work.e, G[t])


@compiled
def stream_losses(model, state, work, X, Y, losses):  # type: ignore[no-untyped-def]
    """Losses (T,) along a stream."""
    for t in range(X.shape[0]):
        copy(X[t], work.x)
        copy(Y[t], work.y)
        forward(model, state, work)
        advance(model.cells, model.learner, state.layers, work.layers, state.theta, 0, ())
        losses[t] = value(model.loss, work.y, work.o, work.p)


def rewind(network: OnlineNetwork) -> None:
    for _, array in walk(network.state.layers):
        array[...] = 0


def run(network: OnlineNetwork, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Losses (T,) and gradients (T, P) of a stream, with the parameters as they are."""
    rewind(network)
    losses, G = np.empty(len(X)), np.empty((len(X), network.state.theta.size), network.dtype)
    stream_gradients(network.model, network.state, network.work, X, Y, losses, G)
    return losses, G
