"""Contexts in a checkpoint store: what was saved is what comes back, and little is written."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn.checkpoints import segments as module
from stream_rnn.checkpoints.store import CheckpointWriteError, Store
from stream_rnn.keys.shelf import Shelf

KEYS = st.one_of(st.integers(-5, 20), st.text("ab", max_size=2), st.binary(max_size=1))


class Held:
    """Contexts by key, as `Contexts` shows them to a store."""

    def __init__(self):
        self.blobs, self.changed = {}, set()

    def put(self, key, blob):
        self.blobs[key] = blob
        self.changed.add(key)

    def forget(self, key):
        if self.blobs.pop(key, None) is not None:
            self.changed.add(key)

    def blob(self, key):
        return self.blobs[key]


def contents(shelf):
    return {key: shelf.get(key) for key in shelf}


def save(store, held, n=0):
    return store.save({"position": n}, {"w": np.zeros(1)}, held)


@settings(max_examples=40)
@given(
    batches=st.lists(
        st.dictionaries(KEYS, st.none() | st.binary(min_size=1, max_size=8)), max_size=8
    ),
    reopen=st.sets(st.integers(0, 7)),
    size=st.sampled_from([1, 20, 1 << 20]),
)
def test_every_checkpoint_has_all_contexts(tmp_path_factory, batches, reopen, size):
    folder = tmp_path_factory.mktemp("store")
    held, store, seen = Held(), Store(folder, keep=3), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FILE_BYTES", size)
        for n, batch in enumerate(batches):
            for key, blob in batch.items():
                if blob is None:
                    held.forget(key)
                else:
                    held.put(key, blob)
            name = save(store, held)
            assert not held.changed
            seen[name] = dict(held.blobs)
            lengths = [len(segment.keys) for segment in store._segments.current]
            assert all(a >= 2 * b for a, b in pairwise(lengths))
            if n in reopen:
                store = Store(folder, keep=3)
                store.load_newest()
    for name in store.list():
        assert contents(store.load(name).contexts) == seen[name]


def test_only_what_changed_is_written(tmp_path):
    """1000 keys of 1 KB, 10 of them changed at a time: 2 log₂ 1000 of a full one at most."""
    held, store, written = Held(), Store(tmp_path), 0
    for key in range(1000):
        held.put(key, bytes(1000))
    save(store, held)
    assert store.last_size > 1_000_000
    for n in range(100):
        for key in range(10 * n % 200, 10 * n % 200 + 10):
            held.put(key, bytes([n]) * 1000)
        save(store, held)
        written += store.last_size
    assert written < 100 * 100_000
    assert len(list(tmp_path.glob("contexts-*"))) < 40  # three checkpoints' segments
    assert contents(store.load_newest().contexts) == held.blobs


def test_files_that_no_checkpoint_needs_are_removed(tmp_path):
    held, store = Held(), Store(tmp_path, keep=2)
    for n in range(30):
        for key in range(8):
            held.put(key, bytes([n]))
        save(store, held, n)
    assert len(list(tmp_path.glob("contexts-*"))) == 2
    for name in store.list():
        assert set(contents(store.load(name).contexts).values()) == {
            bytes([store.load(name).manifest["position"]])
        }


@pytest.mark.parametrize("how", ["changed", "cut", "missing"])
def test_a_checkpoint_with_a_damaged_segment_is_skipped(tmp_path, how):
    held, store = Held(), Store(tmp_path)
    for n in range(2):
        for key in range(20):
            held.put(key, bytes([n, key]))
        save(store, held, n)
    newest = sorted(tmp_path.glob("contexts-000000000002-*"))[0]
    data = newest.read_bytes()
    if how == "missing":
        newest.unlink()
    else:
        at = data.index(bytes([1, 7]))
        newest.write_bytes(data[:-30] if how == "cut" else data[:at] + b"?" + data[at + 1 :])
    again = Store(tmp_path)
    found = again.load_newest()
    assert (found.manifest["position"], again.damaged) == (0, 1)
    assert contents(found.contexts) == {key: bytes([0, key]) for key in range(20)}
    held.put("new", b"!")  # and it goes on from there
    held.changed.update(range(20))
    save(again, held, 2)
    assert contents(Store(tmp_path).load_newest().contexts) == held.blobs


def test_what_could_not_be_written_is_written_the_next_time(tmp_path, monkeypatch):
    held, store = Held(), Store(tmp_path)
    held.put("a", b"1")
    save(store, held)
    held.put("b", b"2")
    write, full = store._folder.write, [True]

    def sometimes(name, data):
        if full[0] and name.startswith("checkpoint"):
            raise OSError(28, "No space left on device")
        write(name, data)

    monkeypatch.setattr(store._folder, "write", sometimes)
    with pytest.raises(CheckpointWriteError, match="No space left"):
        save(store, held)
    assert contents(Store(tmp_path).load_newest().contexts) == {"a": b"1"}
    assert held.changed == {"b"}
    full[0] = False
    save(store, held)
    assert contents(Store(tmp_path).load_newest().contexts) == {"a": b"1", "b": b"2"}


def test_object_stores(tmp_path):
    """Through fsspec."""
    held, store = Held(), Store("memory://keyed", keep=1)
    for n in range(5):
        held.put(n, b"x")
        save(store, held, n)
    assert contents(Store("memory://keyed").load_newest().contexts) == held.blobs


@given(st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=20))))
def test_a_shelf_is_a_dictionary_on_disk(steps):
    shelf, twin = Shelf(), {}
    for key, blob in steps:
        if blob is None:
            shelf.remove(key)
            twin.pop(key, None)
        else:
            shelf.put(key, blob)
            twin[key] = blob
        assert shelf.get(key) == twin.get(key)
        assert len(shelf) == len(twin)
    assert contents(shelf) == twin


def test_a_full_disk_is_named():
    shelf = Shelf()
    shelf.put("a", bytes(100))
    pages = shelf._base.execute("PRAGMA page_count").fetchone()[0]
    shelf._base.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OSError, match=r"is full; make room there.*SQLITE_TMPDIR"):
        shelf.put("b", bytes(1_000_000))


def test_a_file_that_was_exchanged_for_another_is_damage(tmp_path):
    held, store = Held(), Store(tmp_path)
    held.put("a", b"first")
    save(store, held)
    held.put("a", b"other")
    save(store, held)
    old, new = sorted(tmp_path.glob("contexts-*"))
    assert contents(Store(tmp_path).load_newest().contexts) == {"a": b"other"}
    new.write_bytes(old.read_bytes())  # intact, and of an older state
    again = Store(tmp_path)
    assert contents(again.load_newest().contexts) == {"a": b"first"}
    assert again.damaged == 1
