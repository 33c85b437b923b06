"""Tools to look at gradients: is mine right, and how good is an approximation on my stream?"""

from typing import Any, NamedTuple

import numpy as np

from ..cells import Stack
from ..cells.base import mask, recurrent_rows
from ..codegen.dispatch import compiled
from ..engine.model import Model, compose
from ..engine.network import advance, backward, forward
from ..engine.online import OnlineNetwork
from ..engine.scale import Standard
from ..errors import ConfigError
from ..estimators.base import RecurrentEstimator, instance
from ..features.tables import rows_and_names
from ..learners import RTRL, TBPTT, StackRTRL
from ..losses import Squared, slope, value
from ..numerics.linalg import copy, zero
from ..numerics.trees import walk
from ..optimizers import SGD

LEARNED = RecurrentEstimator | OnlineNetwork
STEP = 1e-6  # of a difference quotient: balances truncation and rounding in float64


class GradientReport(NamedTuple):
    """What `gradient_check` found."""

    error: float  # the largest, relative to the largest derivative of its record
    worst: str  # the parameter it is in
    record: int  # the record it is in
    gradient: float  # what the learner says there
    quotient: float  # what the two-sided difference says there
    parameters: int

    def __str__(self) -> str:
        return (
            f"largest relative error {self.error:.2e} among {self.parameters} parameters: "
            f"{self.worst} at record {self.record}, gradient {self.gradient:.6g}, "
            f"difference quotient {self.quotient:.6g}"
        )


def gradient_check(model: RecurrentEstimator | OnlineNetwork, X: Any, y: Any) -> GradientReport:
    """Compare the learner's gradient of every record's loss with difference quotients.

    For each parameter θ and record t, (L_t(θ + ε) − L_t(θ − ε)) / 2ε through the whole
    stream from a zero state, in float64, with frozen weights: those of *model*, or its
    initial ones if it has not learned.  X (T, m) and y (T,), targets or classes, are a
    short stream, the cost being 2 T records for each parameter; columns of numbers are
    standardised where the model standardises.  *model* is left as it is.

    Exact learners (RTRL, BlockRTRL, TBPTT with a window ≥ T) have errors about 1e-8; that
    of an approximation is how far it is off.

    >>> import numpy as np
    >>> from stream_rnn import LSTM, RecurrentRegressor, gradient_check
    >>> X = np.sin(np.arange(10.0))[:, None]
    >>> gradient_check(RecurrentRegressor(LSTM(2)), X, X[:, 0]).error < 1e-6
    True
    """
    network, X, Y = _frozen(model, X, y)
    _refuse_gathering(network.model.learner)
    _, G = _run(network, X, Y)
    Q = _quotients(network, X, Y)
    scale = np.maximum(abs(Q).max(axis=1, keepdims=True), 1e-30)
    errors = abs(G - Q) / scale
    t, p = np.unravel_index(np.argmax(errors), errors.shape)
    return GradientReport(
        float(errors[t, p]),
        parameter_name(network, int(p)),
        int(t),
        float(G[t, p]),
        float(Q[t, p]),
        network.state.theta.size,
    )


class Agreement(NamedTuple):
    """How an approximate gradient of the recurrent parameters compares with the exact one."""

    cell: Any
    learner: Any
    cosine: float  # mean over the records of the cosine of the angle between the two
    norm_ratio: float  # mean over the records of |approximation| / |exact|

    def __str__(self) -> str:
        return f"{self.cell} {self.learner}: cosine {self.cosine:.4f}, norm ×{self.norm_ratio:.3f}"


def compare_gradients(
    cells: Any,
    learners: Any,
    X: np.ndarray,
    Y: np.ndarray,
    *,
    loss: Any = Squared(),  # noqa: B008 (specs are immutable)
    rate: float = 0.01,
    seed: int = 0,
) -> list[Agreement]:
    """Cosine and norm ratio of each learner's gradient against RTRL's, on a stream of yours.

    For each cell one network learns X (T, m) → Y (T, O) (columns of numbers standardised)
    by exact SGD with *rate*; at every record each learner, at the same weights, is asked
    for its gradient too.  rate = 0 compares at the first weights: initial ones of *seed*, or
    those that a model has learned which is given in place of a cell, with its own loss
    (then Y is what `gradient_check` takes as y).
    Records whose exact gradient is 0 do not count.

    >>> import numpy as np
    >>> from stream_rnn import LSTM, RFLO, BlockRTRL, compare_gradients
    >>> X = np.sin(np.arange(60.0))[:, None]
    >>> exact, local = compare_gradients([LSTM(4)], [BlockRTRL(4), RFLO()], X, np.roll(X, 1))
    >>> bool(exact.cosine > 0.999 > local.cosine > 0)
    True
    """
    found = []
    for given in cells:
        start, inputs, targets = _frozen(_source(given, X, Y, loss, seed), X, Y)
        cell = _cell(start.model) if isinstance(given, LEARNED) else given
        networks = []
        for learner in (RTRL(), *learners):
            _refuse_gathering(learner)
            model = compose(cell, learner, SGD(0.0), start.model.loss, scale=False)
            sizes, settings = (start.inputs, start.outputs), {"skip": start.skip, "seed": seed}
            networks.append(OnlineNetwork(model, *sizes, dtype="float64", **settings))
        networks[0].state.theta[...] = start.state.theta
        exact, *others = _together(networks, inputs, targets, rate)
        for learner, G in zip(learners, others, strict=True):
            found.append(Agreement(instance(cell), instance(learner), *_agreement(G, exact)))
    return found


def _agreement(G, exact) -> tuple[float, float]:
    """Mean cosine and norm ratio of gradients (T, P) where the exact one is not 0."""
    norms, true = np.linalg.norm(G, axis=1), np.linalg.norm(exact, axis=1)
    kept = true > 0
    products = (G * exact).sum(axis=1)[kept]
    cosines = products / (true * np.where(norms > 0, norms, 1))[kept]
    return float(cosines.mean()), float((norms[kept] / true[kept]).mean())


def parameter_name(network: OnlineNetwork, place: int) -> str:
    """The parameter at θ[place] in words."""
    V = network.parameters()[-1]
    layers = zip(network.model.cells, network.layer_parameters(), strict=True)
    for k, (cell, arrays) in enumerate(layers):
        J = recurrent_rows(cell) if len(arrays) == 1 else 0
        for n, array in enumerate(arrays):
            if place < array.size:
                c, g, i = np.unravel_index(place, array.shape)
                source = f"h[{c}]" if c < J else "1" if c == J else f"x[{c - J - 1}]"
                source = source if n == 0 else f"output {c}"
                name = type(cell).__name__
                return f"layer {k}, {name}: {source} → pre-activation {g} of unit {i}"
            place -= array.size
    r, o = np.unravel_index(place, V.shape)
    H = network.model.cells[-1].units
    source = f"h[{r}]" if r < H else "1" if r == H else f"x[{r - H - 1}]"
    return f"readout: {source} → output {o}"


def _refuse_gathering(learner) -> None:
    if isinstance(learner, TBPTT) and learner.every > 1:
        raise ConfigError(
            f"every: {learner.every}; it has no gradient of its own at each record, so take "
            "TBPTT with every=1"
        )


def _source(given, X, Y, loss, seed):
    """The model that is *given*, or an untaught network of the cell that is."""
    if isinstance(given, LEARNED):
        return given
    sizes = (np.reshape(columns, (len(columns), -1)).shape[1] for columns in (X, Y))
    model = compose(given, RTRL(), SGD(0.0), loss)
    return OnlineNetwork(model, *sizes, seed=seed, dtype="float64")


def _cell(model: Model):
    """The cell of *model*, or the stack of its cells."""
    if len(model.cells) == 1:
        return model.cells[0]
    return Stack(*model.cells, exact=isinstance(model.learner, StackRTRL))


def _frozen(model, X, y):
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


def _standardised(specs: Model, X, Y):
    """Columns with mean 0 and deviation 1 over the stream, where the model standardises."""
    X, Y = (np.ascontiguousarray(a, np.float64).reshape(len(a), -1) for a in (X, Y))
    by_scale = isinstance(specs.input_scale, Standard), isinstance(specs.target_scale, Standard)
    out = []
    for columns, wanted in zip((X, Y), by_scale, strict=True):
        deviation = columns.std(axis=0)
        scaled = (columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
        out.append(np.ascontiguousarray(scaled) if wanted else columns)
    return out


@compiled
def stream_gradients(model, state, work, X, Y, losses, G):
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
def stream_losses(model, state, work, X, Y, losses):
    """Losses (T,) along a stream."""
    for t in range(X.shape[0]):
        copy(X[t], work.x)
        copy(Y[t], work.y)
        forward(model, state, work)
        advance(model.cells, model.learner, state.layers, work.layers, state.theta, 0, ())
        losses[t] = value(model.loss, work.y, work.o, work.p)


def _rewind(network) -> None:
    for _, array in walk(network.state.layers):
        array[...] = 0


def _run(network, X, Y):
    _rewind(network)
    losses, G = np.empty(len(X)), np.empty((len(X), network.state.theta.size), network.dtype)
    stream_gradients(network.model, network.state, network.work, X, Y, losses, G)
    return losses, G


def _quotients(network, X, Y) -> np.ndarray:
    theta, T = network.state.theta, len(X)
    cheap = OnlineNetwork(  # its losses are the same, and its trace costs nothing
        network.model._replace(learner=TBPTT(1)),
        network.inputs,
        network.outputs,
        skip=network.skip,
        dtype="float64",
    )
    Q, up, down = np.zeros((T, theta.size)), np.empty(T), np.empty(T)
    unread = _unread(network)
    for p in np.flatnonzero(~unread):
        step = STEP * max(1.0, abs(theta[p]))
        for out, sign in ((up, 1), (down, -1)):
            _rewind(cheap)
            cheap.state.theta[...] = theta
            cheap.state.theta[p] += sign * step
            stream_losses(cheap.model, cheap.state, cheap.work, X, Y, out)
        Q[:, p] = (up - down) / (2 * step)
    return Q


def _unread(network) -> np.ndarray:
    """True for parameters that no pre-activation reads, which stay 0: see `cells.base.mask`."""
    ones = np.ones_like(network.state.theta)
    parts = iter(network._split(ones))
    for cell, arrays in zip(network.model.cells, network.layer_parameters(), strict=True):
        for _ in arrays:
            mask(cell, next(parts))
    return ones == 0


def _together(networks, X, Y, rate):
    """Recurrent gradients (T, P) of every network, all at the weights the first one learns."""
    size = networks[0].state.theta.size - networks[0].parameters()[-1].size
    gradients = [np.empty((len(X), size)) for _ in networks]
    g, loss = np.empty((1, networks[0].state.theta.size)), np.empty(1)
    for network in networks:
        _rewind(network)
    for t in range(len(X)):
        step = 0.0
        for n, network in enumerate(networks):
            network.state.theta[...] = networks[0].state.theta
            row = slice(t, t + 1)
            stream_gradients(network.model, network.state, network.work, X[row], Y[row], loss, g)
            gradients[n][t] = g[0, :size]
            if n == 0:
                step = rate * g[0]
        networks[0].state.theta[...] -= step
    return gradients
