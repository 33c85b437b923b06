"""Checkpoints: exact, atomic, hashed, pruned, skipped when damaged, migrated when old."""

import json
import logging
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from stream_rnn.checkpoints import file as checkpoint_file
from stream_rnn.checkpoints.file import decode, encode
from stream_rnn.checkpoints.store import CheckpointWriteError, Store, read_checkpoint
from stream_rnn.errors import CheckpointError, ConfigError

DTYPES = [np.float32, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint64, np.bool_]
ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda s: s != "__metadata__"),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0))
    ),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(arrays=ARRAYS, value=JSON)
def test_round_trip_is_exact(arrays, value):
    data = encode({"value": value}, arrays)
    assert encode({"value": value}, arrays) == data
    back = decode(data)
    assert json.dumps(back.manifest["value"]) == json.dumps(value)
    assert sorted(back.arrays) == sorted(arrays)
    for name, array in arrays.items():
        assert back.arrays[name].dtype == array.dtype
        assert back.arrays[name].shape == array.shape
        assert back.arrays[name].tobytes() == array.tobytes()
        assert back.arrays[name].flags.writeable


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_changed_byte_is_noticed(data):
    good = encode({"position": {"offset": 7}}, {"w": np.arange(5.0), "n": np.array(3)})
    place = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    bad = good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :]
    try:
        back = decode(bad)
    except CheckpointError:
        return
    # What is left is padding of the header: the content is the same.
    assert back.manifest == decode(good).manifest
    assert all(np.array_equal(back.arrays[k], v) for k, v in decode(good).arrays.items())


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises(CheckpointError):
        decode(data)


def test_a_fortran_ordered_array_keeps_its_values():
    matrix = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(decode(encode({}, {"m": matrix})).arrays["m"], matrix)


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(CheckpointError, match="must be JSON"):
        encode({"object": object()}, {})


def test_keeps_the_last_n(tmp_path):
    store = Store(tmp_path / "deep" / "folder", keep=3)
    names = [store.save({"n": n}, {}) for n in range(5)]
    assert store.list() == names[2:]
    assert store.load(names[3]).manifest["n"] == 3
    assert Store(tmp_path / "deep" / "folder").save({}, {}) > names[-1]  # numbers go on


def test_a_damaged_newest_is_skipped_and_counted(tmp_path, caplog):
    store = Store(tmp_path)
    for n in range(3):
        name = store.save({"n": n}, {"w": np.arange(3.0)})
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        newest = store.load_newest()
    assert newest.manifest["n"] == 1
    assert store.damaged == 1
    assert name in caplog.text


def test_an_empty_or_missing_directory_has_none(tmp_path):
    assert Store(tmp_path / "none").load_newest() is None
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="cannot read"):
        read_checkpoint(tmp_path / "none.safetensors")


def test_a_crash_before_the_rename_leaves_the_one_before(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.save({"n": 0}, {})

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            store.save({"n": 1}, {})
    assert any(p.name.startswith(".tmp-") for p in tmp_path.iterdir())
    later = Store(tmp_path)
    later.lock()  # the only writer: it clears what the crash left
    later.close()
    assert not any(p.name.startswith(".tmp-") for p in tmp_path.iterdir())
    assert later.load_newest().manifest["n"] == 0


def test_a_full_disk_is_reported_and_harms_nothing(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.save({"n": 0}, {})

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CheckpointWriteError, match="No space left"):
            store.save({"n": 1}, {})
    assert [p.name for p in tmp_path.iterdir()] == store.list()
    store.save({"n": 2}, {})
    assert store.load_newest().manifest["n"] == 2


def test_two_runs_cannot_share_a_directory(tmp_path):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from stream_rnn.checkpoints.store import Store\n"
            "Store(sys.argv[1]).lock(); print('held', flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CheckpointError, match="in use by another run"):
            Store(tmp_path).lock()
    finally:
        holder.kill()
        holder.communicate()
    store = Store(tmp_path)
    store.lock()  # the kernel dropped it with the killed process
    store.close()


def test_what_may_not_be_read_is_not_damaged(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.save({}, {})

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    for call in ("builtins.open", "os.listdir"):
        with monkeypatch.context() as patch:
            patch.setattr(call, refuse)
            with pytest.raises(CheckpointError, match="may not be read by this user"):
                store.load_newest()
    assert store.damaged == 0
    assert store.load_newest() is not None


def test_a_folder_that_is_made_again_is_claimed_again(tmp_path):
    one, other = Store(tmp_path / "c"), Store(tmp_path / "c")
    one.lock()
    shutil.rmtree(tmp_path / "c")
    one.save({}, {})
    with pytest.raises(CheckpointError, match="in use by another run"):
        other.lock()
    shutil.rmtree(tmp_path / "c")
    other.lock()
    with pytest.raises(CheckpointError, match="in use by another run"):
        one.save({}, {})
    one.close()
    other.close()


def test_a_file_where_the_folder_should_be_is_said_at_once(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "in"):
        with pytest.raises(ConfigError, match=r"checkpoint\.url: .* is a file, or lies in one"):
            Store(path).lock()


def test_an_older_format_is_migrated_step_by_step(monkeypatch):
    old = encode({"offset": 5}, {"weights": np.ones(2)})
    monkeypatch.setattr(checkpoint_file, "FORMAT", 3)
    monkeypatch.setattr(
        checkpoint_file,
        "MIGRATIONS",
        {
            1: lambda m, a: ({**m, "position": m["offset"]}, a),
            2: lambda m, a: (m, {"w": a["weights"]}),
        },
    )
    new = decode(old)
    assert new.manifest["format"] == 3
    assert new.manifest["position"] == 5
    assert new.arrays["w"].tolist() == [1.0, 1.0]


def test_other_formats_are_refused_with_the_remedy(tmp_path, monkeypatch):
    Store(tmp_path).save({}, {})
    monkeypatch.setattr(checkpoint_file, "FORMAT", 2)
    with pytest.raises(CheckpointError, match="no longer reads"):
        read_checkpoint(tmp_path / Store(tmp_path).list()[0])
    monkeypatch.setattr(checkpoint_file, "FORMAT", 0)
    with pytest.raises(CheckpointError, match="upgrade stream-rnn"):
        Store(tmp_path).load_newest()


def test_the_content_is_not_pickle(tmp_path):
    """A reader in any language: 8 bytes of length, a JSON header, raw arrays."""
    name = Store(tmp_path).save({"position": 1}, {"w": np.array([1.5])})
    data = (tmp_path / name).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header["w"]["dtype"] == "F64"
    assert json.loads(header["__metadata__"]["manifest"])["position"] == 1


def test_fsspec_urls():
    store = Store("memory://checkpoints/run", keep=2)
    for n in range(4):
        store.save({"n": n}, {"w": np.full(3, n)})
    assert len(store.list()) == 2
    assert store.load_newest().arrays["w"].tolist() == [3, 3, 3]
    assert read_checkpoint("memory://checkpoints/run").manifest["n"] == 3


def test_file_urls_need_no_package(tmp_path):
    Store(f"file://{tmp_path}").save({"n": 1}, {})
    assert Store(tmp_path).load_newest().manifest["n"] == 1


def test_a_missing_fsspec_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError, match="pip install fsspec"):
        Store("s3://bucket/run")


def test_an_unknown_scheme_is_named():
    with pytest.raises(ConfigError, match="nosuch"):
        Store("nosuch://bucket/run")


def test_keep_is_checked(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        Store(tmp_path, keep=0)
