"""The file of a checkpoint: what a stopped run needs to continue, never pickle.

It is a safetensors file.  Its arrays are the estimator's; its metadata holds the manifest (JSON:
format version, stream position, sink positions, counters, everything that is not an array) and
the SHA-256 of both.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from ..errors import CheckpointError
from ..keys.shelf import Shelf

FORMAT = 1

Arrays = dict[str, np.ndarray]
Migration = Callable[[dict[str, Any], Arrays], tuple[dict[str, Any], Arrays]]

# MIGRATIONS[v] turns what format v stored into what format v + 1 stores.
MIGRATIONS: dict[int, Migration] = {}


ERRORS = (
    *(SafetensorError, ValueError, LookupError, TypeError, struct.error),
    *(MemoryError, RecursionError, OverflowError),
)  # what bytes can cause that are no checkpoint


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
    return _ordered(write_tensors(tensors, {"manifest": text, "sha256": _digest(text, tensors)}))


def _ordered(data: bytes) -> bytes:
    """The same file with its metadata by name, which the writer puts in any order.

    Equal states are equal bytes then.  A header is padded with spaces to whole words.
    """
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    known = header.pop("__metadata__")
    header = {"__metadata__": dict(sorted(known.items())), **header}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


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
    except ERRORS as e:
        raise CheckpointError(f"{name} is damaged or not a checkpoint: {e or type(e)}") from None
    if _digest(text, arrays) != digest:
        raise CheckpointError(f"{name} is damaged: its content does not match its hash")
    if type(manifest) is not dict:
        raise CheckpointError(f"{name} is damaged: its manifest is no object")
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
