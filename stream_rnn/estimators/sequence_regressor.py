"""A number for a whole sequence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import ConfigError
from ..learners import Learner
from ..losses import Squared
from ..mixtures.base import Numbers
from .base import Chain
from .regressor import number
from .sequence_base import CELL, LEARNER, OPTIMIZER, SequenceEstimator, Steps
from .stream_regressor import HEADS


class SequenceRegressor(SequenceEstimator, base.Regressor):
    """Regression of sequences, each learned once, as it ends.

    As `SequenceClassifier`, with the median of the targets in place of the Gaussians; *point* is
    ``"median"`` or ``"mean"``: the least absolute or squared error.

    Examples
    --------
    >>> import numpy as np
    >>> from stream_rnn import SequenceRegressor
    >>> rng, model, errors = np.random.default_rng(0), SequenceRegressor(network=False, seed=1), []
    >>> for n in range(100):  # how fast does it fall?
    ...     rate = rng.uniform(0.1, 1.0)
    ...     steps = np.exp(-rate * np.arange(12)) + rng.normal(0, 0.01, 12)
    ...     errors.append(abs(model.predict_one(steps) - rate))
    ...     model.learn_one(steps, rate)
    >>> bool(np.mean(errors[50:]) < 0.05)
    True
    """

    _task = Numbers()
    _loss = Squared()

    def __init__(
        self,
        cell: Any = CELL,
        learner: Learner | type | str = LEARNER,
        optimizer: Chain = OPTIMIZER,
        *,
        network: bool = True,
        reservoir: int = 64,
        point: str = "median",
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ):
        own: dict[str, Any] = {"network": network, "reservoir": reservoir, "seed": seed}
        super().__init__(cell, learner, optimizer, categorical=categorical, **own)
        self.point = point
        if point not in HEADS:
            raise ConfigError(f"point: {point!r}; choose 'mean' or 'median'")
        self._head = HEADS.index(point)

    def predict_one(self, x: Steps) -> float:
        """Prediction for a sequence; 0.0 before anything was learned."""
        return self._number(self._look(x))

    def learn_one(self, x: Steps, y: float | None) -> None:
        """Learn a sequence; with y None or NaN only the running statistics go on."""
        self._learn(x, y)

    def so_far(self) -> float:
        """The prediction if the open sequence ended here."""
        return self._number(self._so_far())

    def end(self, y: float | None = None) -> float:
        """End the open sequence: its prediction, made before it is learned with y."""
        return self._number(self._end(y))

    def stream(self, xs: Sequence[Steps], ys: Sequence[float | None]) -> list[dict[str, Any]]:
        """Predict each sequence before learning from it."""
        pairs = enumerate(zip(xs, ys, strict=True))
        return [{"prediction": self._number(self._learn(x, y, t))} for t, (x, y) in pairs]

    def prequential(self, sequences: Iterable[Steps], y: Iterable[float]) -> np.ndarray:
        """Predictions for the sequences, each made before it is learned with its target."""
        pairs = zip(sequences, y, strict=True)
        return np.array([self._number(self._learn(x, target)) for x, target in pairs])

    def _number(self, p: np.ndarray | None) -> float:
        return 0.0 if p is None else float(p[self._head])

    def _encode_target(self, y: Any, index: int = 0) -> tuple[float | None, int]:
        value = number(y, index)
        return (None if value != value else value), 1
