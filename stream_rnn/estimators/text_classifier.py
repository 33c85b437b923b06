"""A class for each text, learned from one text after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord, CheckpointError, ConfigError, check, faults
from ..features.saved_names import as_name, saved
from ..sequences.reading.learning import Reading
from ..sequences.reading.model import Reader
from ..sequences.sparse.adagrad import AdaGrad
from .classifier import distinct_classes
from .described import check_same, described
from .protocol import Snapshot
from .saving import Savable
from .sparse import check_bounds, report


class TextClassifier(Savable, base.Classifier):
    """Tells what kind of text it is: spam, a topic, a sentiment, the severity of a log line.

    Multinomial logistic regression over the words of a text, their shapes and pairs of
    neighbours, learned by AdaGrad; the table of weights grows with the words that appear, and
    is bounded.  `x` is a text, or a record: each of its texts is read by itself, a number counts
    by the logarithm of its size.

    Parameters
    ----------
    pairs, shapes
        Whether to count pairs of neighbours, and shapes such as ``"Xxx"`` and ``"dd"``.
    characters
        Shortest and longest character n-grams to count besides, such as ``(4, 5)``: for texts
        with many inflected or misspelt words.  None for none.
    rate, damping, decay
        Of AdaGrad: how far the first gradient moves a weight, what is added to the sum of
        squared gradients, and how strongly a weight is pulled towards 0 as its feature occurs.
    max_features
        Bound of the table of weights; the least used eighth goes when it is reached.
    max_text
        Longer texts, in characters, are refused.

    Examples
    --------
    >>> from stream_rnn import TextClassifier
    >>> model = TextClassifier()
    >>> for n in range(20):
    ...     model.learn_one(f"WIN {n} pounds, call {n}{n}{n} now!", "spam")
    ...     model.learn_one(f"see you at {n}, home for dinner", "ham")
    >>> model.predict_one("call me when you are home for dinner")
    'ham'
    >>> model.predict_proba_one({"text": "WIN a prize now!"})["spam"] > 0.9
    True
    >>> [word for word, _ in model.keywords("WIN a prize now! Bob", 3)]
    ['win', 'now', '!']
    """

    verbatim = True  # see `protocol.Verbatim`

    def __init__(
        self,
        pairs: bool = True,
        shapes: bool = True,
        characters: tuple | None = None,
        rate: float = 0.2,
        damping: float = 0.01,
        decay: float = 0.003,
        max_features: int = 1 << 22,
        max_text: int = 1_000_000,
    ):
        self.pairs = pairs
        self.shapes = shapes
        self.characters = characters
        self.rate = rate
        self.damping = damping
        self.decay = decay
        self.max_features = max_features
        self.max_text = max_text
        rule = AdaGrad(float(rate), float(damping), float(decay))
        check(rule)
        check_bounds(self, max_features=1024, max_text=1)
        reading = Reading(bool(shapes), bool(pairs), *_span(characters))
        self._reader = Reader(reading, rule, max_features, max_text)
        self._classes: list[Any] = []
        self._texts = 0
        self._loss = 0.0

    _multiclass = True

    # river ------------------------------------------------------------------------------------

    def learn_one(self, x: str | Mapping, y: base.typing.ClfTarget) -> None:
        """Learn the class of a text; None is not learned.  Raises `BadRecord`."""
        places, _, classes = distinct_classes(self._classes, [y])
        document = self._reader.document(x)
        if places[0] is None:
            return
        self._classes = classes
        self._loss += self._reader.learn(document, places[0], len(classes))
        self._texts += 1

    def predict_proba_one(self, x: str | Mapping, **kwargs: Any) -> dict:
        """Probability of every class seen so far; empty before anything was learned."""
        document = self._reader.document(x)
        if not self._classes:
            return {}
        p = self._reader.predict(document, len(self._classes))
        return dict(zip(self._classes, p.tolist(), strict=True))

    def keywords(self, x: str | Mapping, k: int = 10, label: Any = None) -> list[tuple[str, float]]:
        """The k words that speak most for a class, the predicted one or *label*, and how much.

        In nats: what the word and its shape add to the score of the class, less what they add
        to those of the others on average.
        """
        document = self._reader.document(x)
        n = len(self._classes)
        if n < 2:
            return []
        if label is not None and label not in self._classes:
            raise ValueError(f"label: {label!r} has not been learned")
        added = self._reader.explain(document, n)
        best = int(added.sum(0).argmax()) if label is None else self._classes.index(label)
        gain = (added[:, best] - (added.sum(1) - added[:, best]) / (n - 1)).tolist()
        found: dict[str, float] = {}
        for word, place in zip(document.words, document.places, strict=True):
            found.setdefault(word.lower(), gain[place])
        ranked = sorted(found.items(), key=lambda pair: -pair[1])
        return [(word, value) for word, value in ranked if value > 0][:k]

    # Streams ----------------------------------------------------------------------------------

    def stream(self, xs: Sequence[Mapping], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it."""
        for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
            self._check_record(x, y, t)
        rows = []
        for x, y in zip(xs, ys, strict=True):
            p = self.predict_proba_one(x)
            rows.append(
                {"prediction": max(p, key=p.__getitem__) if p else None, "probabilities": p}
            )
            self.learn_one(x, y)
        return rows

    def check(self, xs: Sequence[Mapping], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults(lambda t: self._check_record(xs[t], ys[t], t), len(xs))

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self),
            "classes": saved(self._classes),
            "texts": self._texts,
        }
        return Snapshot(self._reader.arrays() | {"loss": np.array([self._loss])}, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        check_same(self, described(self), snapshot.meta)
        arrays = dict(snapshot.arrays)
        try:
            classes, texts = snapshot.meta["classes"], int(snapshot.meta["texts"])
            loss = float(arrays.pop("loss")[0])
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        self._reader.load(arrays)
        self._classes, self._texts, self._loss = list(map(as_name, classes)), texts, loss

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name, see `sparse.report`."""
        return report(self._reader.size, self._loss, self._texts)

    def _check_record(self, x: Any, y: Any, index: int) -> None:
        try:
            self._reader.check(x)
            distinct_classes((), [y])
        except BadRecord as bad:
            bad.index = index
            raise


def _span(characters: Sequence[int] | None) -> tuple[int, int]:
    """Lengths of n-grams; (1, 0) for none."""
    if characters is None:
        return 1, 0
    if len(characters) != 2 or not 1 <= characters[0] <= characters[1] <= 8:
        raise ConfigError(
            f"characters: {characters}; give the shortest and the longest n-gram, from 1 to 8"
        )
    return int(characters[0]), int(characters[1])
