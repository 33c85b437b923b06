"""How good is an approximate gradient on a stream?  Angles and lengths beside the exact one."""

from typing import Any, NamedTuple

import numpy as np

from ..cells import Stack
from ..engine.model import Model, compose
from ..engine.online import OnlineNetwork
from ..estimators.base import RecurrentEstimator, instance
from ..learners import RTRL
from ..learners.base import in_one_layer
from ..losses import Squared
from ..optimizers import SGD
from .frozen_stream import frozen, refuse_gathering, rewind, stream_gradients

LEARNED = RecurrentEstimator | OnlineNetwork


class Agreement(NamedTuple):
    """How an approximate gradient of the recurrent parameters compares with the exact one.

    >>> from stream_rnn import LSTM, RFLO
    >>> found = Agreement(LSTM(4), RFLO(), cosine=0.91, norm_ratio=0.5)
    >>> str(found).rpartition(": ")[2]
    'cosine 0.9100, norm ×0.500'
    """

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
        start, inputs, targets = frozen(_source(given, X, Y, loss, seed), X, Y)
        cell = _cell(start.model) if isinstance(given, LEARNED) else given
        networks = []
        for learner in (RTRL(), *learners):
            refuse_gathering(learner)
            model = compose(cell, learner, SGD(0.0), start.model.loss, scale=False)
            sizes = start.inputs, start.outputs
            made = OnlineNetwork(model, *sizes, seed=seed, skip=start.skip, dtype="float64")
            networks.append(made)
        networks[0].state.theta[...] = start.state.theta
        exact, *others = _together(networks, inputs, targets, rate)
        for learner, G in zip(learners, others, strict=True):
            found.append(Agreement(instance(cell), instance(learner), *_agreement(G, exact)))
    return found


def _agreement(G: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """Mean cosine and norm ratio of gradients (T, P) where the exact one is not 0."""
    norms, true = np.linalg.norm(G, axis=1), np.linalg.norm(exact, axis=1)
    kept = true > 0
    products = (G * exact).sum(axis=1)[kept]
    cosines = products / (true * np.where(norms > 0, norms, 1))[kept]
    return float(cosines.mean()), float((norms[kept] / true[kept]).mean())


def _source(given: Any, X: Any, Y: Any, loss: Any, seed: int) -> Any:
    """The model that is *given*, or an untaught network of the cell that is."""
    if isinstance(given, LEARNED):
        return given
    sizes = (np.reshape(columns, (len(columns), -1)).shape[1] for columns in (X, Y))
    model = compose(given, RTRL(), SGD(0.0), loss)
    return OnlineNetwork(model, *sizes, seed=seed, dtype="float64")


def _cell(model: Model) -> Any:
    """The cell of *model*, or the stack of its cells."""
    if len(model.cells) == 1:
        return model.cells[0]
    joint = in_one_layer(model.learner) != model.learner  # it knows influence across layers
    return Stack(*model.cells, exact=joint)


def _together(
    networks: list[OnlineNetwork], X: np.ndarray, Y: np.ndarray, rate: float
) -> list[np.ndarray]:
    """Recurrent gradients (T, P) of every network, all at the weights the first one learns."""
    size = networks[0].state.theta.size - networks[0].parameters()[-1].size
    gradients = [np.empty((len(X), size)) for _ in networks]
    g, loss = np.empty((1, networks[0].state.theta.size)), np.empty(1)
    for network in networks:
        rewind(network)
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
