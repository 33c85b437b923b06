"""Checkpoints: everything a stopped run needs to continue, in one file, never pickle.

A checkpoint is one file, see `checkpoint_file`, which is complete and intact, or is skipped for
the one before it.  The contexts of a keyed stream lie in files of their own, which the manifest
names, so that only what changed is written again: see `keys.segments`.

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
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from connectors.secrets import without_user

from ..errors import CheckpointError
from ..keys.key import Key
from ..keys.shelf import Shelf
from .file import Checkpoint, decode, encode
from .folders import Forbidden, open_folder
from .segments import (
    FORGOTTEN,
    PREFIX,
    Saved,
    Segment,
    Segments,
    check_file,
    check_segments,
    describe,
    files_of,
    unbundle,
)

log = logging.getLogger(__name__)

# What a run needs of a manifest, and what kind of thing it is.
FIELDS = {"identity": dict, "sinks": dict, "counters": dict, "task": dict}

PART = re.compile(r"-\d+$")
NAME = re.compile(r"checkpoint-(\d{12})\.safetensors")


class CheckpointWriteError(CheckpointError):
    """A checkpoint that could not be written; the ones before it are untouched."""


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
        self.url, self.keep, self.damaged = without_user(os.fspath(url)), keep, 0
        self.last_size = 0  # bytes of the checkpoint written last
        self._folder, self._place = open_folder(url), os.fspath(url)
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

    def parts(self) -> Iterator[tuple[str, Checkpoint]]:
        """The newest checkpoint of each partition that has a store of its own in this one."""
        for name in self._folder.names():
            if PART.search(name) and (found := Store(f"{self._place}/{name}").load_newest()):
                yield name, found

    def rename(self, name: str, to: str) -> None:
        """Give a checkpoint another name, by which it is none."""
        self._folder.rename(name, to)
        self._sequence = None

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
        except PermissionError:
            raise Forbidden(f"{self.url}/{name}") from None
        except Exception as error:
            raise CheckpointError(f"cannot read {name} in {self.url}: {error}") from error
        checkpoint = decode(data, name)
        if "contexts" in checkpoint.manifest:
            return self._with_contexts(checkpoint)
        return checkpoint

    def load_run(self, name: str) -> Checkpoint:
        """The same, of which a run can go on: with all that its manifest must hold."""
        checkpoint = self.load(name)
        for field, kind in FIELDS.items():
            if not isinstance(checkpoint.manifest.get(field), kind):
                raise CheckpointError(
                    f"{name} is damaged: its manifest has no {field}; it was changed by hand, or "
                    "not written by a run"
                )
        if "position" not in checkpoint.manifest:
            raise CheckpointError(f"{name} is damaged: its manifest has no position")
        return checkpoint

    def _with_contexts(self, checkpoint: Checkpoint) -> Checkpoint:
        """Read its segments too; what is saved next adds to them."""
        segments, size = [], checkpoint.size
        shelf = Shelf()
        check_segments(checkpoint.manifest["contexts"], checkpoint.name)
        for segment in checkpoint.manifest["contexts"]:
            keys: set[Key] = set()
            for at, name in enumerate(segment["files"]):
                try:
                    data = self._folder.read(name)
                except FileNotFoundError:
                    raise CheckpointError(
                        f"{checkpoint.name} needs {name}, which is missing"
                    ) from None
                check_file(segment, at, data, checkpoint.name)
                part = decode(data, name)
                size += part.size
                for key, blob in unbundle(part.arrays):
                    if blob == FORGOTTEN:
                        shelf.remove(key)
                    else:
                        shelf.put(key, blob)
                    keys.add(key)
            segments.append(
                Segment(segment["files"], frozenset(keys), list(segment.get("hashes") or ()))
            )
        self._segments.current = segments
        return checkpoint._replace(contexts=shelf, size=size)

    def load_newest(self, of_run: bool = False) -> Checkpoint | None:
        """The newest intact checkpoint, or None; a damaged one is logged and counted.

        Raises `Forbidden` where this process may not read.

        With *of_run* it is one that a run can go on from, see `load_run`.
        """
        load = self.load_run if of_run else self.load
        for name in reversed(self.list()):
            try:
                return load(name)
            except Forbidden:  # it is not damaged
                raise
            except CheckpointError as error:
                if "newer than" in str(error):
                    raise
                self.damaged += 1
                log.warning("skipping a checkpoint: %s", error)
        return None

    def newest_file(self) -> tuple[str, bytes] | None:
        """The name and the bytes of the newest checkpoint, or None; it is not looked into."""
        for name in reversed(self.list()):
            with contextlib.suppress(OSError):  # it has been replaced by newer ones meanwhile
                return name, self._folder.read(name)
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
