"""What a stream has come to, and the checkpoints of it.

One under every kind of run: the file pipeline, a partition of a topic, a partition with labels.
The run says where it is and what its sinks hold; the ledger counts, knows when a checkpoint is
due, writes it, and takes it up again.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.base import Shortened, Sink

from ..checkpoints.file import Checkpoint
from ..checkpoints.store import CheckpointWriteError, Store
from ..errors import CheckpointError
from .identity import Identity, split
from .observers import Observer
from .outcome import COUNTERS
from .task import Task

log = logging.getLogger(__name__)

SKIPPING = (
    "or, to keep the model and go on with what is there, set checkpoint.lost_position = 'skip'"
)


class Schedule(NamedTuple):
    """How much goes into a batch, and when a checkpoint is due (at the end of a batch)."""

    batch_records: int = 1000
    poll_seconds: float = 0.2  # how long an idle source is waited for
    every_records: int = 100_000
    every_seconds: float = 30.0
    stop_on_failure: bool = False  # of a checkpoint; otherwise the service keeps predicting
    max_refused: float = 0.5  # of `window` records; above it the run stops
    window: int = 1000
    skip_lost: bool = False  # go on with what is there where a position is lost


class Ledger:
    """The state of one stream, and its way into a checkpoint and back.

    Args:
        task: predicts and learns.
        store: holds the checkpoints; None keeps none.
        schedule: when one is due.
        identity: what the run is, and what of it must not change.
        observers: told of checkpoints.
        elsewhere: what to give a run that is another stream.

    ``counters`` holds the records consumed, predicted, learned and refused since the first
    start of the stream; ``position`` is the source's, after the last record that took effect.
    """

    def __init__(
        self,
        task: Task,
        store: Store | None = None,
        schedule: Schedule | None = None,
        identity: Identity | None = None,
        observers: Observer | None = None,
        elsewhere: str = "another checkpoint directory",
    ):
        self.task, self.store, self.schedule = task, store, schedule or Schedule()
        self.identity, self.elsewhere = identity or Identity(), elsewhere
        self.observers = observers or Observer()
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.position: Any = None
        self._saved_records, self.saved_at = 0, time.monotonic()

    def count(self, counts: Mapping[str, int]) -> None:
        """Add what became of a batch."""
        for name, number in counts.items():
            self.counters[name] += number

    def is_due(self, further: int = 0) -> bool:
        """Whether it is time for a checkpoint, once *further* records are counted."""
        records = self.counters["consumed"] - self._saved_records + further
        elapsed = time.monotonic() - self.saved_at
        return records >= self.schedule.every_records or (
            records > 0 and elapsed >= self.schedule.every_seconds
        )

    def save(self, sinks: Mapping[str, Any]) -> bool:
        """Write a checkpoint that counts on *sinks*; whether there is one now.

        One that cannot be written is told and logged, and the next is due a period later; it is
        raised as `CheckpointWriteError` if the schedule says so.
        """
        self._saved_records, self.saved_at = self.counters["consumed"], time.monotonic()
        if self.store is None:
            return False
        try:
            with self.task.guard:
                self.store.save(*self._state(sinks), self.task.contexts)
        except CheckpointWriteError as error:
            self.observers.checkpoint_failed("write")
            if self.schedule.stop_on_failure:
                raise
            log.error("%s; the stream goes on without it", error)
            return False
        self.observers.checkpoint(self, time.monotonic() - self.saved_at)
        return True

    def _state(self, sinks: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The manifest and the arrays of a checkpoint."""
        meta, arrays = self.task.snapshot()
        return {
            "identity": self.identity.model,
            "settings": self.identity.settings,
            "places": self.identity.places,
            "position": self.position,
            "sinks": sinks,
            "counters": self.counters,
            "task": meta,
        }, arrays

    def newest(self) -> Checkpoint | None:
        """The newest intact checkpoint of this stream; the observers hear of damaged ones.

        What has changed since it was written is logged.  Raises `CheckpointError` for one of
        another stream, and where all are damaged.
        """
        if self.store is None:
            return None
        checkpoint = self.store.load_newest(of_run=True)
        for _ in range(self.store.damaged):
            self.observers.checkpoint_failed("damaged")
        if checkpoint is None:
            if self.store.damaged:
                raise CheckpointError(
                    f"all {self.store.damaged} checkpoints in {self.store.url} are damaged (the "
                    "log says how): restore one from a backup, or remove them, and what was "
                    "written of the results, to start anew"
                )
            self._check_parts(self.store)
            return None
        manifest = checkpoint.manifest
        self.identity.check(split(manifest["identity"])["identity"], *self._names())
        for change in self.identity.changes(manifest):
            log.warning("%s; going on from %s with it", change, checkpoint.name)
        return checkpoint

    def _check_parts(self, store: Store) -> None:
        """Raise `CheckpointError` where this stream has been learned, by its partitions."""
        here = self.identity.places.get("source")
        for name, part in store.parts():
            if here is not None and part.manifest.get("places", {}).get("source") == here:
                raise CheckpointError(
                    f"{store.url} holds the models of this source's partitions ({name} and the "
                    "like), made with run.delivery = 'exactly-once', and none of a run without it: "
                    "set run.delivery back, or give another checkpoint.url to start anew"
                )

    def _names(self) -> tuple[str, str]:
        return "nowhere" if self.store is None else self.store.url, self.elsewhere

    def learn_from(self, checkpoint: Checkpoint) -> None:
        """Begin with the model of another run's *checkpoint*; the position stays this run's.

        Raises `CheckpointError` if it is another model.
        """
        manifest = checkpoint.manifest
        self.identity.check(split(manifest["identity"])["identity"], *self._names())
        self.task.restore(manifest["task"], checkpoint.arrays, checkpoint.contexts)
        if self.task.contexts is not None and checkpoint.contexts is not None:
            self.task.contexts.changed.update(checkpoint.contexts)  # none is in this store yet

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from *checkpoint*; raises `CheckpointError` if it is of another model."""
        manifest = checkpoint.manifest
        self.task.restore(manifest["task"], checkpoint.arrays, checkpoint.contexts)
        self.position = manifest["position"]
        self.counters |= manifest["counters"]
        self._saved_records = self.counters["consumed"]

    def cut(self, name: str, sink: Sink, position: Any) -> None:
        """Take a sink to where the checkpoint is, or go on at its end, if that is meant."""
        try:
            sink.restore(position)
        except Shortened as error:
            if not self.schedule.skip_lost:
                raise Shortened(f"{name}: {error}; {SKIPPING}") from None
            log.warning("%s: %s; the model is kept, and results go on at its end", name, error)

    def say_what_is_there(self, sinks: Mapping[str, Sink]) -> None:
        """A new run behind the results of another: perhaps its checkpoints were lost."""
        for name, sink in sinks.items():
            there = sink.snapshot()
            if self.store is not None and isinstance(there, dict) and there.get("bytes"):
                log.warning(
                    "%s: %d bytes of results are there, but no checkpoint in %s: a new run begins "
                    "and appends to them; if it should go on, restore the checkpoints first",
                    *(name, there["bytes"], self.store.url),
                )

    def close(self) -> None:
        """Let go of the store."""
        if self.store is not None:
            self.store.close()
