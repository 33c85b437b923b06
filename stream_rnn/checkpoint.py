"""Checkpoints: everything a stopped run needs to continue, in one file, never pickle.

A checkpoint is one safetensors file.  Its arrays are the estimator's; its metadata holds
the manifest (JSON: format version, stream position, sink positions, counters, everything
that is not an array) and the SHA-256 of both.  A file is complete and intact, or it is
skipped for the one before it.  The contexts of a keyed stream lie in files of their own,
which the manifest names, so that only what changed is written again: see `keys.segments`.

>>> import tempfile
>>> import numpy as np
>>> store = Store(tempfile.mkdtemp(), keep=2)
>>> for n in range(3):
...     name = store.save({"position": n}, {"w": np.full(2, n, np.float32)})
>>> len(store.list())
2
>>> newest = store.load_newest()
>>> newest.manifest["position"], newest.arrays["w"].tolist()
(2, [2.0, 2.0])
"""

import contextlib
import hashlib
import json
import logging
import os
import re
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from .errors import CheckpointError
from .folders import open_folder
from .keys.key import Key
from .keys.segments import PREFIX, Saved, Segment, Segments, describe, files_of, unbundle
from .keys.shelf import Shelf

log = logging.getLogger(__name__)

FORMAT = 1
NAME = re.compile(r"checkpoint-(\d{12})\.safetensors")

Arrays = dict[str, np.ndarray]
Migration = Callable[[dict[str, Any], Arrays], tuple[dict[str, Any], Arrays]]

# MIGRATIONS[v] turns what format v stored into what format v + 1 stores.
MIGRATIONS: dict[int, Migration] = {}


class CheckpointWriteError(CheckpointError):
    """A checkpoint that could not be written; the ones before it are untouched."""


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    name: str
    manifest: dict[str, Any]
    arrays: Arrays
    size: int  # bytes of the file
    contexts: Shelf | None = None  # of a keyed stream


def encode(manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a checkpoint file.

    Floats in the manifest keep all their bits, NaN and infinities included.  Raises
    `CheckpointError` for what JSON cannot hold.
    """
    tensors = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        text = json.dumps({"format": FORMAT, **manifest}, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the manifest of a checkpoint must be JSON: {error}") from None
    return write_tensors(tensors, {"manifest": text, "sha256": _digest(text, tensors)})


def decode(data: bytes, name: str = "checkpoint") -> Checkpoint:
    """The checkpoint in *data*; raises `CheckpointError` if any bit of it has changed."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        text, digest = metadata["manifest"], metadata["sha256"]
        # The reader's arrays are read-only views of the file: own them.
        arrays = {key: np.array(value) for key, value in read_tensors(data).items()}
        manifest = json.loads(text)
        version = manifest["format"]
    except (SafetensorError, ValueError, LookupError, TypeError, struct.error, MemoryError) as e:
        raise CheckpointError(f"{name} is damaged or not a checkpoint: {e}") from None
    if _digest(text, arrays) != digest:
        raise CheckpointError(f"{name} is damaged: its content does not match its hash")
    manifest, arrays = migrate(manifest, arrays, version, name)
    return Checkpoint(name, manifest, arrays, len(data))


def migrate(manifest: dict, arrays: Arrays, version: int, name: str) -> tuple[dict, Arrays]:
    """Bring a checkpoint of an older format up to `FORMAT`, one version at a time."""
    if not isinstance(version, int) or version > FORMAT:
        raise CheckpointError(
            f"{name} has format {version}, newer than this program's {FORMAT}: "
            "upgrade stream-rnn, or start with an empty checkpoint directory"
        )
    for step in range(version, FORMAT):
        if step not in MIGRATIONS:
            raise CheckpointError(
                f"{name} has format {version}, which this version no longer reads: "
                "open and save it once with an older stream-rnn"
            )
        manifest, arrays = MIGRATIONS[step](manifest, arrays)
    return {**manifest, "format": FORMAT}, arrays


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    content = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        content.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        content.update(array.tobytes())
    return content.hexdigest()


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """The checkpoint in one file, or the newest intact one in a directory or fsspec URL."""
    text = os.fspath(path)
    if "://" in text or Path(text).is_dir():
        store = Store(text)
        newest = store.load_newest()
        if newest is None:
            damaged = f" ({store.damaged} damaged)" if store.damaged else ""
            raise CheckpointError(f"{text} holds no intact checkpoint{damaged}")
        return newest
    try:
        return decode(Path(text).read_bytes(), text)
    except OSError as error:
        raise CheckpointError(f"cannot read {text}: {error.strerror or error}") from None


class Store:
    """The last *keep* checkpoints of one run, in a directory or at an fsspec URL.

    ``damaged`` counts the files that `load_newest` had to skip.
    """

    def __init__(self, url: str | os.PathLike, keep: int = 3):
        if keep < 1:
            raise ValueError(f"keep = {keep}: keep at least 1 checkpoint")
        self.url, self.keep, self.damaged = os.fspath(url), keep, 0
        self.last_size = 0  # bytes of the checkpoint written last
        self._folder = open_folder(url)
        self._sequence: int | None = None
        self._segments = Segments()
        self._needed: dict[str, set[str]] = {}  # files beside it, by checkpoint

    def lock(self) -> None:
        """Claim the store; raises `CheckpointError` if another process writes to it."""
        self._folder.lock()

    def close(self) -> None:
        self._folder.close()

    def list(self) -> list[str]:
        """The names of the checkpoints, oldest first."""
        return [name for name in self._folder.names() if NAME.fullmatch(name)]

    def save(
        self,
        manifest: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        contexts: Saved | None = None,
    ) -> str:
        """Write a checkpoint atomically, then drop the oldest beyond *keep*; its name.

        *contexts* are those of a keyed stream; what of them changed since the checkpoint that
        was loaded or saved before is written.  Raises `CheckpointWriteError` when it could not
        be written (disk full, read-only directory, store out of reach); the earlier
        checkpoints are then untouched.
        """
        try:
            if self._sequence is None:
                self._sequence = self._highest()
            number, segments, size = self._sequence + 1, None, 0
            if contexts is not None:
                segments, size = self._segments.write(self._folder, number, contexts)
                manifest = {**manifest, "contexts": describe(segments)}
            data = encode({**manifest, "written": time.time()}, arrays)
            name = f"checkpoint-{number:012d}.safetensors"
            self._folder.write(name, data)
        except CheckpointError:
            raise
        except Exception as error:  # each object store has exception classes of its own
            raise CheckpointWriteError(
                f"cannot write a checkpoint to {self.url}: {error}"
            ) from error
        self._sequence = number
        self.last_size = len(data) + size
        if contexts is not None and segments is not None:
            self._segments.current = segments
            contexts.changed.clear()
        self._needed[name] = files_of(manifest)
        self._prune()
        return name

    def load(self, name: str) -> Checkpoint:
        """The checkpoint *name*; raises `CheckpointError` if it is missing or damaged."""
        try:
            data = self._folder.read(name)
        except FileNotFoundError:
            raise CheckpointError(f"{self.url} holds no checkpoint {name}") from None
        except Exception as error:
            raise CheckpointError(f"cannot read {name} in {self.url}: {error}") from error
        checkpoint = decode(data, name)
        if "contexts" in checkpoint.manifest:
            return self._with_contexts(checkpoint)
        return checkpoint

    def _with_contexts(self, checkpoint: Checkpoint) -> Checkpoint:
        """Read its segments too; what is saved next adds to them."""
        segments, size = [], checkpoint.size
        shelf = Shelf()
        for segment in checkpoint.manifest["contexts"]:
            keys: set[Key] = set()
            for name in segment["files"]:
                try:
                    part = decode(self._folder.read(name), name)
                except FileNotFoundError:
                    raise CheckpointError(
                        f"{checkpoint.name} needs {name}, which is missing"
                    ) from None
                size += part.size
                for key, blob in unbundle(part.arrays):
                    shelf.put(key, blob)
                    keys.add(key)
            segments.append(Segment(segment["files"], frozenset(keys)))
        self._segments.current = segments
        return checkpoint._replace(contexts=shelf, size=size)

    def load_newest(self) -> Checkpoint | None:
        """The newest intact checkpoint, or None; a damaged one is logged and counted."""
        for name in reversed(self.list()):
            try:
                return self.load(name)
            except CheckpointError as error:
                if "newer than" in str(error):
                    raise
                self.damaged += 1
                log.warning("skipping a checkpoint: %s", error)
        return None

    def _highest(self) -> int:
        return max((int(NAME.fullmatch(n)[1]) for n in self.list()), default=0)  # type: ignore[index]

    def _prune(self) -> None:
        """A file too many does no harm, so that what cannot be removed is left there."""
        with contextlib.suppress(Exception):
            names = self.list()
            for name in names[: -self.keep]:
                self._folder.remove(name)
                self._needed.pop(name, None)
            self._prune_contexts(names[-self.keep :])

    def _prune_contexts(self, kept: Sequence[str]) -> None:
        """Remove files of contexts that are older than what is kept, and not part of it."""
        files = [name for name in self._folder.names() if name.startswith(PREFIX)]
        if not files:
            return
        for name in kept:
            if name not in self._needed:
                self._needed[name] = files_of(decode(self._folder.read(name), name).manifest)
        needed = set().union(*(self._needed[name] for name in kept))
        number = NAME.fullmatch(kept[0])[1]  # type: ignore[index]
        for name in files:
            if name not in needed and name[len(PREFIX) :] < number:
                self._folder.remove(name)
