"""Contexts in a checkpoint store: written where they changed, merged as they add up.

A checkpoint names *segments*, oldest first; of a key's several contexts the last counts.  A
new segment holds the keys that changed since the checkpoint before.  It takes in the segments
before it as long as they have less than twice its keys, so that

    |S₁| ≥ 2 |S₂| ≥ 4 |S₃| …                                                       (1)

N keys make at most 1 + log₂ N segments of together less than 2 N contexts, and a context
that changed once is written at most 1 + log₂ N times.  (O'Neil et al. 1996, the
log-structured merge-tree.)  A key that was forgotten has no bytes in the segment after it; the
oldest segment, behind which nothing is hidden, holds no such key.  A segment lies in files of some
32 MiB that never change; a file goes when no checkpoint names it.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from ..errors import CheckpointError
from ..keys.key import Key
from .file import encode

PREFIX = "contexts-"
FILE_BYTES = 32 << 20
FORGOTTEN = b""  # in the place of a context
NAME = re.compile(r"contexts-[0-9]{12}-[0-9a-f]+-[0-9]{4,}\.safetensors")


class Saved(Protocol):
    """What has contexts to save."""

    changed: set[Key]

    def blob(self, key: Key) -> bytes:
        """The context of *key*; raises `KeyError` where it was forgotten."""


class Segment(NamedTuple):
    """The files of one segment, the keys whose newest contexts are in them, their hashes."""

    files: list[str]
    keys: frozenset[Key]
    hashes: list[str]  # of the files, or none in a checkpoint of before


class Segments:
    """The segments that the last checkpoint of a store names."""

    def __init__(self) -> None:
        self.current: list[Segment] = []
        self._run = os.urandom(4).hex()  # two runs never write to the same file

    def plan(self, changed: set[Key]) -> tuple[list[Segment], set[Key]]:
        """The segments that stay, and the keys of the one that follows them."""
        kept, taken = list(self.current), set(changed)
        while taken and kept and len(kept[-1].keys) < 2 * len(taken):
            taken |= kept.pop().keys
        return kept, taken

    def write(self, folder: Any, number: int, contexts: Saved) -> tuple[list[Segment], int]:
        """Write what changed; the segments for checkpoint *number*, and the bytes written."""
        kept, taken = self.plan(contexts.changed)
        files: list[str] = []
        hashes: list[str] = []
        keys: set[Key] = set()
        size = 0
        for data in _files(_contexts(contexts, taken, bool(kept)), keys):
            name = f"{PREFIX}{number:012d}-{self._run}-{len(files):04d}.safetensors"
            folder.write(name, data)
            files.append(name)
            hashes.append(digest(data))
            size += len(data)
        return [*kept, *([Segment(files, frozenset(keys), hashes)] if files else [])], size


def describe(segments: list[Segment]) -> list[dict[str, Any]]:
    """For the manifest."""
    return [
        {"files": segment.files, "keys": len(segment.keys), "hashes": segment.hashes}
        for segment in segments
    ]


def digest(data: bytes) -> str:
    """What tells one content of a file from another (SHA-256, 32 hexadecimal digits)."""
    return hashlib.sha256(data).hexdigest()[:32]


def check_file(segment: Mapping[str, Any], at: int, data: bytes, checkpoint: str) -> None:
    """Raise `CheckpointError` unless *data* are what was written into a file of *segment*."""
    hashes = segment.get("hashes") or ()
    if hashes and (at >= len(hashes) or hashes[at] != digest(data)):
        raise CheckpointError(
            f"{checkpoint} is damaged: {segment['files'][at]} is not the file that it was written "
            "with"
        )


def check_segments(segments: Any, checkpoint: str) -> None:
    """Raise `CheckpointError` unless *segments* are as `describe` writes them.

    Names stay inside the folder: they come from a file that anybody may have written.
    """
    try:
        names = [name for segment in segments for name in segment["files"]]
        wrong = [name for name in names if not NAME.fullmatch(name)]
    except (TypeError, LookupError):
        wrong = [segments]
    if wrong:
        raise CheckpointError(
            f"{checkpoint} is damaged: {wrong[0]!r} is not the name of a file of contexts"
        )


def files_of(manifest: Mapping[str, Any]) -> set[str]:
    """The files that a checkpoint needs beside its own."""
    return {name for segment in manifest.get("contexts") or () for name in segment["files"]}


def bundle(items: Iterable[tuple[Key, bytes]]) -> dict[str, np.ndarray]:
    """Contexts as arrays."""
    pairs = list(items)
    blobs = [blob for _, blob in pairs]
    keys = msgspec.msgpack.encode([key for key, _ in pairs])
    return {
        "contexts.keys": np.frombuffer(keys, np.uint8),
        "contexts.ends": np.cumsum([0, *map(len, blobs)])[1:],
        "contexts.blobs": np.frombuffer(b"".join(blobs), np.uint8),
    }


def unbundle(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[Key, bytes]]:
    """The contexts that `bundle` made arrays of."""
    data, start = arrays["contexts.blobs"].tobytes(), 0
    keys = msgspec.msgpack.decode(arrays["contexts.keys"].tobytes())
    for key, end in zip(keys, arrays["contexts.ends"].tolist(), strict=True):
        yield key, data[start:end]
        start = end


def _contexts(contexts: Saved, keys: set[Key], hides: bool) -> Iterator[tuple[Key, bytes]]:
    """The contexts of *keys*; of forgotten ones no bytes if the segment *hides* others."""
    for key in sorted(keys, key=lambda key: (type(key).__name__, key)):
        try:
            yield key, contexts.blob(key)
        except KeyError:
            if hides:
                yield key, FORGOTTEN


def _files(items: Iterable[tuple[Key, bytes]], keys: set[Key]) -> Iterator[bytes]:
    """Files of these contexts; *keys* takes in whose they are."""
    held: list[tuple[Key, bytes]] = []
    size = 0
    for key, blob in items:
        keys.add(key)
        held.append((key, blob))
        size += len(blob)
        if size >= FILE_BYTES:
            yield encode({}, bundle(held))
            held, size = [], 0
    if held:
        yield encode({}, bundle(held))
