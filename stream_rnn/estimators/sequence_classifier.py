"""A class for a whole sequence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..features.saved_names import as_name
from ..learners import Learner
from ..losses import Softmax
from ..mixtures.base import Classes
from .base import Chain
from .classifier import distinct_classes
from .sequence_base import CELL, LEARNER, OPTIMIZER, SequenceEstimator, Steps


class SequenceClassifier(SequenceEstimator, base.Classifier):
    """Classification of sequences, each learned once, as it ends.

    A sequence is an array (steps, channels), a data frame, or a list of dicts; or it comes step by
    step: `begin`, `step`, `end`.  Its summary (last and mean state of a random reservoir,
    statistics and outline of each channel, correlations) is read by recursive least squares, in
    all and in parts; beside them a Gaussian of the steps of each class, and a trained network.
    Their mixture follows whichever predict well.

    Parameters
    ----------
    cell
        Of the trained network, e.g. ``GRU(8)`` or ``Bidirectional(LSTM(16))``.
    learner
        ``RTRL()`` keeps no step; ``TBPTT(window)`` of at least a sequence's length is
        back-propagation through all of it, with the same gradient.
    optimizer
        ``Kalman()``, or a chain such as ``(Clip(1.0), Adam(1e-3))``.
    network
        Whether there is a trained network; without it a step costs a third.
    reservoir
        Units of the random reservoir.
    seed
        Of whatever is drawn at random.
    categorical
        For a field whose values are names how it is taken: ``"indicators"``, ``"hash"`` or
        ``"leave"``.  Text is taken as indicators of its first values, and hashes of the others.

    Examples
    --------
    >>> import numpy as np
    >>> from stream_rnn import SequenceClassifier
    >>> rng = np.random.default_rng(0)
    >>> model, right = SequenceClassifier(network=False, seed=1), 0
    >>> for n in range(100):  # which of two waves is it, from anywhere on?
    ...     phase, kind = rng.uniform(0, 6), ("sine", "saw")[n % 2]
    ...     angle = phase + np.arange(30) / 2
    ...     wave = np.sin(angle) if kind == "sine" else angle / np.pi % 2 - 1
    ...     right += model.predict_one(wave) == kind
    ...     model.learn_one(wave, kind)
    >>> bool(right > 80)
    True
    """

    _task = Classes()
    _loss = Softmax()
    _multiclass = True

    def __init__(
        self,
        cell: Any = CELL,
        learner: Learner | type | str = LEARNER,
        optimizer: Chain = OPTIMIZER,
        *,
        network: bool = True,
        reservoir: int = 64,
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ):
        own: dict[str, Any] = {"network": network, "reservoir": reservoir, "seed": seed}
        super().__init__(cell, learner, optimizer, categorical=categorical, **own)
        self._classes: list[Any] = []
        self._pending: list[Any] = []

    def predict_proba_one(self, x: Steps, **kwargs: Any) -> dict[base.typing.ClfTarget, float]:
        """Probability of every class seen so far; empty before anything was learned."""
        return self._distribution(self._look(x))

    def learn_one(self, x: Steps, y: Any) -> None:
        """Learn a sequence; with y None only the running statistics go on."""
        self._learn(x, y)

    def so_far(self) -> dict[base.typing.ClfTarget, float]:
        """Probability of every class if the open sequence ended here."""
        return self._distribution(self._so_far())

    def end(self, y: Any = None) -> dict[base.typing.ClfTarget, float]:
        """End the open sequence: its probabilities, made before it is learned with y."""
        return self._distribution(self._end(y))

    def stream(self, xs: Sequence[Steps], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each sequence before learning from it."""
        made = []
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            made.append(self._fields(self._distribution(self._learn(x, y, t))))
        return made

    def prequential(self, sequences: Iterable[Steps], y: Iterable[Any]) -> list[dict]:
        """Probabilities for each sequence before it is learned with its class."""
        return [self._distribution(self._learn(x, c)) for x, c in zip(sequences, y, strict=True)]

    def _distribution(self, p: np.ndarray | None) -> dict:
        return {} if p is None else dict(zip(self._classes, p.tolist(), strict=False))

    @staticmethod
    def _fields(probabilities: dict) -> dict[str, Any]:
        best = max(probabilities, key=probabilities.__getitem__) if probabilities else None
        return {"prediction": best, "probabilities": probabilities}

    @property
    def _outputs(self) -> int:
        return len(self._classes)

    def _encode_target(self, y: Any, index: int = 0) -> tuple[float | None, int]:
        places, known, self._pending = distinct_classes(self._classes, [y])
        return places[0], max(1, known[0])

    def _extend_targets(self) -> None:
        self._classes = list(self._pending)

    def _target_names(self) -> list:
        return list(self._classes)

    def _set_target_names(self, names: list) -> None:
        self._classes = list(map(as_name, names))
