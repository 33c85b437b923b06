"""What the estimators of whole sequences share: from a sequence to the model and back."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..categories.indicators import Indicators
from ..cells import GRU
from ..engine.model import compose
from ..errors import BadRecord, ConfigError, faults
from ..features.index import FeatureIndex
from ..features.saved_names import as_name, saved
from ..learners import RTRL, Learner
from ..optimizers import Kalman
from ..sequences.bidirectional import directions
from ..sequences.pooling.model import SequenceModel
from .base import Chain, instance
from .described import OPTIONAL, check_same, described
from .protocol import Snapshot
from .saving import Savable
from .sequence_steps import Steps, encode, encode_steps


class SequenceEstimator(Savable, base.Estimator):
    """One record is one sequence.  A subclass says what a target is.

    A sequence is given whole, which drops one that is open, or step by step: `begin`, `step`,
    `end`.  Either way it is read one step at a time, and the results are the same bits.  The
    fields are those of the first step; one that appears later counts from the next sequence on.
    Text becomes indicators, see `categories.indicators`.
    """

    _task: Any = None
    _loss: Any = None
    _reads_sequences = True
    _head = 0  # of the mixture's predictions

    def __init__(
        self,
        cell: Any,
        learner: Learner | type | str,
        optimizer: Chain,
        *,
        network: bool,
        reservoir: int,
        seed: int,
        categorical: Mapping[str, str] | None,
    ) -> None:
        self.cell = instance(cell)
        self.learner, self.optimizer = instance(learner), instance(optimizer)
        self.network, self.reservoir, self.seed = network, reservoir, seed
        if reservoir < 1:
            raise ConfigError(f"reservoir: {reservoir}; give a number of units, 1 or more")
        inner, self._both = directions(self.cell)
        trained = compose(inner, self.learner, self.optimizer, self._loss)
        self._network = trained if network else None
        self.categorical = categorical
        self._features = FeatureIndex()
        self._text = Indicators(categorical)
        self._met: list[Hashable] = []  # fields that the open sequence has brought
        self._model: SequenceModel | None = None
        self._steps = 0  # of the open sequence

    # What a subclass says of its targets --------------------------------------------------

    def _encode_target(self, y: Any, index: int = 0) -> tuple[float | None, int]:
        """The target as a number or a place, None if it is missing; how many outputs then."""
        raise NotImplementedError

    def _extend_targets(self) -> None:
        """Make known what the last `_encode_target` found."""

    def _target_names(self) -> list[Any]:
        return []

    def _set_target_names(self, names: list[Any]) -> None:
        """Undo `_target_names`."""

    @property
    def _outputs(self) -> int:
        return 1

    @property
    def _knows(self) -> bool:
        """Whether a target has been learned."""
        return self._model is not None and bool(self._model.mixture.scales.counts[1])

    # Step by step -------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a sequence; one that is open is dropped, and nothing of it was learned."""
        self._steps, self._met = 0, []
        if self._model is not None:
            self._model.begin()

    def step(self, x: Any) -> None:
        """Take the next step, a dict, of the open sequence; the first one begins it."""
        self._take(*encode_steps([x], 0, self._features, self._text))

    def _take(self, names: list[Hashable], rows: np.ndarray, text: Indicators) -> None:
        """Take steps into the open sequence; *rows* has the known fields, *names* the others."""
        self._text = text
        if self._model is None:
            self._build(len(self._features))
        assert self._model is not None
        self._met += [name for name in names if name not in self._met]
        self._steps += len(rows)
        self._model.read(rows)

    def _end(self, y: Any) -> np.ndarray | None:
        """Predict the open sequence, then learn it."""
        target, outputs = self._encode_target(y)
        if not self._steps:
            raise BadRecord("sequence: it has no step; give at least one")
        assert self._model is not None
        knew = self._knows
        made = self._model.end(target, outputs)
        self._extend_targets()
        new, self._steps, self._met = self._met, 0, []
        if new:
            self._features.encode([dict.fromkeys([*self._features.names, *new], 0.0)])
            self._features.extend(len(self._features) + len(new))
            self._model.grow(len(self._features), self._model.outputs)
        return made if knew else None

    def _so_far(self) -> np.ndarray | None:
        """The prediction if the open sequence ended here."""
        if not self._steps or not self._knows:
            return None
        assert self._model is not None
        return self._model.predict()

    # Whole --------------------------------------------------------------------------------

    def _look(self, x: Steps) -> np.ndarray | None:
        """The prediction for a whole sequence; nothing changes."""
        if not self._knows:
            return None
        assert self._model is not None
        _, rows, _ = self._encode(x, 0)
        return self._model.look(rows)

    def _learn(self, x: Steps, y: Any, index: int = 0) -> np.ndarray | None:
        """Predict a whole sequence, then learn it; nothing has changed when it raises."""
        self._encode_target(y, index)
        taken = self._encode(x, index)
        self.begin()
        self._take(*taken)
        return self._end(y)

    def _encode(
        self, x: Steps, index: int, text: Indicators | None = None
    ) -> tuple[list[Hashable], np.ndarray, Indicators]:
        """See `sequence_steps.encode`; *text* is what is known of it before."""
        return encode(x, index, self._features, text or self._text)

    def _build(self, inputs: int) -> None:
        self._model = SequenceModel(
            self._task,
            self._network,
            inputs,
            max(1, self._outputs),
            reservoir=self.reservoir,
            both=self._both,
            seed=self.seed,
        )

    # StreamEstimator ----------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state, an open sequence included."""
        model = self._model
        arrays = {} if model is None else {n: a.copy() for n, a in model.arrays().items()}
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self, OPTIONAL),
            "features": saved(self._features.names),
            "targets": saved(self._target_names()),
            "outputs": 0 if model is None else model.outputs,
            "met": list(self._met),
            "steps": self._steps,
        }
        if text := self._text.saved():
            meta["text"] = text
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        check_same(self, described(self, OPTIONAL), meta)
        self._features = FeatureIndex(meta["features"])
        text = meta.get("text", {"fields": [], "numbers": []})
        fields = {as_name(name): columns for name, columns in text["fields"]}
        self._text = Indicators(self.categorical, fields, frozenset(map(as_name, text["numbers"])))
        self._set_target_names(meta["targets"])
        self._met, self._steps, self._model = list(meta["met"]), meta["steps"], None
        if meta["outputs"]:
            self._build(len(meta["features"]))
            assert self._model is not None
            self._model.load(snapshot.arrays)

    def follow(self, other: "SequenceEstimator") -> None:
        """Know what *other* knows; a sequence that is open is dropped."""
        self.restore(other.snapshot())

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self._encode_target(y)

    def __getstate__(self) -> dict[str, Any]:
        names = self._get_params()
        return {"parameters": {n: getattr(self, n) for n in names}, "snapshot": self.snapshot()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(**saved["parameters"])  # type: ignore[misc]
        self.restore(saved["snapshot"])

    def health(self) -> dict[str, float]:
        """Counters by metric name; a record is a sequence."""
        if self._model is None:
            return {}
        scales = self._model.mixture.scales
        rollbacks = sum(n.network.counts["nonfinite_rollbacks"] for n in self._model.networks)
        return {
            "records": float(scales.counts[0]),
            "learned": float(scales.counts[1]),
            "loss_sum": float(scales.loss[0]),
            "loss_observations": float(scales.counts[1]),
            "outliers": float(scales.inputs.outliers.sum()),
            "nonfinite_rollbacks": float(rollbacks),
        }

    def member_weights(self) -> dict[str, float]:
        """How much each member counts now, by its name; they sum to 1."""
        model = self._model
        if model is None:
            return {}
        return dict(zip(model.names, model.mixture.weights(self._head).tolist(), strict=True))

    def check(self, xs: Sequence[Steps], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""

        text = self._text

        def attempt(t: int) -> None:
            nonlocal text
            _, _, after = self._encode(xs[t], t, text)
            self._encode_target(ys[t], t)
            text = after

        return faults(attempt, len(xs))

    def _get_params(self) -> dict[str, Any]:
        """River cannot look into an empty tuple, which a spec without fields is."""
        return {
            name: type(value) if value == () and type(value) is not tuple else value
            for name, value in super()._get_params().items()
        }

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"cell": GRU(4), "reservoir": 8}


#: A trained network that costs as much a step as the rest.
CELL, LEARNER, OPTIMIZER = GRU(8), RTRL(), Kalman(1.0)
