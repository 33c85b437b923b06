"""A sequence for a sequence, in river's terms: `SequenceTransducer`."""

import math
from collections.abc import Sequence
from typing import Any

from river import base

from .. import specs
from ..cells import LSTM
from ..errors import BadRecord, CheckpointError, ConfigError, faults
from ..sequences.transducing.joint.member import JointModel
from ..sequences.transducing.model import Transducer
from ..sequences.transducing.network.member import NetworkModel
from ..sequences.transducing.symbols import checked
from .protocol import Snapshot
from .saving import Savable

SETTINGS = ("attention", "joint", "network", "longest", "max_symbols", "contexts", "seed")
DEFAULT_CELL = LSTM(64)
CELLS = ("LSTM", "GRU", "Elman")  # whose W lies as it is in memory


class SequenceTransducer(Savable, base.Estimator):
    """Learns to write a target for a source, both sequences of symbols, one record at a time.

    Spelling to sound, a word to its inflection, a raw field to its normal form.  A symbol is a
    text or an integer; a text is the sequence of its characters.  Where all targets so far were
    texts, predictions are texts, else tuples.

    Two members make the best targets, and a mixture whose weights are learned chooses: an n-gram
    model of pairs (source symbol, what it emits), aligned online, which is good early and where
    the target follows the source; and an encoder–decoder network, which is good late, and where
    it does not.  See `stream_rnn.sequences.transducing`.

    Parameters
    ----------
    cell
        Of the network: so many units read in each direction, and twice as many write.
    attention
        Whether the network looks back at the source while it writes.
    joint, network
        Which members there are.
    longest
        How many symbols a source or a target may have.
    max_symbols
        How many different symbols of either side are told apart; later ones are ``"<unk>"``.
    contexts
        Bound of the memory: so many contexts, 16 bytes each, and as many counts, 8 bytes each.
    seed
        Of the initial weights.
    source
        The field of a record that holds the source, for `stream`.

    Examples
    --------
    >>> from stream_rnn import SequenceTransducer
    >>> model = SequenceTransducer(seed=1)
    >>> words = ["walk", "talk", "jump", "carry", "hurry", "marry", "call", "look", "worry", "rest"]
    >>> for word in words * 3:
    ...     model.learn_one(word, word[:-1] + "ied" if word[-1] == "y" else word + "ed")
    >>> model.predict_one("tarry"), model.predict_one("hall")
    ('tarried', 'halled')
    """

    def __init__(
        self,
        cell: Any = DEFAULT_CELL,
        attention: bool = True,
        joint: bool = True,
        network: bool = True,
        longest: int = 64,
        max_symbols: int = 1000,
        contexts: int = 1 << 21,
        seed: int = 0,
        source: str = "source",
    ):
        self.cell = cell() if isinstance(cell, type) else cell
        self.attention = attention
        self.joint = joint
        self.network = network
        self.longest = longest
        self.max_symbols = max_symbols
        self.contexts = contexts
        self.seed = seed
        self.source = source
        if not 1 <= longest <= 1000:
            raise ConfigError(f"longest: {longest}; choose from 1 to 1000 symbols")
        if not 1 <= max_symbols <= 60_000:
            raise ConfigError(f"max_symbols: {max_symbols}; choose from 1 to 60000")
        if contexts < 1 << 12:
            raise ConfigError(f"contexts: {contexts}; give at least {1 << 12}")
        if not (joint or network):
            raise ConfigError("joint, network: both false; at least one member has to learn")
        self._model = Transducer(
            max_symbols,
            JointModel(longest, contexts) if joint else None,
            NetworkModel(self._layer(), attention, longest, seed) if network else None,
        )
        self._texts = True  # all targets so far were texts
        self._wrong = self._scored = 0

    def learn_one(self, x: Any, y: Any) -> None:
        """Learn that the target of the source *x* is *y*."""
        source, target = self._source(x), self._target(y)
        self._texts = self._texts and isinstance(y, str)
        self._model.learn(source, target)

    def predict_one(self, x: Any) -> Any:
        """The best target; None before anything was learned."""
        return next(iter(self.predict_proba_one(x)), None)

    def predict_proba_one(self, x: Any) -> dict[Any, float]:
        """The best targets and how probable each is among them, most probable first."""
        best = self._model.best(self._source(x))
        return {self._shown(target): p for target, p in best.items()}

    # Streams ------------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict the target of each record's source, then learn it where it is known."""
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            try:
                self._check(x, y)
            except BadRecord as bad:
                bad.index = t
                raise
        return [self._step(x[self.source], y) for x, y in zip(xs, ys, strict=True)]

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults(lambda t: self._check(xs[t], ys[t]), len(xs))

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        counts = {"learned": self._model.learned, "scored": self._scored, "wrong": self._wrong}
        return Snapshot(
            self._model.arrays(),
            {"kind": "transducer", **self._settings(), **counts, "texts": self._texts},
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta = snapshot.meta
        for name, value in {"kind": "transducer", **self._settings()}.items():
            if meta.get(name) != value:
                raise CheckpointError(
                    f"the checkpoint has {name} {meta.get(name)!r}, this transducer {value!r}: "
                    "use the same settings, or an empty checkpoint directory"
                )
        self._model.load(snapshot.arrays, int(meta["learned"]))
        self._texts = bool(meta["texts"])
        self._scored, self._wrong = int(meta["scored"]), int(meta["wrong"])

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name; the loss is 1 for a target that was not predicted."""
        return {"loss_sum": float(self._wrong), "loss_observations": float(self._scored)}

    def _step(self, x: Any, y: Any) -> dict[str, Any]:
        best = self.predict_proba_one(x)
        prediction, p = next(iter(best.items()), (None, math.nan))
        if y is not None:
            truth = y if isinstance(y, str) and self._texts else tuple(self._target(y))
            self._scored += 1
            self._wrong += prediction != truth
            self.learn_one(x, y)
        return {"prediction": prediction, "probability": p}

    def _layer(self) -> Any:
        known = specs.registry("cell")
        usable = type(self.cell) in known.values() and type(self.cell).__name__ in CELLS
        if not usable or self.cell.units < 1:
            raise ConfigError(f"cell: {self.cell!r}; choose one of {', '.join(CELLS)} with units")
        return self.cell

    def _settings(self) -> dict[str, Any]:
        cell = specs.to_table(self.cell)
        return {"cell": cell, **{name: getattr(self, name) for name in SETTINGS}}

    def _check(self, x: dict, y: Any) -> None:
        if self.source not in x:
            raise BadRecord(f"{self.source}: is missing; the field holds the source sequence")
        self._source(x[self.source])
        if y is not None:
            self._target(y)

    def _source(self, x: Any) -> Sequence[Any]:
        return checked(x, self.source, self.longest)

    def _target(self, y: Any) -> Sequence[Any]:
        return checked(y, "target", self.longest)

    def _shown(self, target: tuple) -> Any:
        return "".join(map(str, target)) if self._texts else target
