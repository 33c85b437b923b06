"""A label for each token of a sentence, learned from one sentence after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..cells import GRU, LSTM, Elman
from ..errors import BadRecord, CheckpointError, ConfigError, check, faults
from ..numerics.trees import below
from ..sequences.bidirectional import directions
from ..sequences.labeling.model import FEWEST, Chain
from ..sequences.labeling.network.member import NetworkMember
from ..sequences.labeling.rehearsal import Rehearsal
from ..sequences.labeling.sentences import Sentences
from ..sequences.labeling.spans import Span, spans
from ..sequences.labeling.templates import DEFAULT, compile_templates
from ..sequences.sparse.adagrad import AdaGrad
from .base import instance
from .described import check_same, described
from .protocol import Snapshot
from .saving import Savable
from .sparse import check_bounds, report

USABLE = (LSTM, GRU, Elman)  # cells whose W lies as it is in memory
NETWORK = ("sparse", "seed")  # parameters that only a network has
AGAIN = 2  # sentences of the past that are learned with a new one


class SequenceLabeler(Savable, base.Estimator):
    """Labels the tokens of a sentence: parts of speech, entities, fields of a log line.

    A linear-chain conditional random field over sparse features, learned by AdaGrad, one
    sentence at a time: words, prefixes and suffixes, shapes, neighbours two tokens around.  The
    best sequence of labels is Viterbi's.  A token is a string, or a dict of features by name:
    a string stands for itself, a number for its value, True for 1.  Labels are strings and may
    appear at any time; entities are labelled in IOB2, ``"B-LOC"``, ``"I-LOC"``, ``"O"``.  With
    every sentence two of a uniform sample of the past are learned once more.

    Parameters
    ----------
    rate, damping, decay
        Of AdaGrad: how far the first gradient moves a weight, what is added to the sum of
        squared gradients, and how strongly a weight is pulled towards 0 as its feature occurs.
    rehearsal
        Size of that sample, in sentences; 0 for none, which takes a third of the time.
    max_features
        Bound of the table of weights; the least used eighth goes when it is reached.
    max_tokens
        Longer sentences are refused.
    cell
        Of a network whose outputs are added to the scores of the features, e.g.
        ``Bidirectional(LSTM(32))``, or ``LSTM(32)`` to read from the first token on only; None
        for none.
    sparse
        Whether there are weights for the features themselves; False leaves the network alone.
    seed
        Of the network's initial weights.

    Examples
    --------
    >>> from stream_rnn import SequenceLabeler
    >>> model = SequenceLabeler()
    >>> for city in ("Paris", "Rome", "Oslo", "Lima") * 3:
    ...     model.learn_one(["I", "flew", "to", city, "."], ["O", "O", "O", "B-LOC", "O"])
    ...     model.learn_one(["Nothing", "to", "see", "."], ["O", "O", "O", "O"])
    >>> model.predict_one(["We", "flew", "to", "Cairo", "."])
    ['O', 'O', 'O', 'B-LOC', 'O']
    >>> model.entities_one(["We", "flew", "to", "Cairo", "."])
    [Span(start=3, end=4, kind='LOC')]
    """

    verbatim = True  # see `protocol.Verbatim`

    def __init__(
        self,
        rate: float = 0.2,
        damping: float = 0.01,
        decay: float = 0.003,
        rehearsal: int = 4096,
        max_features: int = 1 << 22,
        max_tokens: int = 10_000,
        cell: Any = None,
        sparse: bool = True,
        seed: int = 0,
    ):
        self.rate = rate
        self.damping = damping
        self.decay = decay
        self.rehearsal = rehearsal
        self.max_features = max_features
        self.max_tokens = max_tokens
        self.cell, self.sparse, self.seed = instance(cell), sparse, seed
        if not sparse and cell is None:
            raise ConfigError("sparse: false leaves nothing to learn; give a cell, or true")
        rule = AdaGrad(float(rate), float(damping), float(decay))
        check(rule)
        check_bounds(self, max_features=1024, max_tokens=1, rehearsal=0)
        self._sentences = Sentences(max_tokens)
        templates = compile_templates(DEFAULT)
        self._chain = Chain(templates, rule, max_features, self._network(), sparse)
        self._past = Rehearsal(rehearsal)
        self._labels: dict[str, int] = {}
        self._tokens = 0
        self._loss = 0.0

    # river ------------------------------------------------------------------------------------

    def learn_one(self, tokens: Sequence[Any], labels: Sequence[str]) -> None:
        """Learn a sentence with a label for each token.

        Raises `BadRecord`, and changes nothing, if a token or a label is none, or one is missing.
        """
        self._learn(tokens, labels)

    def predict_one(self, tokens: Sequence[Any] | Mapping) -> list[str | None]:
        """The most probable labels; None for each token before anything was learned.

        A record is read as by `stream`.
        """
        if isinstance(tokens, Mapping):
            self._check_record(tokens, None, 0)
            return self.predict_one(_listed(tokens["tokens"]))
        sentence = self._sentences(tokens)
        if not self._labels or not len(tokens):
            return [None] * len(tokens)
        return self._named(self._chain.predict(sentence, len(self._labels)))

    def predict_proba_one(self, tokens: Sequence[Any]) -> list[dict[str, float]]:
        """How probable each label of each token is, whatever the others' labels are."""
        sentence = self._sentences(tokens)
        if not self._labels or not len(tokens):
            return [{} for _ in tokens]
        p = self._chain.distribution(sentence, len(self._labels))
        return [dict(zip(self._labels, row, strict=True)) for row in p.tolist()]

    def entities_one(self, tokens: Sequence[Any]) -> list[Span]:
        """The entities that the predicted labels mark, as (start, end, kind)."""
        return spans([label or "O" for label in self.predict_one(tokens)])

    @property
    def labels(self) -> list[str]:
        """All labels met so far."""
        return list(self._labels)

    # Streams ----------------------------------------------------------------------------------

    def stream(self, xs: Sequence[Mapping], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict the labels of each sentence ``x["tokens"]`` before learning them.

        The tokens are a list, or a text that is split at white space, and so are the labels;
        a sentence without labels is only predicted.
        """
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            self._check_record(x, y, t)
        return [{"prediction": self._record(x, y)} for x, y in zip(xs, ys, strict=True)]

    def check(self, xs: Sequence[Mapping], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults(lambda t: self._check_record(xs[t], ys[t], t), len(xs))

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        meta = {
            "estimator": type(self).__name__,
            "parameters": self._parameters(),
            "labels": self.labels,
            "tokens": self._tokens,
        }
        arrays = self._chain.arrays() | {"loss": np.array([self._loss])}
        past = {f"past.{name}": array for name, array in self._past.arrays().items()}
        return Snapshot(arrays | past, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        check_same(self, self._parameters(), snapshot.meta)
        arrays = dict(snapshot.arrays)
        try:
            labels, tokens = snapshot.meta["labels"], int(snapshot.meta["tokens"])
            loss = float(arrays.pop("loss")[0])
            past = Rehearsal(self.rehearsal)
            past.load(below("past.", arrays))
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        self._chain.load({n: a for n, a in arrays.items() if not n.startswith("past.")})
        self._past = past
        self._labels = {label: n for n, label in enumerate(labels)}
        self._tokens, self._loss = tokens, loss

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name, see `sparse.report`."""
        return report(self._chain.size, self._loss, self._tokens)

    # Inside -----------------------------------------------------------------------------------

    def _network(self) -> NetworkMember | None:
        """The network of the cell; raises `ConfigError` if it is not one for it."""
        if self.cell is None:
            return None
        inner, both = directions(self.cell)
        if type(inner) not in USABLE or inner.units < 1:
            names = ", ".join(kind.__name__ for kind in USABLE)
            raise ConfigError(
                f"cell: {self.cell!r}; choose one of {names} with units, or Bidirectional of one"
            )
        return NetworkMember(inner, 1 + both, self.max_features, FEWEST, self.seed)

    def _parameters(self) -> dict[str, str]:
        """Constructor parameters in words; those of a network only where there is one."""
        made = described(self, optional=("cell",))
        return made if "cell" in made else {n: v for n, v in made.items() if n not in NETWORK}

    def _learn(self, tokens: Sequence[Any], labels: Sequence[str]) -> list[str | None]:
        """Learn a sentence; what was predicted of it before."""
        sentence = self._sentences(tokens)
        _check_labels(labels, len(tokens))
        if not len(tokens):
            return []
        known = len(self._labels)
        numbers = [self._labels.setdefault(label, len(self._labels)) for label in labels]
        before = self._chain.predict(sentence, known) if known else None
        target = np.array(numbers, np.int64)
        path, loss = self._chain.learn(sentence, target, len(self._labels))
        self._tokens += len(tokens)
        self._loss += loss
        self._rehearse(tokens, numbers)
        if known == 0:
            return [None] * len(tokens)
        return self._named(path if before is None or known == len(self._labels) else before)

    def _rehearse(self, tokens: Sequence[Any], numbers: list[int]) -> None:
        """Keep the sentence, perhaps, and learn some of those that are kept once more."""
        if self.rehearsal == 0:
            return
        self._past.keep(tokens, numbers)
        for _ in range(AGAIN):
            again, labels = self._past.draw()
            sentence, target = self._sentences(again), np.array(labels, np.int64)
            self._chain.learn(sentence, target, len(self._labels))

    def _named(self, path: np.ndarray) -> list[str | None]:
        names = list(self._labels)
        return [names[n] for n in path.tolist()]

    def _record(self, x: Mapping, y: Any) -> list[str | None]:
        tokens = _listed(x["tokens"])
        return self.predict_one(tokens) if y is None else self._learn(tokens, _listed(y))

    def _check_record(self, x: Mapping, y: Any, index: int) -> None:
        try:
            if "tokens" not in x:
                raise BadRecord("tokens: is missing; records need a field 'tokens', a list or text")
            tokens = _listed(x["tokens"])
            self._sentences.check(tokens)
            if y is not None:
                _check_labels(_listed(y), len(tokens))
        except BadRecord as bad:
            bad.index = index
            raise


def _listed(value: Any) -> Any:
    """A text as the list of its words."""
    return value.split() if isinstance(value, str) else value


def _check_labels(labels: Any, count: int) -> None:
    """Raise `BadRecord` unless there are *count* labels, all of them texts."""
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise BadRecord(f"labels: {labels!r}; give a list of texts, one for each token")
    if len(labels) != count:
        raise BadRecord(f"labels: {len(labels)} for {count} tokens; give one for each token")
    for t, label in enumerate(labels):
        if not isinstance(label, str):
            raise BadRecord(f"labels[{t}]: {label!r} is not a text")
