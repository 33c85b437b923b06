"""A word predictor's state between compiled calls."""

from typing import Any, ClassVar

import numpy as np

from ...errors import ConfigError
from ..contexts.tables import Tables
from ..model import CURSOR, TextModel
from ..network.any_cell import EngineSpec
from ..network.coupled_lstm import Network
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
    cursor: ClassVar = {
        "history": WordHistory._fields,
        "network": CURSOR["network"],
        "head": ("p_class", "p_member", "work"),
        "mixture": ("sets", "lists", "shares", "lengths", "rest", "bucket", "vectors", "logs",
                    "mean", "logit", "q_class", "q_member"),
    }  # fmt: skip

    def __init__(self, preset: Preset, words: Words, seed: int):
        if preset.bits is not None:
            raise ConfigError("preset: a bit mixture predicts bytes; use unit='byte'")
        if isinstance(preset.network, EngineSpec):
            raise ConfigError("cell: words have a network of their own; use unit='byte' or 'char'")
        self.online = None
        self.preset, self.most, self.seed, self.words = preset, words.most, seed, words
        room = min(FIRST_WORDS, self.most) + 1
        network = head = mixture = tables = None
        if preset.network is not None:
            network = Network.create(preset.network, room, seed)
            head = WordHead.create(room, network.hidden.shape[1])
        if preset.mixture is not None:
            mixture = WordMixture.create(WordSpec(), room, network is not None)
            tables = Tables.create()
        spelling = Spelling(
            np.zeros(words.codes, np.uint64), np.zeros(words.codes, np.uint64), np.array([-1])
        )
        vocabulary = Vocabulary.create(words.codes, room, 2**62)
        tail = np.zeros(1, np.int64)
        self.state: Any = WordPredictor(
            vocabulary, spelling, WordHistory.create(), network, head, mixture, tables, tail
        )
        self.loops.start(*self.state)

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
        state, network, head, mixture = self.state, *self.state[3:6]
        if network is not None:
            network = network.resized(self.preset.network, kept, room, self.seed)
            head = head.resized(room)
        if mixture is not None:
            mixture = mixture.resized(WordSpec(), kept, room, network is not None)
        vocabulary = state.vocabulary.resized(kept, room)
        renamed = np.zeros(int(state.vocabulary.size[SEEN]), np.int64)
        renamed[kept] = np.arange(len(kept))
        self.state = state._replace(
            vocabulary=vocabulary, network=network, head=head, mixture=mixture,
            tail=renamed[state.tail],
        )  # fmt: skip
        self.loops.repredict(*self.state)

    def arrays(self) -> dict[str, np.ndarray]:
        arrays = super().arrays()
        del arrays["spelling.words"], arrays["spelling.ends"]
        arrays["words"] = self.words.save()
        arrays["words.free"] = np.array(self.words.free, np.int64)
        return arrays

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        arrays = dict(arrays)
        for name in ("words", "ends"):
            arrays[f"spelling.{name}"] = np.zeros(self.words.codes, np.uint64)
        self.words.load(arrays.pop("words"), arrays.pop("words.free").tolist())
        super().load(arrays)
        self._spell(np.array(sorted(self.words.numbers.values()), np.int32))
