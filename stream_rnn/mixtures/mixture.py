"""A mixture at work on arrays: its members predict and learn, and one prediction is made of all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..codegen.bound import bind
from ..engine.moments import LARGEST, Moments
from ..engine.scale import Standard
from ..forecasting.mixing import boa, dma
from ..numerics.laid import Laid
from ..numerics.places import MOAT
from ..numerics.trees import allocate, below, fields, leaves, load, walk
from . import base, classes, numbers, past
from .idle import Idle, review, sampled, until_review
from .network import NetworkPart
from .outside import is_outside
from .part import Part, part
from .scales import Scales, at_sight, standard


class Mixture:
    """Members for m inputs, and C classes or one number, all of which may grow.

    X (T, m) is float64 in its own units, NaN standing for a missing value; y (T,) are numbers,
    or classes by their place, NaN where they are missing.  *outside* (T, E, C) is what members
    from outside predict, in their order.  A prediction has two columns for numbers, median and
    mean, and one a class.

    >>> from stream_rnn.mixtures.base import Numbers
    >>> from stream_rnn.mixtures.last import Last
    >>> from stream_rnn.mixtures.wide import Wide
    >>> mixture = Mixture((Wide(), Last()), None, Numbers(), 1, 1, seed=0)
    >>> X = np.random.default_rng(0).normal(size=(500, 1))
    >>> errors = abs(mixture.prequential(X, 3 * X[:, 0])[:, 1] - 3 * X[:, 0])
    >>> bool(errors[-50:].mean() < 0.1)
    True
    """

    def __init__(
        self,
        specs: tuple,
        weights: Any,
        task: Any,
        inputs: int,
        outputs: int,
        seed: int = 0,
    ):
        self.specs, self.task, self.seed = specs, task, seed
        self.numbers = not task.discrete
        prior = np.ones(len(specs)) if weights is None else np.array(weights, float)
        self.prior = prior / prior.sum()
        self.inputs, self.outputs = inputs, outputs
        inner = [spec for spec in specs if not is_outside(spec)]
        self.members: list[Any] = [self._member(spec, n) for n, spec in enumerate(inner)]
        self._places = [n for n, spec in enumerate(specs) if not is_outside(spec)]
        self._others = [n for n, spec in enumerate(specs) if is_outside(spec)]
        self._busy = [not base.may_idle(spec) for spec in inner]
        self.idle = allocate(Idle, {"K": len(specs)})
        self._former: dict[str, np.ndarray] = {}
        self._scaled: Any = None
        self._lay_out_scales()
        self._lay_out_mixing()

    def _member(self, spec: Any, number: int) -> Part | NetworkPart:
        return part(spec, self.task, self.inputs, self.outputs, self.seed)

    def _lay_out_scales(self) -> None:
        declared = fields(Scales, {"m": self.inputs}, target=fields(Moments, {"m": 1}))
        if self._scaled is None:
            self._scaled = Laid(Standard(), declared, (), apart=MOAT)
        else:
            self._scaled = self._scaled.grown(declared, ())
        self._scaling = self._scaled.bound()

    @property
    def scales(self) -> Scales:
        """The statistics that all members share."""
        return self._scaled.state

    def _lay_out_mixing(self) -> None:
        self.mixing: Any
        work: Any
        if self.numbers:
            self.mixing, work = numbers.allocate(self.prior)
        else:
            self.mixing, work = classes.allocate(self.prior, self.outputs)
        self._mixing = bind(self.task, self.mixing, work)

    # at work ------------------------------------------------------------------------------

    def predict(self, X: np.ndarray, outside: np.ndarray | None = None) -> np.ndarray:
        """Prediction for X (1, m) as the next record; nothing changes."""
        Z, units = self._at_sight(X)
        made = [member.predict(X, Z, units) for member in self.members]
        P = self._gathered(made, outside, len(X))
        if self.numbers:
            out = np.empty((len(X), 2))
            numbers.predict(self._mixing, P[:, :, 0].copy(), units, out)
        else:
            out = np.empty((len(X), self.outputs))
            classes.predict(self._mixing, P, out)
        return out

    def _at_sight(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Records in standard units, each as if it came next."""
        Z, units = np.empty(X.shape, np.float32), np.empty((len(X), 2))
        at_sight(self._scaling, X, Z, units)
        return Z, units

    def prequential(
        self,
        X: np.ndarray,
        y: np.ndarray,
        outside: np.ndarray | None = None,
        judged: np.ndarray | None = None,
    ) -> np.ndarray:
        """Predict each record, then learn it; the mixing learns from *judged* instead of y."""
        made: list[np.ndarray] = []
        done = 0
        while done < len(X) or not made:
            rest = slice(done, done + until_review(int(self.scales.counts[0])))
            given = (None if a is None else a[rest] for a in (outside, judged))
            made.append(self._piece(X[rest], y[rest], *given))
            done += len(made[-1])
        return made[0] if len(made) == 1 else np.concatenate(made)

    def _piece(self, X: np.ndarray, y: np.ndarray, outside: Any, judged: Any) -> np.ndarray:
        """`prequential` as far as members stay what they are, see `idle` and `past`."""
        count = int(self.scales.counts[0])
        review(self.idle, self._counting(), count)
        Z, units = np.empty(X.shape, np.float32), np.empty((len(X), 2))
        believed = np.array(y, float)
        n, todo = standard(self._scaling, X, believed, Z, units, self.numbers)
        if n < len(X):
            X, y, believed, Z, units = X[:n], y[:n], believed[:n], Z[:n], units[:n]
            outside, judged = (a if a is None else a[:n] for a in (outside, judged))
        believed = believed if self.numbers else y
        made = []
        for k, member, busy in zip(self._places, self.members, self._busy, strict=True):
            learned = believed if busy else sampled(self.idle, k, believed, count)
            made.append(member.prequential(X, Z, units, believed, learned))
        P = self._gathered(made, outside, n)
        judged = believed if judged is None else judged
        if self.numbers:
            out = np.empty((len(X), 2))
            numbers.prequential(self._mixing, P[:, :, 0].copy(), units, judged, out)
        else:
            out = np.empty((len(X), self.outputs))
            classes.prequential(self._mixing, P, judged, out)
        self._tally(out, believed, units)
        if todo != past.NOTHING:
            self._change(todo)
        return out

    def _gathered(self, made: list, outside: np.ndarray | None, T: int) -> np.ndarray:
        """What all members predict, (T, K, C); what is missing from outside says nothing."""
        P = np.empty((T, len(self.specs), self.outputs))
        for n, p in zip(self._places, made, strict=True):
            P[:, n] = p
        if self._others:
            P[:, self._others] = np.nan if outside is None else outside
            if not self.numbers:
                P[np.isnan(P)] = 1.0 / self.outputs
        return P

    def _tally(self, out: np.ndarray, y: np.ndarray, units: np.ndarray) -> None:
        """Sum the losses: squared errors in standard units / 2, or log losses."""
        known = np.flatnonzero(y == y)
        if self.numbers:
            errors = (out[known, 1] - y[known]) / units[known, 1]
            losses = 0.5 * np.clip(errors, -LARGEST, LARGEST) ** 2
        else:
            losses = -np.log(np.maximum(out[known, y[known].astype(int)], 1e-12))
        for loss in losses.tolist():  # one after another: the same sum however the rows are cut
            self.scales.loss[0] += loss

    def weights(self, head: int) -> np.ndarray:
        """How much each member counts now, (K,): for numbers in the *head* (median, mean)."""
        if self.numbers:
            return self.mixing.mix.first.table[head, boa.WEIGHT].copy()
        return self.mixing.shares.copy()

    def _counting(self) -> np.ndarray:
        """The most that each member counts in any part of the mixing, (K,)."""
        if self.numbers:
            first, dynamic = self.mixing.mix.first, self.mixing.mix.dynamic
            return np.maximum(first.table[:, boa.WEIGHT].max(axis=0), dynamic.table[dma.WEIGHT])
        return self.mixing.shares

    def _change(self, todo: int) -> None:
        """Keep the members for a return, give them up, or return to them, see `past`."""
        returning = {
            f"{place}.": member
            for place, member in zip(self._places, self.members, strict=True)
            if not isinstance(member, NetworkPart)
        }
        if todo == past.RETURN:
            for prefix, member in returning.items():
                member.reload(below(prefix, self._former))
            load(self.mixing, below("mixing.", self._former))
        self._former = {}
        if todo == past.KEEP:
            begins = ("mixing.", *returning)
            now = self.arrays().items()
            self._former = {n: a.copy() for n, a in now if n.startswith(begins)}

    # state --------------------------------------------------------------------------------

    def grow(self, inputs: int, outputs: int) -> None:
        """Append inputs and classes; whoever is idle may have a use for them."""
        self.idle.calm[:] = 0
        mixing, as_before = self.mixing, self.outputs == outputs
        self.inputs, self.outputs = inputs, outputs
        for member in self.members:
            member.grow(inputs, outputs)
        self._lay_out_scales()
        self._forget()
        if as_before:
            return
        self._lay_out_mixing()
        for before, after in zip(leaves(mixing), leaves(self.mixing), strict=True):
            after[...] = before

    def _forget(self) -> None:
        """There is nothing to return to."""
        self.scales.past.counts[past.AGE], self._former = 0, {}

    def follow(self, other: "Mixture", order: Sequence[int] | None) -> None:
        """Know what *other* knows, and weigh as it does; hidden states stay.

        *order*, unless None, says which input k was before, see `OnlineNetwork.rearrange`.
        """
        for mine, theirs in zip(leaves(self.scales), leaves(other.scales), strict=True):
            mine[: len(theirs)] = theirs
        for mine, theirs in zip(leaves(self.mixing), leaves(other.mixing), strict=True):
            mine[...] = theirs
        self.idle.calm[:] = other.idle.calm
        self._forget()
        for member, known in zip(self.members, other.members, strict=True):
            if order is not None and isinstance(member, NetworkPart):
                member.rearrange(order)
            member.follow(known)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        found = {f"scales.{n}": a for n, a in walk(self.scales)}
        found |= {f"mixing.{n}": a for n, a in walk(self.mixing, scratch=False)}
        found["idle.calm"] = self.idle.calm
        found |= {f"former.{n}": a for n, a in self._former.items()}
        for place, member in zip(self._places, self.members, strict=True):
            found |= {f"{place}.{n}": a for n, a in member.arrays().items()}
        return found

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless names and shapes agree."""
        load(self.scales, below("scales.", arrays))
        load(self.mixing, below("mixing.", arrays))
        load(self.idle, below("idle.", arrays))
        self._former = {n: np.array(a) for n, a in below("former.", arrays).items()}
        for place, member in zip(self._places, self.members, strict=True):
            member.load(below(f"{place}.", arrays))
