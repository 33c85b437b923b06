"""Many entities in one stream: an estimator with a context for each key."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from river import base

from ...checkpoints.segments import bundle, unbundle
from ...errors import BadRecord, CheckpointError, ConfigError, faults
from ...features.tables import rows_and_names
from ...keys.contexts import fill
from ...keys.key import Key, key_of, keys_of
from ...keys.shelf import Shelf
from ..base import RecurrentEstimator
from ..frames import ClassifiesFrames, RegressesFrames, RegressesSeveral
from ..protocol import Snapshot
from ..saving import Savable
from .models import SeparateModels
from .weights import SharedWeights

SHARES = ("weights", "nothing")


class Keyed(Savable, base.Wrapper, base.Estimator):
    """Lets an estimator follow many entities whose records are mixed in one stream.

    With ``share="weights"`` all keys train one network: parameters, optimizer state and
    scaler are common, while each key has its own hidden state, learner trace and past
    targets.  With ``share="nothing"`` each key has a model of its own, as if there were as
    many streams as keys.  The key itself is not a feature.

    Only the contexts that were used last are in memory; the others are in a temporary file,
    from which they come back bit for bit.

    Parameters
    ----------
    estimator
        What predicts and learns, not yet trained.  ``share="weights"`` wants a
        `RecurrentRegressor`, `RecurrentMultiTargetRegressor` or `RecurrentClassifier`.
    key
        The field of the record that says whose it is: text or a whole number.
    share
        ``"weights"`` or ``"nothing"``.
    max_contexts
        How many contexts are kept in memory.

    Examples
    --------
    >>> import random
    >>> from stream_rnn import LSTM, Keyed, RecurrentRegressor, SnAp1
    >>> model = Keyed(RecurrentRegressor(LSTM(4), SnAp1(), seed=1), key="sensor")
    >>> rng, last = random.Random(1), {"north": 0.0, "south": 0.0}
    >>> for _ in range(1000):  # the target is what the same sensor sent before
    ...     sensor, u = rng.choice(["north", "south"]), rng.random()
    ...     model.learn_one({"sensor": sensor, "u": u}, last[sensor])
    ...     last[sensor] = u
    >>> {sensor: round(u, 1) for sensor, u in last.items()}
    {'north': 0.2, 'south': 0.9}
    >>> {s: round(model.predict_one({"sensor": s, "u": 0.5}), 1) for s in last}
    {'north': 0.2, 'south': 0.9}
    """

    def __new__(cls, estimator: Any = None, *args: Any, **kwargs: Any) -> "Keyed":
        """River tells kinds of estimators by their class: be of the same as *estimator*."""
        if cls is Keyed:
            kinds = (kind for role, kind in ROLES.items() if isinstance(estimator, role))
            cls = next(kinds, Keyed)
        return super().__new__(cls)

    def __init__(
        self, estimator: Any, key: str, share: str = "weights", max_contexts: int = 10_000
    ):
        self.estimator, self.key = estimator, key
        self.share, self.max_contexts = share, max_contexts
        self._parts: SharedWeights | SeparateModels
        if share == "weights":
            if not isinstance(estimator, RecurrentEstimator):
                raise ConfigError(
                    f"share = 'weights': {type(estimator).__name__} has no weights that keys "
                    "could share; use a regressor, multitarget or classifier, or share = 'nothing'"
                )
            if estimator._network is not None:
                raise ConfigError("estimator: it has learned already; give a new one")
            self._parts = SharedWeights(estimator, max_contexts)
        elif share == "nothing":
            self._parts = SeparateModels(estimator, max_contexts)
        else:
            raise ConfigError(f"share = {share!r}: unknown; choose one of {', '.join(SHARES)}")

    @property
    def contexts(self) -> Any:
        """The contexts by key, see `stream_rnn.keys.contexts.Contexts`."""
        return self._parts.contexts

    # river ----------------------------------------------------------------------------

    @property
    def _wrapped_model(self) -> Any:
        return self.estimator

    def predict_one(self, x: dict, **kwargs: Any) -> Any:
        """Prediction for *x* as the next record of its key."""
        return self._call("predict_one", x)

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict:
        """Probability of every class."""
        return self._call("predict_proba_one", x)

    def score_one(self, x: dict) -> float:
        """An anomaly detector's score of *x* as the next record of its key."""
        return self._call("score_one", x)

    def asked(self, x: dict) -> tuple[Any, dict]:
        """The model that predicts *x* as the next record of its key, and *x* without the key.

        It may be asked anything, until the next call, and must not be changed.
        """
        key, rest = self._split(x)
        return self._parts.model(key), rest

    def _call(self, method: str, x: dict) -> Any:
        model, rest = self.asked(x)
        return getattr(model, method)(rest)

    def learn_one(self, x: dict, y: Any = None, **kwargs: Any) -> None:
        """Take the next record.  Raises `BadRecord` if it has no key."""
        key, rest = self._split(x)
        self._parts.learn(key, rest, y)

    def _split(self, x: dict) -> tuple[Key, dict]:
        key = key_of(x.get(self.key), self.key)
        rest = x.copy()
        del rest[self.key]
        return key, rest

    def forget(self, key: Key) -> bool:
        """As if there had been no record of *key*; whether there was one.

        What it has taught the shared weights stays learned.
        """
        key = key_of(key, self.key)
        known = self.contexts.find(key) is not None
        if known:
            self.contexts.forget(key)
        return known

    # many records ---------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it.

        With shared weights the records are learned in their order, in one compiled loop.
        """
        keys = keys_of(xs, self.key)
        rest = list(map(dict.copy, xs))
        for x in rest:
            del x[self.key]
        return self._parts.stream(keys, rest, ys)

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        bad = faults(lambda t: self._split(xs[t]), len(xs))
        good = [t for t in range(len(xs)) if t not in bad]
        split = [self._split(xs[t]) for t in good]
        inner = self._parts.check(
            [key for key, _ in split], [rest for _, rest in split], [ys[t] for t in good]
        )
        return bad | {good[t]: found for t, found in inner.items()}

    def prequential(self, X: Any, y: Any, keys: Sequence[Key] | None = None) -> Any:
        """Predict each row of X (T, m), then learn it with y: predictions (T,), or a list.

        *keys* (T,) says whose the rows are; of a DataFrame it is the column of that name.
        The same bits as one record at a time.
        """
        if keys is None:
            if not hasattr(X, "columns"):
                raise ValueError("keys: say whose each row of X is, or give a DataFrame")
            keys, X = X[self.key].tolist(), X.drop(columns=self.key)
        owners = [key_of(key, self.key, t) for t, key in enumerate(keys)]
        rows, names = rows_and_names(X)
        missing = np.isnan(rows)
        xs = [
            {n: None if gap else v for n, v, gap in zip(names, row, gaps, strict=True)}
            for row, gaps in zip(rows.tolist(), missing.tolist(), strict=True)
        ]
        if len(owners) != len(xs):
            raise ValueError(f"keys: {len(owners)} for {len(xs)} rows; give one a row")
        results = self._parts.stream(owners, xs, y.tolist() if hasattr(y, "tolist") else list(y))
        if "probabilities" in results[0]:
            return [result["probabilities"] for result in results]
        return np.array([result["prediction"] for result in results])

    # StreamEstimator ------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state, with all contexts."""
        shared = self.snapshot_shared()
        items = ((key, self.contexts.blob(key)) for key in self.contexts)
        return Snapshot(shared.arrays | bundle(items), shared.meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        shelf = fill(unbundle(snapshot.arrays))
        own = {k: v for k, v in snapshot.arrays.items() if not k.startswith("contexts.")}
        self.restore_shared(Snapshot(own, snapshot.meta), shelf)
        self.contexts.changed.update(shelf)

    def snapshot_shared(self) -> Snapshot:
        """Copy of what all keys share; the contexts are saved beside it."""
        arrays, meta = self._parts.snapshot()
        mine = {"key": self.key, "share": self.share}
        return Snapshot(arrays, {"estimator": "Keyed", "keyed": mine, "shared": meta})

    def restore_shared(self, snapshot: Snapshot, shelf: Shelf) -> None:
        """Take over what all keys share, and the contexts on a *shelf*."""
        meta, mine = snapshot.meta, {"key": self.key, "share": self.share}
        if meta.get("estimator") != "Keyed" or meta["keyed"] != mine:
            raise CheckpointError(
                f"the checkpoint is of {meta.get('estimator')}({meta.get('keyed')}), this is "
                f"Keyed({mine}); use the settings of the checkpoint, or another checkpoint "
                "directory to start anew"
            )
        self._parts.restore(Snapshot(snapshot.arrays, meta["shared"]))
        self.contexts.load(shelf)

    def health(self) -> dict[str, float]:
        """Counters and gauges by metric name: of the contexts, and of all that is learned."""
        return {**self._parts.health(), **self.contexts.health()}

    @property
    def reactions(self) -> tuple[str, ...]:
        """What `react` knows: with shared weights, what the estimator does."""
        return self.estimator.reactions if self.share == "weights" else ()

    def react(self, kind: str) -> None:
        """Let the shared network react to drift."""
        self.estimator.react(kind)

    def __getstate__(self) -> dict[str, Any]:
        names = ("estimator", "key", "share", "max_contexts")
        parameters = {name: getattr(self, name) for name in names}
        parameters["estimator"] = self.estimator.clone()
        return {"parameters": parameters, "snapshot": self.snapshot()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(**saved["parameters"])  # type: ignore[misc]
        self.restore(saved["snapshot"])

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from ..regressor import RecurrentRegressor

        yield {"estimator": RecurrentRegressor(), "key": "key"}


class KeyedRegressor(RegressesFrames, Keyed, base.Regressor):
    """`Keyed` of a regressor."""


class KeyedMultiTargetRegressor(RegressesSeveral, Keyed, base.MultiTargetRegressor):
    """`Keyed` of a regressor of several targets."""


class KeyedClassifier(ClassifiesFrames, Keyed, base.Classifier):
    """`Keyed` of a classifier."""


class KeyedAnomalyDetector(Keyed, base.AnomalyDetector):
    """`Keyed` of an anomaly detector."""

    def feedback(
        self, key: Key, label: str, field: Any = None, record: int | None = None
    ) -> list[Any]:
        """What an operator says of the last alarm, or record, of *key*; see the detector.

        Raises ValueError if there has been none.
        """
        if self.contexts.find(key) is None:
            raise ValueError(f"feedback: no record of {self.key} = {key!r} has been seen")
        return self.contexts.change(key).state.feedback(label, field, record)


ROLES: dict[type, type[Keyed]] = {
    base.Regressor: KeyedRegressor,
    base.MultiTargetRegressor: KeyedMultiTargetRegressor,
    base.Classifier: KeyedClassifier,
    base.AnomalyDetector: KeyedAnomalyDetector,
}
