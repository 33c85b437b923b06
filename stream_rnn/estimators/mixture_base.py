"""What the estimators over mixtures share: from records to the mixture's rows and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..categories.columns import CLASSES, Columns
from ..categories.in_order import InOrder
from ..engine.online import OnlineNetwork
from ..errors import BadRecord, CheckpointError, ConfigError, faults
from ..features.missing import is_missing
from ..features.saved_names import saved
from ..features.tables import holds_text, rows_and_names
from ..forecasting import given
from ..mixtures import bank, outside, past
from ..mixtures.mixture import Mixture
from ..mixtures.network import NetworkPart
from .described import OPTIONAL, check_same, described
from .frames import as_dicts
from .mixture_late import LateTargets
from .protocol import Snapshot
from .saving import Savable
from .targets import Targets, stretches


class MixtureEstimator(LateTargets, Targets, Savable, base.Estimator):
    """A mixture behind dicts.  A subclass says what a target is.

    The mixture begins with the first record that is learned; it grows with new features and
    classes.
    """

    _task: Any = None
    _head = 0  # of the mixture of numbers: median, mean

    def __init__(
        self,
        members: tuple | None = None,
        weights: tuple | None = None,
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
    ) -> None:
        self.members, self.weights, self.seed = members, weights, seed
        self.categorical = categorical
        self._specs = bank.checked(members, self._task)
        self._labels = bank.labels(self._specs)
        self._outside = [spec for spec in self._specs if outside.is_outside(spec)]
        self._given = given.fields(self._outside)
        if weights is not None:
            bank.check_weights(weights, self._specs)
        self._features = self._no_columns()
        self._mixture: Mixture | None = None

    # What a subclass says of members from outside -----------------------------------------

    def _forecast(self, spec: Any, x: dict, index: int) -> Any:
        """What a member from outside predicts: a number, or a class or probabilities."""
        raise NotImplementedError

    def _as_rows(self, values: list[list[Any]], outputs: int) -> np.ndarray:
        """Forecasts from outside of T records and E members as (T, E, outputs)."""
        raise NotImplementedError

    # Rows in, rows out --------------------------------------------------------------------

    def _predict_row(self, x: dict) -> np.ndarray | None:
        """The mixture's prediction for one record, or None before anything was learned."""
        mixture = self._mixture
        if mixture is None:
            return None
        made = None
        if self._outside:
            made = self._as_rows(
                [[self._forecast(s, x, 0) for s in self._outside]], mixture.outputs
            )
        return mixture.predict(self._features.row(self._features_of(x)), made)[0]

    def _features_of(self, x: dict) -> dict:
        return {n: v for n, v in x.items() if n not in self._given} if self._given else x

    def _learn_rows(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[np.ndarray | None]:
        """Predict then learn each record; nothing has changed when it raises `BadRecord`."""
        rest = [self._features_of(x) for x in xs]
        y, outputs = self._encode_targets(ys)
        X, widths = self._features.encode(rest, outputs)
        made = self._from_outside(xs, ys)
        self._features.learn(X, self._targets_of(y, outputs))
        return self._learn_arrays(X, widths, y, outputs, made)

    def _no_columns(self, names: Sequence[Any] = ()) -> Columns:
        """The columns of records, before anything was learned of them."""
        return Columns(names, classes=self._task.discrete, categorical=self.categorical)

    def _targets_of(self, y: np.ndarray, outputs: Sequence[int]) -> np.ndarray:
        """Targets (T, 1), or classes as (T, C) of 0 and 1, for the effects of text."""
        if not self._task.discrete:
            return y.reshape(-1, 1)
        places = np.arange(min(outputs[-1] if len(outputs) else 0, CLASSES + 1))
        return np.where(np.isnan(y)[:, None], np.nan, y[:, None] == places)

    def _learn_table(self, X: Any, ys: Sequence[Any]) -> list[np.ndarray | None]:
        """The same for the rows of an array or a DataFrame."""
        if self._features.takes_text or holds_text(X):
            return self._learn_rows(as_dicts(X, len(ys)), ys)
        rows, names = rows_and_names(X)
        if len(rows) != len(ys):
            raise ValueError(f"X has {len(rows)} rows, y has {len(ys)}; give one target a row")
        if self._outside:
            known = rows == rows
            xs = [
                {n: v for n, v, there in zip(names, row, has, strict=True) if there}
                for row, has in zip(rows.tolist(), known, strict=True)
            ]
            every = dict.fromkeys(names)
            return self._learn_rows([every | x for x in xs], ys)
        X, widths = self._features.encode_rows(names, rows)
        y, outputs = self._encode_targets(ys)
        self._features.learn(X, self._targets_of(y, outputs))
        return self._learn_arrays(X, widths, y, outputs, [])

    def _from_outside(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[list[Any]]:
        """What the members from outside predict for each record, before they learn it."""
        if not self._outside:
            return []
        self._check_given(xs)  # before anything learns
        made = []
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            made.append([self._forecast(spec, x, t) for spec in self._outside])
            if not is_missing(y):
                for spec in self._outside:
                    outside.learn(spec, self._features_of(x), y)
        return made

    def _learn_arrays(
        self,
        X: np.ndarray,
        widths: Sequence[int],
        y: np.ndarray,
        outputs: Sequence[int],
        made: list[list[Any]],
    ) -> list[np.ndarray | None]:
        """Run stretches of records in which no feature and no class is new."""
        predictions: list[np.ndarray | None] = []
        for start, end in stretches(widths, outputs):
            span, m, O = slice(start, end), widths[start], outputs[start]
            predictions += self._learn_stretch(X[span, :m], y[span], m, O, made[span])
        return predictions

    def _learn_stretch(
        self, rows: np.ndarray, y: np.ndarray, m: int, O: int, made: list[list[Any]]
    ) -> list[np.ndarray | None]:
        mixture, first, judged = self._mixture, None, None
        grown = mixture is None or (mixture.inputs, mixture.outputs) != (m, O)
        if grown:
            if mixture is not None:  # predicted as before the growth
                before = self._as_rows(made[:1], mixture.outputs) if made else None
                first = mixture.predict(rows[:1, : mixture.inputs].copy(), before)[0]
            # by type: an empty NamedTuple equals every other
            known = 0 if mixture is None else mixture.outputs
            if known < O and self._task.discrete:
                judged = y.copy()  # nobody could have known a class that is new
                judged[0] = np.nan
            self._build(m, O)
        if self._mixture is None:
            return [None] * len(rows)
        rows = np.ascontiguousarray(rows)
        theirs = self._as_rows(made, O) if made else None
        out: list[np.ndarray | None] = list(self._mixture.prequential(rows, y, theirs, judged))
        if grown:
            out[0] = first
        return out

    def _build(self, m: int, O: int) -> None:
        """Begin, or let the mixture grow, for m inputs and O outputs."""
        self._features.extend(m)
        self._extend_targets(O)
        if O == 0:
            return
        if self._mixture is None:
            self._mixture = Mixture(self._specs, self.weights, self._task, m, O, self.seed)
        else:
            self._mixture.grow(m, O)

    # StreamEstimator ----------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        if len(self._outside) > len(self._given):
            raise CheckpointError(
                "members: a River model has no state that could be saved exactly; leave it out "
                "where checkpoints are made"
            )
        mixture = self._mixture
        arrays = {} if mixture is None else {n: a.copy() for n, a in mixture.arrays().items()}
        arrays |= self._features.arrays()
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self, OPTIONAL),
            "features": saved(self._features.names),
            "targets": saved(self._target_names()),
            "outputs": 0 if mixture is None else mixture.outputs,
        }
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        check_same(self, described(self, OPTIONAL), meta)
        self._features = self._no_columns(meta["features"])
        arrays = self._features.load(snapshot.arrays)
        self._set_target_names(meta["targets"])
        self._mixture = None
        if meta["outputs"]:
            self._build(len(meta["features"]), meta["outputs"])
            assert self._mixture is not None
            self._mixture.load(arrays)

    def __getstate__(self) -> dict[str, Any]:
        names = self._get_params()
        return {"parameters": {n: getattr(self, n) for n in names}, "snapshot": self.snapshot()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(**saved["parameters"])  # type: ignore[misc]
        self.restore(saved["snapshot"])

    def health(self) -> dict[str, float]:
        """Counters, and the weight of each member, by metric name."""
        mixture = self._mixture
        if mixture is None:
            return {}
        counts, scales = mixture.scales.counts, mixture.scales
        far = scales.inputs.outliers.sum()
        if mixture.numbers:
            far += scales.target.outliers.sum()
        return {
            "records": float(counts[0]),
            "learned": float(counts[1]),
            "loss_sum": float(mixture.scales.loss[0]),
            "loss_observations": float(counts[1]),
            "outliers": float(far),
            "returns": float(
                scales.past.counts[past.RETURNS]
                + sum(n.counts["returns"] for n in self._networks())
            ),
            "nonfinite_rollbacks": float(
                sum(n.counts["nonfinite_rollbacks"] for n in self._networks())
            ),
        }

    def member_weights(self) -> dict[str, float]:
        """How much each member counts now, by its name; they sum to 1."""
        if self._mixture is None:
            return {}
        return dict(zip(self._labels, self._mixture.weights(self._head).tolist(), strict=True))

    def network_names(self) -> list[str]:
        """The members that are networks, for `network`; none before a record was learned."""
        members = [] if self._mixture is None else self._mixture.members
        inner = [n for n, s in zip(self._labels, self._specs) if not outside.is_outside(s)]
        return [n for n, m in zip(inner, members, strict=False) if isinstance(m, NetworkPart)]

    def network(self, member: str) -> OnlineNetwork:
        """That of a *member*, such as ``"lstm"``, for `state_dict` and `load_state_dict`.

        After the features, a member with the last target has that among its inputs.  Raises
        `ConfigError` if there is no such network, or none yet.
        """
        names = self.network_names()
        if member not in names:
            known = ", ".join(names) or "nothing before a record was learned"
            raise ConfigError(f"network: {member!r}; choose of {known}")
        return self._networks()[names.index(member)]

    def _networks(self) -> list[OnlineNetwork]:
        members = [] if self._mixture is None else self._mixture.members
        return [m.network for m in members if isinstance(m, NetworkPart)]

    reactions = ("noise",)

    def react(self, kind: str) -> None:
        """Let the networks be less sure of what they have learned; *kind* is ``"noise"``."""
        for network in self._networks():
            network.unsettle()

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""

        look = InOrder(self._features)

        def attempt(t: int) -> None:
            self._encode_targets(ys[t : t + 1])
            self._check_given(xs[t : t + 1])
            look(self._features_of(xs[t]))

        return faults(attempt, len(xs))

    def _check_given(self, xs: Sequence[dict]) -> None:
        """Raise `BadRecord` for a forecast that cannot be one."""
        for t, x in enumerate(xs):
            for spec in self._outside:
                if given.fields([spec]):
                    self._forecast(spec, x, t)
