"""The contexts of all keys: the last used ones in memory, the others on disk."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from ..errors import BadRecord, ConfigError
from .key import Key, TooManyKeys
from .shelf import Shelf


class Kind(Protocol):
    """What the states of one kind of context are."""

    def pack(self, state: Any) -> Any:
        """*state* as something msgpack can hold; it may then be released."""

    def unpack(self, packed: Any) -> Any:
        """The state that was packed, bit for bit."""

    def release(self, state: Any) -> None:
        """Take back what is no longer in memory, to use it again."""


class Entry:
    """What belongs to a key, in memory.  Notes are plain values kept for others."""

    __slots__ = ("notes", "shelved", "state")

    def __init__(self, state: Any = None, notes: Any = None, shelved: bool = False):
        self.state, self.notes = state, notes
        self.shelved = shelved  # whether the shelf has it as it is


class Contexts:
    """A context for each key; at most *limit* of them in memory, the last used ones.

    Where a context is has no effect on what it holds.  ``changed`` are the keys whose
    context differs from that of the last checkpoint.
    """

    def __init__(self, kind: Kind, limit: int):
        if limit < 1:
            raise ConfigError(f"max_contexts: {limit}; keep at least 1 context in memory")
        self.kind, self.limit = kind, limit
        self.live: OrderedDict[Key, Entry] = OrderedDict()
        self.changed: set[Key] = set()
        self.evictions = self.reloads = 0
        self._shelf = Shelf()
        self._only_live = 0  # how many in memory are not on the shelf at all

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._shelf) + self._only_live

    def __iter__(self) -> Iterator[Key]:
        yield from [key for key in self.live if self._shelf.get(key) is None]
        yield from self._shelf

    def find(self, key: Key) -> Entry | None:
        """The context of *key*, now the last used one; None if there is none."""
        entry = self.live.get(key)
        if entry is not None:
            self.live.move_to_end(key)
            return entry
        blob = self._shelf.get(key)
        if blob is None:
            return None
        self._make_room()
        notes, packed = _decode(blob)
        state = None if packed is None else self.kind.unpack(packed)
        self.reloads += 1
        self.live[key] = entry = Entry(state, notes, shelved=True)
        return entry

    def change(self, key: Key) -> Entry:
        """The context of *key*, to be changed; a new one has neither state nor notes."""
        entry = self.find(key)
        if entry is None:
            self._make_room()
            self.live[key] = entry = Entry()
            self._only_live += 1
        entry.shelved = False
        self.changed.add(key)
        return entry

    def stretches(self, keys: Sequence[Key]) -> Iterator[tuple[slice, list[Key]]]:
        """Cut *keys* where more than *limit* different ones would be needed at a time.

        Gives each part with its different keys.
        """
        distinct = dict.fromkeys(keys)
        if len(distinct) <= self.limit:
            yield slice(0, len(keys)), list(distinct)
            return
        start, distinct = 0, {}
        for t, key in enumerate(keys):
            if key not in distinct and len(distinct) == self.limit:
                yield slice(start, t), list(distinct)
                start, distinct = t, {}
            distinct[key] = None
        yield slice(start, len(keys)), list(distinct)

    def shelve(self) -> None:
        """Move all contexts out of memory."""
        while self.live:
            self._evict()

    def forget(self, key: Key) -> None:
        """As if there had been no record of *key*; the next checkpoint is told, too."""
        entry = self.live.pop(key, None)
        on_shelf = self._shelf.get(key) is not None
        self._shelf.remove(key)
        self.changed.add(key)
        if entry is not None:
            self._only_live -= not on_shelf
            if entry.state is not None:
                self.kind.release(entry.state)

    def put_back(self, key: Key, blob: bytes) -> None:
        """Let *key* have the context that `blob` gave before."""
        self.forget(key)
        self._shelf.put(key, blob)

    def _make_room(self) -> None:
        while len(self.live) >= self.limit:
            self._evict()
            self.evictions += 1

    def _evict(self) -> None:
        key, entry = next(iter(self.live.items()))
        if not entry.shelved:
            before = len(self._shelf)
            self._shelf.put(key, self._encode(entry))
            self._only_live -= len(self._shelf) - before
        del self.live[key]
        if entry.state is not None:
            self.kind.release(entry.state)

    def _encode(self, entry: Entry) -> bytes:
        packed = None if entry.state is None else self.kind.pack(entry.state)
        return _encode((entry.notes, packed))

    # -- saving ----------------------------------------------------------------------

    def blob(self, key: Key) -> bytes:
        """The context of *key* as bytes; raises `KeyError` if there is none (any more)."""
        entry = self.live.get(key)
        if entry is not None and not entry.shelved:
            return self._encode(entry)
        blob = self._shelf.get(key)
        if blob is None:
            raise KeyError(key)
        return blob

    def load(self, shelf: Shelf) -> None:
        """Take over all contexts from a *shelf*, which is from now on this object's own."""
        for entry in self.live.values():
            if entry.state is not None:
                self.kind.release(entry.state)
        self.live.clear()
        self.changed.clear()
        self._shelf, self._only_live = shelf, 0

    def health(self) -> dict[str, float]:
        """Counters and gauges by metric name."""
        return {
            "keys": float(len(self)),
            "contexts": float(len(self.live)),
            "context_evictions": float(self.evictions),
            "context_reloads": float(self.reloads),
        }


class Notes:
    """The notes of the contexts, by key: what another part keeps for a key."""

    def __init__(self, contexts: Contexts):
        self._contexts = contexts

    def get(self, key: Key) -> Any:
        entry = self._contexts.find(key)
        return None if entry is None else entry.notes

    def __setitem__(self, key: Key, notes: Any) -> None:
        self._contexts.change(key).notes = notes


def beyond(limit: int, keys: Sequence[Key], contexts: Contexts) -> dict[int, BadRecord]:
    """The places of *keys* that are new while there are *limit* keys already."""
    free, new = limit - len(contexts), set[Key]()
    found: dict[int, BadRecord] = {}
    for t, key in enumerate(keys):
        if key in new or contexts.find(key) is not None:
            continue
        if len(new) < free:
            new.add(key)
        else:
            found[t] = TooManyKeys(f"its key is new, and there are max_keys = {limit} already", t)
    return found


def fill(items: Iterable[tuple[Key, bytes]]) -> Shelf:
    """A shelf of these contexts; of a key's several, the last."""
    shelf = Shelf()
    for key, blob in items:
        shelf.put(key, blob)
    return shelf


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
