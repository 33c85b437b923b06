"""A network of ours as a member, with the last target among its inputs if wanted."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..cells import LSTM
from ..engine.model import compose, parts
from ..engine.online import OnlineNetwork
from ..errors import ConfigError
from ..features.target_lags import TargetLags
from ..learners import RTRL
from ..losses import Softmax, Squared
from ..numerics.trees import below
from ..optimizers import Adam, Clip, Kalman
from ..optimizers.base import is_link
from . import base
from .part import part


class Network(NamedTuple):
    """A cell, or a tuple of them, that learns by *learner* and *optimizer*; see `engine`.

    With *last_target* the target of the record before is an input; of classes, one-hot.
    A Kalman filter costs the square of the inputs, for every class: where that is dear, some 120
    inputs or a dozen classes, Adam takes its place.
    """

    cell: Any = LSTM(8)
    last_target: bool = False
    learner: Any = RTRL()
    optimizer: Any = Kalman()


DEAR = 250_000  # Z² G H O / 2 of an LSTM(8), beyond which there is no covariance
FIRST_ORDER = (Clip(1.0), Adam(0.01))


class NetworkPart:
    """The same methods as a `Part`."""

    def __init__(self, spec: Network, task: Any, inputs: int, outputs: int, seed: int):
        self.spec, self.numbers, self.seed = spec, not task.discrete, seed
        self.inputs, self.outputs = inputs, outputs
        self.lags = TargetLags(int(spec.last_target))
        self.lags.extend(inputs, self._lagged)
        self.network = self._network()

    def _network(self) -> OnlineNetwork:
        loss = Squared() if self.numbers else Softmax()
        model = compose(self.spec.cell, self.spec.learner, self._optimizer, loss)
        return OnlineNetwork(model, self._width, self.outputs, seed=self.seed, skip=True)

    @property
    def _optimizer(self) -> Any:
        """A function of the sizes alone, so that a restored member has the same."""
        dear = (self._width + 9) ** 2 * 16 * self.outputs > DEAR
        on_gradients = all(is_link(one) for one in parts(self.spec.optimizer))
        return FIRST_ORDER if dear and not on_gradients else self.spec.optimizer

    @property
    def _lagged(self) -> int:
        """How many columns the last target takes: one tells two classes apart."""
        return self.outputs if self.outputs > 2 else 1

    @property
    def _width(self) -> int:
        return self.inputs + self.lags.lags * self._lagged

    def predict(self, X, Z, units) -> np.ndarray:
        """Predictions (T, C), each as if it came next; of classes, probabilities."""
        past = np.tile(self.lags.past, (len(X), 1)) if self.lags.lags else self.lags.past
        return self._probabilities(self.network.predict(self.lags.inputs(X, past)))

    def prequential(self, X, Z, units, y, learned=None) -> np.ndarray:
        """Predict each record, then learn it; where it is not, only the hidden state goes on."""
        Y = self._targets(y)
        if self.lags.lags:
            X = self.lags.inputs(X, self.lags.take(Y[:, : self._lagged]))
        Y = Y if learned is None else self._targets(learned)
        return self._probabilities(self.network.prequential(X, Y))

    def _targets(self, y: np.ndarray) -> np.ndarray:
        if self.numbers:
            return y[:, None]
        Y = np.full((len(y), self.outputs), np.nan)
        known = y == y
        Y[known] = y[known, None] == np.arange(self.outputs)
        return Y

    def _probabilities(self, p: np.ndarray) -> np.ndarray:
        if self.numbers:
            return p
        total = p.sum(axis=1, keepdims=True)
        return np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / self.outputs)

    def grow(self, inputs: int, outputs: int) -> None:
        """Append inputs and outputs."""
        before, self.inputs, self.outputs = self._optimizer, inputs, outputs
        self.lags.extend(inputs, self._lagged)
        self.network.grow(self._width, outputs)
        if self._optimizer != before:
            old, self.network = self.network, self._network()
            self.network.follow(old)
            for mine, theirs in zip(self.network.state.inputs, old.state.inputs, strict=True):
                mine[:] = theirs

    def rearrange(self, order: Sequence[int]) -> None:
        """Let input k be what was input order[k], for `follow`."""
        self.network.rearrange(order)

    def follow(self, other: "NetworkPart") -> None:
        """Know what *other* knows; the hidden state stays, see `OnlineNetwork.follow`."""
        self.network.follow(other.network)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        own = {"past": self.lags.past, "columns": self.lags.columns}
        return own | {f"network.{name}": a for name, a in self.network.arrays().items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless they fit."""
        self.network.load(below("network.", arrays))
        self.lags.past = np.array(arrays["past"])
        self.lags.columns = np.array(arrays["columns"])


part.register(Network, NetworkPart)


@base.label.register
def _(spec: Network) -> str:
    return type(getattr(spec.cell, "cell", spec.cell)).__name__.lower()


@base.check.register
def _(spec: Network, task: Any) -> None:
    loss = Softmax() if task.discrete else Squared()
    if not all(hasattr(cell, "units") or hasattr(cell, "cell") for cell in parts(spec.cell)):
        raise ConfigError(f"members: cell {spec.cell!r} is not a cell; choose LSTM(8) or another")
    try:
        compose(spec.cell, spec.learner, spec.optimizer, loss)
    except ConfigError as error:
        raise ConfigError(f"members: {error}") from None


@base.blind.register
def _(spec: Network) -> Network:
    return spec._replace(last_target=False) if spec.last_target else spec
