"""A text predictor's state between compiled calls: enlarging, saving, looking ahead."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, ClassVar

import numpy as np

from ..codegen.bound import bind
from ..errors import CheckpointError, ConfigError
from ..numerics.trees import load, walk
from . import predictor
from .bits.counters import pack_buckets, unpack_buckets
from .bits.state import BitMixture
from .contexts.history import History
from .contexts.mixture import Mixture
from .contexts.tables import Tables, has_room, rename
from .network.member import host
from .predictor import Predictor, create_belief
from .presets import Preset
from .vocabulary import SEEN, Vocabulary, is_full, unseen

FIRST_SYMBOLS = 128  # room a fresh predictor has
SECOND_SEED = 104729  # between the seeds of the two networks

# What reading ahead changes; everything else moves by learning only.
CURSOR = {
    "history": History._fields,
    "mixture": ("found", "newest", "bucket", "sets", "tail", "pair", "vectors", "logs", "mean",
                "logit", "q"),
    "bits": ("hashes", "base", "tree", "last"),
    "match": ("place",),
}  # fmt: skip


class TextModel:
    """A predictor of bytes or characters.

    Symbols are codes here: integers below `codes`, of which `possible` can occur.

    At most `most` different ones are known at a time; then the least used eighth goes.
    """

    loops: Any = predictor
    cursor: ClassVar = CURSOR
    first = FIRST_SYMBOLS

    def __init__(self, preset: Preset, codes: int, possible: int, most: int, seed: int):
        if preset.bits is not None and codes > 256:
            raise ConfigError("preset: a bit mixture predicts bytes; use unit='byte'")
        self.preset, self.most, self.seed = preset, most, seed
        self.codes, self.possible = codes, possible
        self.hosts = {
            "network": host(preset.network, seed),
            "second": host(preset.second, seed + SECOND_SEED),
        }
        self.state = self._fresh(min(self.first, most) + 1, Tables.create)
        self.loops.start(self.bound)

    def _fresh(self, room: int, tables: Any) -> Predictor:
        """All that is learned, before the first of `room` - 1 symbols; *tables* makes one."""
        preset, mixture = self.preset, None
        network, second = (h and h.create(room) for h in self.hosts.values())
        if preset.mixture is not None:
            pairs = min(1 << 13, 1 << max(8, ((1 << 21) // self.most).bit_length() - 1))
            mixture = Mixture.create(preset.mixture, room, network is not None, pairs)
        return Predictor(
            Vocabulary.create(self.codes, room, self.possible),
            History.create(),
            network,
            second,
            mixture,
            None if mixture is None else tables(),
            None if preset.bits is None else BitMixture.create(preset.bits),
            create_belief(),
        )

    @property
    def state(self) -> Any:
        """All that is learned."""
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._state, self.bound = state, bind((), tuple(state), ())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "bound"}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self.state = self._state  # bound anew

    def learn(self, codes: np.ndarray) -> np.ndarray:
        """Learn codes (n,) int32 in order; their costs in bits (n,), each before learning."""
        codes = np.ascontiguousarray(codes, np.int32)
        costs = np.empty(len(codes))
        done = self.loops.learn_chunk(self.bound, codes, costs)
        while done < len(codes):
            self._make_room(int(codes[done]))
            done += self.loops.learn_chunk(self.bound, codes[done:], costs[done:])
        return costs

    def learn_symbols(self, symbols: Any) -> np.ndarray:
        """`learn` for symbols as their unit splits text: codes here."""
        return self.learn(self.encode(symbols))

    def encode(self, symbols: Any) -> np.ndarray:
        """Codes (n,) int32."""
        return np.asarray(symbols, np.int32)

    def distribution(self) -> np.ndarray:
        """Probabilities of the next symbol: 0 is the unknown one, then the known in order."""
        out = np.empty(int(self.state.vocabulary.size[SEEN]))
        self.loops.distribution(self.bound, out)
        return out

    @property
    def known(self) -> np.ndarray:
        """The codes of symbols 1, 2, ..."""
        vocabulary = self.state.vocabulary
        return vocabulary.codes[1 : vocabulary.size[SEEN]]

    def follow(self, code: int) -> None:
        """Read a symbol without learning from it."""
        self.loops.follow(self.bound, code)

    @contextmanager
    def looking_ahead(self) -> Iterator[None]:
        """`follow` at will inside; afterwards everything is as it was."""
        saved = self.place()
        try:
            yield
        finally:
            self.return_to(saved)

    def place(self) -> list[np.ndarray]:
        """A copy of what `follow` changes."""
        return [array.copy() for array in self._cursor()]

    def return_to(self, place: list[np.ndarray]) -> None:
        """Go back to a `place`."""
        for array, saved in zip(self._cursor(), place, strict=True):
            array[...] = saved
        self._refresh()

    def _cursor(self) -> list[np.ndarray]:
        members = self.state._asdict()
        members["match"] = getattr(members.get("bits"), "match", None)
        networks = [h.cursor(members[name]) for name, h in self.hosts.items() if h]
        return [array for cursor in networks for array in cursor] + [
            getattr(members[name], field)
            for name, fields in self.cursor.items()
            if members[name] is not None
            for field in fields
        ]

    def prepare_room(self, symbols: int) -> None:
        """Room for the contexts of the next symbol, and for `symbols` symbols in all."""
        while len(self.state.vocabulary.codes) <= symbols:
            self._resize_vocabulary()
        self._widen_tables()

    def _make_room(self, code: int) -> None:
        """Room for the symbol `code` and for the contexts it enters; a sound network."""
        self._widen_tables()
        network = self.hosts["network"]
        if network is not None and network.restored(self.state.network):
            self.loops.repredict(self.bound)
        vocabulary = self.state.vocabulary
        if vocabulary.index[code] == 0 and is_full(vocabulary):
            self._resize_vocabulary()

    def _widen_tables(self) -> None:
        state = self.state
        if state.mixture is not None and state.tables is not None:
            entries = self._contexts()
            if not has_room(state.tables, entries):
                tables = state.tables.enlarged(entries, self.preset.contexts)
                self.state = state._replace(tables=tables)

    def _contexts(self) -> int:
        """How many contexts a symbol enters."""
        return len(self.state.mixture.select)

    def _resize_vocabulary(self) -> None:
        """Twice the room, or the least used symbols forgotten."""
        vocabulary, tables = self.state.vocabulary, self.state.tables
        room = len(vocabulary.codes)
        if room <= self.most:
            self._keep(np.arange(int(vocabulary.size[SEEN])), min(2 * room, self.most + 1))
            return
        kept = vocabulary.least_used()
        if tables is not None:
            renamed = np.zeros(room, np.int64)
            renamed[kept] = np.arange(len(kept))
            rename(tables, renamed)
        self._keep(kept, room)

    def _keep(self, kept: np.ndarray, room: int) -> None:
        """Old symbol kept[i] is now symbol i, and there is room for `room` of them."""
        state = self.state
        parts = {
            name: h.resized(getattr(state, name), kept, room) for name, h in self.hosts.items() if h
        }
        if state.mixture is not None:
            parts["mixture"] = state.mixture.resized(
                self.preset.mixture, kept, room, state.network is not None
            )
        vocabulary = state.vocabulary.resized(kept, room)
        self.state = state._replace(vocabulary=vocabulary, **parts)
        self._refresh()

    def _refresh(self) -> None:
        """Fill the networks' scratch, which is not part of the state."""
        vocabulary = self.state.vocabulary
        for name, h in self.hosts.items():
            if h:
                seen, full = int(vocabulary.size[SEEN]), unseen(vocabulary) == 0
                h.refresh(getattr(self.state, name), seen, full)

    # Saving -------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name; the codes' index follows from the codes."""
        named = dict(walk(self.state, scratch=False))
        if self.state.tables is not None:
            nodes, used = named["tables.nodes"], int(self.state.tables.fill[1])
            named["tables.nodes"] = nodes[:used]
            named["tables.room"] = np.array([len(nodes)])
        if "bits.buckets" in named:
            named["bits.buckets"], named["bits.used"] = pack_buckets(named["bits.buckets"])
        return {name: array.copy() for name, array in named.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays()` of another model of the same preset."""
        hosts = {name: copy(h) for name, h in self.hosts.items()}
        try:
            arrays = self._unpacked(dict(arrays))
            state = self._fresh(len(arrays["vocabulary.codes"]), lambda: like_saved(arrays))
            load(state, arrays)
            state.vocabulary.index_codes()
        except (KeyError, IndexError, ValueError, CheckpointError) as error:
            self.hosts = hosts
            raise CheckpointError(f"not a checkpoint of this text predictor: {error}") from None
        self.state = state
        self._refresh()

    def _unpacked(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays as they are in the state."""
        for name, h in self.hosts.items():
            arrays = h.renamed(name, arrays) if h else arrays
        if "tables.nodes" in arrays:
            nodes = np.zeros((int(arrays.pop("tables.room")[0]), 2), np.int32)
            nodes[: len(arrays["tables.nodes"])] = arrays["tables.nodes"]
            arrays["tables.nodes"] = nodes
        if "bits.buckets" in arrays:
            words = len(self.state.bits.buckets)
            used = arrays.pop("bits.used")
            arrays["bits.buckets"] = unpack_buckets(arrays["bits.buckets"], used, words)
        return arrays


def like_saved(arrays: dict[str, np.ndarray]) -> Tables:
    """Empty tables of the size of those saved."""
    return Tables.create(len(arrays["tables.slots"]), len(arrays["tables.nodes"]))
