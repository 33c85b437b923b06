"""What a person does with the checkpoints of a run that is stopped: look, go back, branch off."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CheckpointError
from .file import Checkpoint, encode
from .folders import LocalFolder
from .store import NAME, Store

AWAY = "rolled-back-"  # what the names of checkpoints that are no longer used begin with


class Entry(NamedTuple):
    """One checkpoint of a list."""

    name: str
    written: float  # seconds since 1970
    size: int  # bytes
    records: int
    position: Any
    problem: str | None = None  # why it cannot be used


def entries(store: Store) -> Iterator[Entry]:
    """All checkpoints, oldest first; of a damaged one what is wrong with it."""
    for name in store.list():
        try:
            found = store.load_run(name)
        except CheckpointError as error:
            yield Entry(name, 0.0, 0, 0, None, str(error))
            continue
        manifest = found.manifest
        records = manifest["counters"].get("consumed", 0)
        yield Entry(
            *(name, manifest.get("written", 0.0), found.size, records, manifest["position"]),
        )


def chosen(store: Store, name: str | None) -> Checkpoint:
    """The checkpoint *name*, or the newest intact one; raises `CheckpointError`."""
    if name is not None:
        full = name if NAME.fullmatch(name) else f"checkpoint-{name.zfill(12)}.safetensors"
        return store.load_run(full)
    newest = store.load_newest(of_run=True)
    if newest is None:
        raise CheckpointError(f"{store.url} holds no intact checkpoint")
    return newest


def rollback(store: Store, name: str) -> list[str]:
    """Make *name* the newest: those after it get other names; which they were.

    A run then goes on from it, cuts its files back to what was written up to it, and writes the
    results after it again.  Raises `CheckpointError` if it is not intact.
    """
    store.lock()
    found = chosen(store, name)
    later = [other for other in store.list() if other > found.name]
    for other in reversed(later):  # newest first: to stop in between does no harm
        store.rename(other, f"{AWAY}{other}")
    return later


def fork(store: Store, url: str, name: str | None = None) -> str:
    """A checkpoint in the empty folder *url* with the model alone, for a run of its own.

    That run begins where a new one begins.  Raises `CheckpointError` if something is there.
    """
    found, target = chosen(store, name), Store(url)
    target.lock()
    try:
        if target.list():
            raise CheckpointError(f"{url} holds checkpoints already; give an empty folder")
        return target.save(*_model_alone(found), _Contexts(found) if found.contexts else None)
    finally:
        target.close()


def export(store: Store, path: str | Path, name: str | None = None) -> None:
    """Write the model alone to the file *path*, for `inspect`, or to keep.

    Raises `CheckpointError` for a keyed model: its contexts are in files of their own.
    """
    found = chosen(store, name)
    if found.contexts is not None:
        raise CheckpointError(
            f"{found.name} has the states of {len(found.contexts):,} keys in files of their own; "
            "use stream-rnn checkpoint fork, which writes a folder"
        )
    manifest, arrays = _model_alone(found)
    path = Path(path)
    LocalFolder(path.parent).write(path.name, encode({**manifest, "written": time.time()}, arrays))


def _model_alone(found: Checkpoint) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest without a place in any stream, and the arrays."""
    kept = ("identity", "settings", "task")
    manifest = {name: found.manifest[name] for name in kept if name in found.manifest}
    zeros = dict.fromkeys(found.manifest["counters"], 0)
    return {**manifest, "position": None, "sinks": {}, "counters": zeros}, found.arrays


class _Contexts:
    """All contexts of a checkpoint, to be written anew."""

    def __init__(self, found: Checkpoint):
        self._shelf = found.contexts
        self.changed = set(found.contexts or ())

    def blob(self, key: Any) -> bytes:
        assert self._shelf is not None
        return self._shelf.get(key) or b""
