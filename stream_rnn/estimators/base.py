"""What the recurrent estimators share: from records to the network's rows and back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from river import base

from ..categories.columns import Columns
from ..categories.in_order import InOrder
from ..cells import LSTM, Cell, Stack
from ..engine.model import compose
from ..engine.online import OnlineNetwork
from ..errors import BadRecord, ConfigError, faults
from ..features.tables import holds_text, rows_and_names
from ..features.target_lags import TargetLags
from ..learners import RTRL, Learner
from ..losses import LOSSES, Loss, Squared, is_regression
from ..optimizers import Kalman, Optimizer
from ..optimizers.base import reactions
from .bounded import Bounded
from .frames import as_dicts
from .network_state import NetworkState
from .options import Option
from .saving import Savable
from .targets import stretches

if TYPE_CHECKING:
    from .keyed.weights import SharedWeights


Layers = Cell | Stack | tuple[Cell, ...] | type
Chain = Optimizer | tuple[Optimizer, ...] | type


class RecurrentEstimator(NetworkState, Bounded, Savable, base.Estimator):
    """A network behind dicts.  Subclasses say what a target is.

    The network is built on the first record that is learned, when its inputs and outputs
    are known; both grow as new features, targets or classes appear.
    """

    _learns_numbers = True  # a regressor; its losses are those for numbers

    def __init__(
        self,
        cell: Layers = LSTM(16),  # noqa: B008 (specs are immutable)
        learner: Learner | type | str = RTRL(),  # noqa: B008
        optimizer: Chain = Kalman(),  # noqa: B008
        loss: Loss | type = Squared(),  # noqa: B008
        *,
        scale: bool = True,
        skip: bool = True,
        target_lags: int = 0,
        dtype: str = "float32",
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ) -> None:
        self.cell = instance(cell)
        self.learner = instance(learner)
        self.optimizer = instance(optimizer)
        self.loss = instance(loss)
        self.scale = scale
        self.skip = skip
        self.target_lags = target_lags
        self.dtype = dtype
        self.seed = seed
        self.categorical = categorical
        self._model = compose(self.cell, self.learner, self.optimizer, self.loss, scale)
        if is_regression(self._model.loss) != self._learns_numbers:
            fitting = (
                n for n, kind in LOSSES.items() if is_regression(kind()) == self._learns_numbers
            )
            names = ", ".join(fitting)
            raise ConfigError(
                f"loss: {loss!r} does not fit {type(self).__name__}; choose one of {names}"
            )
        if dtype not in ("float32", "float64"):
            raise ConfigError(f"dtype: {dtype!r}; choose 'float32' or 'float64'")
        if target_lags < 0:
            raise ConfigError(f"target_lags: {target_lags}; a number of past targets, 0 or more")
        self._network: OnlineNetwork | None = None
        self._contexts: SharedWeights | None = None  # where many keys share the network
        self._maker: Callable[[int, int], OnlineNetwork] | None = None  # instead of `_new_network`
        self._features = self._no_columns()
        self._lags = TargetLags(target_lags)
        self._set_target_names([])

    def _no_columns(self, names: Sequence[Any] = ()) -> Columns:
        """The columns of records, before anything was learned of them."""
        return Columns(names, classes=not self._learns_numbers, categorical=self.categorical)

    # Rows in, rows out --------------------------------------------------------------------

    def _predict_row(self, x: dict) -> np.ndarray | None:
        """Predictions (O,) for one record, or None before anything was learned."""
        if self._network is None:
            return None
        return self._network.predict(self._lags.inputs(self._features.row(x), self._lags.past))[0]

    def _learn_known(self, x: dict, y: float) -> bool:
        """Learn a record that brings nothing new, the short way; False if it is not such a one."""
        network = self._network
        if network is None or network.outputs != 1 or self.target_lags:
            return False
        row = self._features.known_row(x, y)
        if row is None:
            return False
        if self._contexts is None:
            network.prequential(row, np.array([[y]]))
        else:
            self._contexts.run(slice(0, 1), row, np.array([[y]]))
        return True

    def _learn_rows(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[np.ndarray | None]:
        """Predict then learn each record; nothing has changed when it raises `BadRecord`."""
        Y, outputs = self._encode_targets(ys)
        X, widths = self._features.encode(xs, outputs)
        self._features.learn(X, Y)
        return self._learn_arrays(X, widths, Y, outputs)

    def _learn_table(self, X: Any, ys: Sequence[Any]) -> list[np.ndarray | None]:
        """The same for the rows of an array or a DataFrame."""
        if self._features.takes_text or holds_text(X):
            return self._learn_rows(as_dicts(X, len(ys)), ys)
        rows, names = rows_and_names(X)
        if len(rows) != len(ys):
            raise ValueError(f"X has {len(rows)} rows, y has {len(ys)}; give one target a row")
        X, widths = self._features.encode_rows(names, rows)
        Y, outputs = self._encode_targets(ys)
        self._features.learn(X, Y)
        return self._learn_arrays(X, widths, Y, outputs)

    def _learn_arrays(
        self, X: np.ndarray, widths: list[int], Y: np.ndarray, outputs: list[int]
    ) -> list[np.ndarray | None]:
        """Run stretches of records in which no feature and no output is new."""
        predictions: list[np.ndarray | None] = []
        for start, end in stretches(widths, outputs):
            span, m, O = slice(start, end), widths[start], outputs[start]
            predictions += self._learn_stretch(X[span, :m], Y[span, :O], m, O, span)
        return predictions

    def _learn_stretch(
        self, rows: np.ndarray, targets: np.ndarray, m: int, O: int, span: slice
    ) -> list[np.ndarray | None]:
        first, contexts = None, self._contexts
        m += self.target_lags * O
        grown = self._network is None or (self._network.inputs, self._network.outputs) != (m, O)
        if grown:
            known = rows[:1, : len(self._features)]
            if self._network is not None:  # predicted as before the growth, learned after it
                if contexts is not None:
                    contexts.place_first(span)
                first = self._network.predict(self._lags.inputs(known, self._lags.past))[0]
            self._build(rows.shape[1], m, O)
        network = self._network
        out: list[np.ndarray | None]
        if network is None:
            out = [None] * len(rows)
        elif contexts is not None:
            out = list(contexts.run(span, rows, targets))
        else:
            if self.target_lags:
                rows = self._lags.inputs(rows, self._lags.take(targets))
            out = list(network.prequential(rows, targets))
        if grown:
            out[0] = first
        return out

    def _build(self, width: int, m: int, O: int) -> None:
        """Make the network, or let it grow, for *width* features (m inputs) and O outputs."""
        self._features.extend(width)
        self._extend_targets(O)
        if O == 0:
            return
        if self._network is None:
            self._network = (self._maker or self._new_network)(m, O)
        else:
            if self._contexts is not None:
                self._contexts.before_growth()
            self._network.grow(m, O)
        self._lags.extend(width, O)

    def _new_network(self, m: int, O: int) -> OnlineNetwork:
        settings: dict[str, Any] = {"seed": self.seed, "skip": self.skip, "dtype": self.dtype}
        return OnlineNetwork(self._model, m, O, **settings)

    # Targets that come later --------------------------------------------------------------

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self._encode_targets([y])

    def follow(self, other: "RecurrentEstimator") -> None:
        """Take over what *other* has learned; the hidden state stays, see `OnlineNetwork`."""
        if other._network is None:
            return
        self._set_target_names(other._target_names())
        O = other._network.outputs
        order = self._features.align(other._features.names)
        if self._network is None or self._network.outputs != O or order is not None:
            self._build(len(self._features), len(self._features), O)
        if self._network is not None and order is not None:
            self._network.rearrange(order)
        self._features.follow(other._features)
        if self._network is not None:
            self._network.follow(other._network)

    def health(self) -> dict[str, float]:
        """Counters and gauges of the network by metric name."""
        if self._network is None:
            return {}
        norm = float(np.linalg.norm(self._network.state.theta))
        return {**self._counters(), "parameter_norm": norm}

    def _counters(self) -> dict[str, float]:
        if self._network is None:
            return {}
        counts = self._network.counts
        return {
            **{k: float(v) for k, v in counts.items()},
            "loss_sum": float(self._network.state.sums[0]),
            "loss_observations": float(counts["learned"]),
        }

    @property
    def reactions(self) -> tuple[str, ...]:
        """What `react` knows: process noise, where a Kalman filter learns."""
        return reactions(self._model.optimizer)

    def react(self, kind: str) -> None:
        """Be less sure of what was learned, so as to learn anew; *kind* is ``"noise"``."""
        if self._network is not None:
            self._network.unsettle()

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""

        look = InOrder(self._features)

        def attempt(t: int) -> None:
            self._encode_targets(ys[t : t + 1])
            look(xs[t])

        return faults(attempt, len(xs))

    def _check(self, xs: Sequence[dict], ys: Sequence[Any]) -> bool:
        """Raise `BadRecord` for records that cannot be learned, whatever came before them.

        Returns whether no others can be refused, as text may be where there were numbers.
        """
        self._encode_targets(ys)
        if self._features.looks_at(xs):
            return False
        X, _ = self._features.encode(xs)
        if X.shape[1] < 256:  # known names are encoded faster
            self._features.extend(X.shape[1])
        return True

    def _get_params(self) -> dict[str, Any]:
        """River's view of the parameters; it cannot look into an empty tuple, which a spec
        without fields is, so such a spec appears as its class."""
        return {
            name: type(value) if value == () and type(value) is not tuple else value
            for name, value in super()._get_params().items()
        }

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cell": LSTM(4)}


def instance(spec: Any) -> Any:
    """A spec given as its class means the spec with its defaults; an `Option` what it holds."""
    if isinstance(spec, Option):
        spec = spec.value
    return spec() if isinstance(spec, type) else spec
