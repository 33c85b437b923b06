"""From tokens to what the compiled chain takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import BadRecord
from ..sparse.keys import key_of
from .learning import Sentence
from .words import Words

LARGEST = 1e6  # of a feature's value


class Sentences:
    """Reads sentences of words, or of features by name; a sentence is of one kind throughout."""

    def __init__(self, most: int):
        self.most = most
        self._words = Words()

    def check(self, tokens: Any) -> None:
        """Raise `BadRecord` for what cannot be read."""
        if isinstance(tokens, (str, bytes, Mapping)) or not isinstance(tokens, Sequence):
            raise BadRecord(f"tokens: {_brief(tokens)}; give a list of words or of feature dicts")
        if len(tokens) > self.most:
            raise BadRecord(f"tokens: {len(tokens)}; the limit is max_tokens = {self.most}")
        words = bool(tokens) and isinstance(tokens[0], str)
        for t, token in enumerate(tokens):
            if words != isinstance(token, str) or not isinstance(token, (str, Mapping)):
                raise BadRecord(f"tokens[{t}]: {_brief(token)}; give words, or else feature dicts")
            if isinstance(token, Mapping):
                for name, value in token.items():
                    _check_feature(t, name, value)

    def __call__(self, tokens: Sequence[Any]) -> Sentence:
        """The sentence of *tokens*; raises `BadRecord`."""
        self.check(tokens)
        if tokens and isinstance(tokens[0], str):
            empty = np.zeros(len(tokens) + 1, np.int64)
            none = np.zeros(0, np.uint64)
            return Sentence(self._words(list(tokens)), empty, none, np.zeros(0, np.float32))
        starts, keys, values = [0], [], []
        fields: Sequence[Mapping] = tokens
        for token in fields:
            for name, value in token.items():
                if value is None or value is False:
                    continue
                text = isinstance(value, str)
                keys.append(key_of("field", str(name), value) if text else key_of("n", str(name)))
                values.append(1.0 if text else float(value))
            keys.append(key_of("bias"))
            values.append(1.0)
            starts.append(len(keys))
        return Sentence(
            np.zeros((len(tokens), 0), np.uint64),
            np.array(starts, np.int64),
            np.array(keys, np.uint64),
            np.array(values, np.float32),
        )


def _check_feature(t: int, name: Any, value: Any) -> None:
    if value is None or isinstance(value, str):
        return
    numeric = isinstance(value, (bool, int, float, np.number))
    if not numeric or not -LARGEST <= value <= LARGEST:
        raise BadRecord(
            f"tokens[{t}][{name!r}]: {_brief(value)}; give a text, or a number within {LARGEST:g}"
        )


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
