"""A text predictor's state between compiled calls: enlarging, saving, looking ahead."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from ..errors import CheckpointError, ConfigError
from . import predictor
from .bits.counters import pack_buckets, unpack_buckets
from .bits.state import BitMixture
from .contexts.history import History
from .contexts.mixture import Mixture
from .contexts.tables import Tables, has_room, rename
from .network.any_cell import FAILED, EngineNetwork, EngineSpec, online_network, refresh, resized
from .network.coupled_lstm import Network
from .predictor import Predictor
from .presets import Preset
from .saving import SCRATCH, placed, rebuild, walk_arrays
from .vocabulary import SEEN, Vocabulary, is_full, unseen

FIRST_SYMBOLS = 128  # room a fresh predictor has
SECOND_SEED = 104729  # between the seeds of the two networks

# What reading ahead changes; everything else moves by learning only.
NETWORK_CURSOR = ("symbols", "hidden", "cell", "squashed", "gates", "normed", "scale", "p")
CURSOR = {
    "history": History._fields,
    "network": NETWORK_CURSOR,
    "second": NETWORK_CURSOR,
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

    def __init__(self, preset: Preset, codes: int, possible: int, most: int, seed: int):
        self.preset, self.most, self.seed = preset, most, seed
        room = min(FIRST_SYMBOLS, most) + 1
        network: Network | EngineNetwork | None = None
        second = mixture = tables = bits = None
        self.online = None
        if isinstance(preset.network, EngineSpec):
            self.online = online_network(preset.network, room, seed)
            network = EngineNetwork.around(self.online)
        elif preset.network is not None:
            network = Network.create(preset.network, room, seed)
        if preset.second is not None:
            second = Network.create(preset.second, room, seed + SECOND_SEED)
        if preset.mixture is not None:
            pairs = min(1 << 13, 1 << max(8, ((1 << 21) // most).bit_length() - 1))
            mixture = Mixture.create(preset.mixture, room, network is not None, pairs)
            tables = Tables.create()
        if preset.bits is not None:
            if codes > 256:
                raise ConfigError("preset: a bit mixture predicts bytes; use unit='byte'")
            bits = BitMixture.create(preset.bits)
        vocabulary = Vocabulary.create(codes, room, possible)
        belief = np.array([0.999])
        self.state = Predictor(
            vocabulary, History.create(), network, second, mixture, tables, bits, belief
        )  # fmt: skip
        self.loops.start(*self.state)

    @property
    def state(self) -> Predictor:
        """All that is learned."""
        return self._state

    @state.setter
    def state(self, state: Predictor) -> None:
        self._state = placed(state)

    def learn(self, codes: np.ndarray) -> np.ndarray:
        """Learn codes (n,) int32 in order; their costs in bits (n,), each before learning."""
        codes = np.ascontiguousarray(codes, np.int32)
        costs = np.empty(len(codes))
        done = self.loops.learn_chunk(*self.state, codes, costs)
        while done < len(codes):
            self._make_room(int(codes[done]))
            done += self.loops.learn_chunk(*self.state, codes[done:], costs[done:])
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
        self.loops.distribution(*self.state, out)
        return out

    @property
    def known(self) -> np.ndarray:
        """The codes of symbols 1, 2, ..."""
        vocabulary = self.state.vocabulary
        return vocabulary.codes[1 : vocabulary.size[SEEN]]

    def follow(self, code: int) -> None:
        """Read a symbol without learning from it."""
        self.loops.follow(*self.state, code)

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
        network = members["network"]
        engine = network.memory() if isinstance(network, EngineNetwork) else []
        if engine:
            members["network"] = None
        return engine + [
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
        network = self.state.network
        if isinstance(network, EngineNetwork) and network.place[FAILED]:
            self.online._roll_back()
            network.place[FAILED] = 0
            self.loops.repredict(*self.state)
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
        state, network, mixture = self.state, self.state.network, self.state.mixture
        second = state.second
        if isinstance(network, EngineNetwork):
            network = resized(self.online, network, kept, room)
        elif network is not None:
            network = network.resized(self.preset.network, kept, room, self.seed)
        if second is not None:
            second = second.resized(self.preset.second, kept, room, self.seed + SECOND_SEED)
        if mixture is not None:
            mixture = mixture.resized(self.preset.mixture, kept, room, network is not None)
        self.state = state._replace(
            vocabulary=state.vocabulary.resized(kept, room), network=network, second=second,
            mixture=mixture,
        )  # fmt: skip
        self._refresh()

    def _refresh(self) -> None:
        """Fill the engine's scratch, which is not part of the state."""
        network, vocabulary = self.state.network, self.state.vocabulary
        if isinstance(network, EngineNetwork):
            refresh(network, int(vocabulary.size[SEEN]), unseen(vocabulary) == 0)

    # Saving -------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the whole state, by name; the codes' index follows from the codes."""
        named = dict(walk_arrays("", self.state))
        for name in SCRATCH | {"vocabulary.index"}:
            named.pop(name, None)
        if self.state.tables is not None:
            nodes, used = named["tables.nodes"], int(self.state.tables.fill[1])
            named["tables.nodes"] = nodes[:used]
            named["tables.room"] = np.array([len(nodes)])
        if "bits.buckets" in named:
            named["bits.buckets"], named["bits.used"] = pack_buckets(named["bits.buckets"])
        return {name: array.copy() for name, array in named.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over `arrays()` of another model of the same preset."""
        arrays = dict(arrays)
        index = np.zeros_like(self.state.vocabulary.index)
        try:
            codes, seen = arrays["vocabulary.codes"], int(arrays["vocabulary.size"][SEEN])
            index[codes[1:seen]] = np.arange(1, seen)
            arrays["vocabulary.index"] = index
            if self.state.tables is not None:
                nodes = np.zeros((int(arrays.pop("tables.room")[0]), 2), np.int32)
                nodes[: len(arrays["tables.nodes"])] = arrays["tables.nodes"]
                arrays["tables.nodes"] = nodes
            if "bits.buckets" in arrays:
                like = self.state.bits.buckets
                arrays["bits.buckets"] = unpack_buckets(
                    arrays["bits.buckets"], arrays.pop("bits.used"), len(like)
                )
            if self.online is not None:
                self.online = online_network(self.preset.network, len(codes), self.seed)
                engine = EngineNetwork.around(self.online)
                self.state = self.state._replace(network=engine)
            self.state = rebuild("", self.state, arrays)
            self._refresh()
        except (KeyError, IndexError, ValueError) as error:
            raise CheckpointError(f"not a checkpoint of this text predictor: {error}") from None
