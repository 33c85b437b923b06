"""A word predictor's state between compiled calls."""

from typing import Any, ClassVar

import numpy as np

from ...errors import ConfigError
from ...numerics.places import aligned
from ...numerics.trees import allocate
from ..model import TextModel
from ..presets import Preset
from ..vocabulary import SEEN, Vocabulary
from . import predictor as word_predictor
from .head import WordHead
from .history import CONTEXTS, WordHistory
from .mixture import WordMixture, WordSpec
from .predictor import Spelling, WordPredictor
from .split import Words, ending_of, hash_of

FIRST_WORDS = 1024  # room a fresh predictor has


class WordModel(TextModel):
    """A predictor of words; codes are the numbers that `Words` gives them."""

    loops: Any = word_predictor
    first = FIRST_WORDS
    cursor: ClassVar = {
        "history": WordHistory._fields,
        "head": ("p_class", "p_member", "work"),
        "mixture": ("sets", "lists", "shares", "lengths", "rest", "bucket", "vectors", "logs",
                    "mean", "logit", "q_class", "q_member"),
    }  # fmt: skip

    def __init__(self, preset: Preset, words: Words, seed: int):
        self.words = words
        super().__init__(preset, words.codes, 2**62, words.most, seed)

    def _fresh(self, room: int, tables: Any) -> Any:
        network = head = mixture = None
        host = self.hosts["network"]
        if host is not None:
            if not host.reads_words:
                raise ConfigError(
                    "cell: words have a network of their own; use unit='byte' or 'char'"
                )
            network = host.create(room)
            head = WordHead.create(room, network.hidden.shape[1])
        if self.preset.mixture is not None:
            mixture = WordMixture.create(WordSpec(), room, network is not None)
        spelling = allocate(Spelling, {"C": self.codes})
        spelling.newline[0] = -1
        return WordPredictor(
            Vocabulary.create(self.codes, room, self.possible),
            spelling,
            WordHistory.create(),
            network,
            head,
            mixture,
            None if mixture is None else tables(),
            aligned((1,), np.int64),
        )

    def learn_symbols(self, symbols: Any) -> np.ndarray:
        """Learn words; their costs in bits."""
        size = self.words.chunk
        parts = [symbols[i : i + size] for i in range(0, len(symbols), size)]
        return np.concatenate([self.learn(self.encode(part)) for part in parts] or [np.zeros(0)])

    def encode(self, symbols: Any) -> np.ndarray:
        """Codes of `Words.chunk` words at most, to be learned before the next are encoded."""
        words = symbols
        known = len(self.words.numbers)
        if known + len(words) > self.words.codes:
            self.words.release(self.state.vocabulary.index)
        codes = np.array([self.words.number(word) for word in words], np.int32)
        self._spell(codes)
        return codes

    def _spell(self, codes: np.ndarray) -> None:
        """Tell the state how the words of these codes are spelled."""
        spelling = self.state.spelling
        for code in np.unique(codes).tolist():
            word = self.words.symbol(code)
            spelling.words[code] = hash_of(word)
            spelling.ends[code] = ending_of(word)
            if word == "\n":
                spelling.newline[0] = code

    def _contexts(self) -> int:
        return CONTEXTS

    def _keep(self, kept: np.ndarray, room: int) -> None:
        state = self.state
        parts = {}
        if state.network is not None:
            parts["network"] = self.hosts["network"].resized(state.network, kept, room)
            parts["head"] = state.head.resized(room)
        if state.mixture is not None:
            parts["mixture"] = state.mixture.resized(
                WordSpec(), kept, room, state.network is not None
            )
        renamed = np.zeros(int(state.vocabulary.size[SEEN]), np.int64)
        renamed[kept] = np.arange(len(kept))
        state.tail[:] = renamed[state.tail]
        vocabulary = state.vocabulary.resized(kept, room)
        self.state = state._replace(vocabulary=vocabulary, **parts)
        self.loops.repredict(self.bound)

    def arrays(self) -> dict[str, np.ndarray]:
        arrays = super().arrays()
        arrays["words"] = self.words.save()
        arrays["words.free"] = np.array(self.words.free, np.int64)
        return arrays

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        arrays = dict(arrays)
        self.words.load(arrays.pop("words"), arrays.pop("words.free").tolist())
        super().load(arrays)
        self._spell(np.array(sorted(self.words.numbers.values()), np.int32))
