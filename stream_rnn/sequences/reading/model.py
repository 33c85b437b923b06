"""A reader at work: its table of weights, and room for what comes."""

from collections.abc import Mapping
from math import copysign, log1p
from typing import Any, NamedTuple

import numpy as np

from ...errors import BadRecord, CheckpointError
from ..sparse import table as tables
from ..sparse.adagrad import AdaGrad
from ..sparse.keys import key_of
from ..sparse.table import FORGOTTEN, ROWS
from . import learning
from .learning import Reading
from .tokens import Tokens, characters

FEWEST = 2  # classes
LARGEST = 1e300  # of a number
TEXT = "text"  # the field that a text without a name is


class Document(NamedTuple):
    """Features with their values; the words of its texts, the n-th of which is feature place[n]."""

    keys: np.ndarray
    values: np.ndarray
    words: list[str]
    places: list[int]


class Reader:
    """Multinomial logistic regression over at most *most* features."""

    def __init__(self, reading: Reading, rule: AdaGrad, most: int, longest: int):
        self.reading, self.rule, self.most, self.longest = reading, rule, most, longest
        self.table = tables.create(min(most, tables.LEAST), FEWEST)
        self._work = learning.workspace(tables.LEAST, FEWEST)
        self._tokens = Tokens()
        self._names: dict[tuple[str, str], int] = {}
        self._last: tuple[dict[str, Any], Document] = ({}, self._document({}))

    @property
    def size(self) -> tuple[int, int]:
        """Features known, and forgotten."""
        return int(self.table.size[ROWS]), int(self.table.size[FORGOTTEN])

    # From records to features -----------------------------------------------------------------

    def check(self, x: Any) -> dict[str, Any]:
        """The fields of a text or record that count; raises `BadRecord` for what cannot be read."""
        if isinstance(x, str):
            x = {TEXT: x}
        if not isinstance(x, Mapping):
            raise BadRecord(f"{type(x).__name__}: cannot be read; give a text or a record of texts")
        for name, value in x.items():
            if isinstance(value, str):
                if len(value) > self.longest:
                    raise BadRecord(
                        f"{name}: {len(value)} characters; the limit is max_text = {self.longest}"
                    )
            elif value is not None and not _is_number(value):
                raise BadRecord(f"{name}: {value!r}; give a text or a finite number")
        return {str(name): value for name, value in x.items() if value is not None}

    def document(self, x: Any) -> Document:
        """The features of a text, or of a record; raises `BadRecord`.

        Those of the last one are kept, for what is predicted is learned next.
        """
        fields = self.check(x)
        if fields != self._last[0]:
            self._last = fields, self._document(fields)
        return self._last[1]

    def _document(self, fields: dict[str, Any]) -> Document:
        parts, values = [np.array([self._name("bias", "")], np.uint64)], [np.ones(1, np.float32)]
        words: list[str] = []
        places: list[int] = []
        at = 1
        for name, value in fields.items():
            if isinstance(value, str):
                found, keys = self._read(name, value)
                places += range(at, at + len(found))
                words += found
                values.append(np.ones(len(keys), np.float32))
            else:
                keys = np.array([self._name("number", name)], np.uint64)
                values.append(np.array([copysign(log1p(abs(value)), value)], np.float32))
            parts.append(keys)
            at += len(keys)
        return Document(np.concatenate(parts), np.concatenate(values), words, places)

    def _read(self, name: str, text: str) -> tuple[list[str], np.ndarray]:
        words, tokens = self._tokens(text)
        codes = characters(text) if self.reading.most else np.zeros(0, np.uint32)
        keys = np.zeros(learning.how_many(self.reading, len(words), len(codes)), np.uint64)
        field = np.uint64(self._name("field", name))
        count = learning.features_of(self.reading, tokens, codes, field, keys)
        return words, keys[:count]

    def _name(self, kind: str, name: str) -> int:
        key = self._names.get((kind, name))
        if key is None:
            if len(self._names) >= tables.LEAST:
                self._names.clear()
            key = self._names[kind, name] = key_of(kind, name)
        return key

    # From features to classes -----------------------------------------------------------------

    def predict(self, document: Document, count: int) -> np.ndarray:
        """Probabilities (count,) of the first *count* classes."""
        p, work = np.zeros(count), self._room(len(document.keys))
        learning.predict(self.table, document.keys, document.values, count, work, p)
        return p

    def learn(self, document: Document, label: int, count: int) -> float:
        """Learn the class; returns the loss before, in nats."""
        room = self.table.weights.shape[1]
        if count > room:
            self.table = tables.resized(self.table, len(self.table.keys), max(count, 2 * room))
        self.table = tables.with_room(self.table, len(document.keys), self.most)
        p, work = np.zeros(count), self._room(len(document.keys))
        keys, values = document.keys, document.values
        return float(learning.learn(self.table, keys, values, label, count, self.rule, work, p))

    def explain(self, document: Document, count: int) -> np.ndarray:
        """What each feature adds to each class's score, (N, count)."""
        out, work = np.zeros((len(document.keys), count)), self._room(len(document.keys))
        learning.explain(self.table, document.keys, document.values, count, work, out)
        return out

    def _room(self, features: int) -> learning.Work:
        room, labels = len(self._work.rows), self.table.weights.shape[1]
        if features > room or len(self._work.error) != labels:
            room = max(room, 1 << (features - 1).bit_length())
            mark = self._work.mark[0]
            self._work = learning.workspace(room, labels)
            self._work.mark[0] = mark
        return self._work

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all that is to be saved, by name."""
        return tables.saved(self.table)

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays`; raises `CheckpointError` unless they fit."""
        if "weights" not in arrays:
            raise CheckpointError("the checkpoint lacks 'weights'; it is of another model")
        if len(arrays["weights"]) > self.most:
            raise CheckpointError("the checkpoint has more features than max_features")
        self.table = tables.restored(arrays, min(self.most, tables.LEAST))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and bool(-LARGEST <= value <= LARGEST)
