"""Source → features → estimator → sink, with checkpoints: the service on one page.

One thread moves data (poll, decode, write, checkpoint); a second one learns, in compiled
code that holds no lock of the interpreter, so that the next batch is read while the
current one is learned.  What a record does depends on the record and the state alone,
never on time or on how the stream is cut into batches: a run that is killed and resumed
from its checkpoint ends with the same parameters and the same output, bit for bit.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from connectors.base import Sink, Source

from ..checkpoints.store import CheckpointWriteError, Store
from ..errors import CheckpointError
from .refusal_limit import Refusals, TooManyRefused
from .runtime import set_for_streams
from .task import Outcome, Task

log = logging.getLogger(__name__)


class Schedule(NamedTuple):
    """How much goes into a batch, and when a checkpoint is due (at the end of a batch)."""

    batch_records: int = 1000
    poll_seconds: float = 0.2  # how long an idle source is waited for
    every_records: int = 100_000
    every_seconds: float = 30.0
    stop_on_failure: bool = False  # of a checkpoint; otherwise the service keeps predicting
    max_refused: float = 0.5  # of `window` records; above it the run stops
    window: int = 1000


class Observer(Protocol):
    """What watches a run: metrics, a progress line."""

    def state(self, name: str) -> None:
        """starting, running, draining, stopped or failed."""

    def started(self, pipeline: "Pipeline") -> None:
        """The run has its state: fresh, or from a checkpoint."""

    def batch(self, pipeline: "Pipeline", outcome: Outcome) -> None: ...

    def checkpoint(self, pipeline: "Pipeline", seconds: float) -> None: ...

    def checkpoint_failed(self, reason: str) -> None: ...


class Pipeline:
    """One stream, from its source to its sinks.

    ``counters`` holds the records consumed, predicted, learned and refused since the
    first start of the stream, kept in the checkpoint.
    """

    def __init__(
        self,
        source: Source,
        task: Task,
        sink: Sink,
        refused: Sink | None = None,
        store: Store | None = None,
        schedule: Schedule | None = None,
        observers: tuple[Observer, ...] = (),
        identity: dict[str, Any] | None = None,
    ):
        self.source, self.task, self.store = source, task, store
        self.sinks = {"sink": sink} | ({"refused": refused} if refused is not None else {})
        self.schedule, self.observers = schedule or Schedule(), observers
        self.identity = identity or {}  # what must not change between runs of one stream
        self.counters = dict.fromkeys(("consumed", "predicted", "learned", "refused"), 0)
        self.position: Any = None  # of the source, after the last record that took effect
        self._refusals = Refusals(self.schedule.max_refused, self.schedule.window)
        self._saved_records, self._saved_time = 0, time.monotonic()

    def run(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Run until the source is finished or *stop* is set; then drain.  The counters."""
        stop = stop or threading.Event()
        try:
            self._tell("state", "starting")
            self.resume()
            self._tell("started", self)
            self._tell("state", "running")
            self._loop(stop)
            self._tell("state", "draining")
            self.commit()
        except BaseException:
            self._tell("state", "failed")
            raise
        self._tell("state", "stopped")
        return self.counters

    def _loop(self, stop: threading.Event) -> None:
        learning: tuple[Future[Outcome], Any] | None = None
        with set_for_streams(), ThreadPoolExecutor(1, "learner") as learner:
            while not (stop.is_set() or self.source.finished):
                wait = 0.0 if learning else self.schedule.poll_seconds
                records = self.source.next_batch(self.schedule.batch_records, wait)
                position = self.source.snapshot()
                if learning:
                    self.publish(*learning)
                learning = (learner.submit(self.task.learn, records), position) if records else None
                if self._is_due() and not learning:
                    self.commit()
            if learning:
                self.publish(*learning)

    def publish(self, learned: "Future[Outcome]", position: Any) -> None:
        """Write what came of a batch; the estimator rests meanwhile."""
        outcome = learned.result()
        self.sinks["sink"].write(outcome.rows)
        if outcome.refused:
            self._refuse(outcome)
        self.position = position
        self._count(outcome)
        if self._is_due():
            self.commit()

    def _refuse(self, outcome: Outcome) -> None:
        if "refused" in self.sinks:
            self.sinks["refused"].write(outcome.refused)
        for letter in outcome.refused[:1]:
            log.warning("refused record %s: %s", letter["offset"], letter["error"])

    def _count(self, outcome: Outcome) -> None:
        for name, number in outcome.counts.items():
            self.counters[name] += number
        self._tell("batch", self, outcome)
        try:
            self._refusals.add(outcome)
        except TooManyRefused:
            self.commit()
            raise

    def _is_due(self) -> bool:
        records = self.counters["consumed"] - self._saved_records
        elapsed = time.monotonic() - self._saved_time
        return records >= self.schedule.every_records or (
            records > 0 and elapsed >= self.schedule.every_seconds
        )

    # -- durability ------------------------------------------------------------------

    def commit(self) -> None:
        """Make the sinks durable, then the checkpoint that counts on them."""
        for sink in self.sinks.values():
            sink.flush()
        self._saved_records, self._saved_time = self.counters["consumed"], time.monotonic()
        if self.store is None:
            return
        try:
            self.store.save(*self.state(), self.task.contexts)
        except CheckpointWriteError as error:
            self._tell("checkpoint_failed", "write")
            if self.schedule.stop_on_failure:
                raise
            log.error("%s; the stream goes on without it", error)
        else:
            self._tell("checkpoint", self, time.monotonic() - self._saved_time)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The manifest and the arrays of a checkpoint."""
        meta, arrays = self.task.snapshot()
        sinks = {name: sink.snapshot() for name, sink in self.sinks.items()}
        return {
            "identity": self.identity,
            "position": self.position,
            "sinks": sinks,
            "counters": self.counters,
            "task": meta,
        }, arrays

    def resume(self) -> None:
        """Continue from the newest checkpoint; without one, write the first."""
        checkpoint = None
        if self.store is not None:
            self.store.lock()
            checkpoint = self.store.load_newest()
            for _ in range(self.store.damaged):
                self._tell("checkpoint_failed", "damaged")
        if checkpoint is None:
            # What the sinks held before the first record, for a run killed before its
            # first checkpoint is due.
            self.position = self.source.snapshot()
            self.commit()
            return
        manifest = checkpoint.manifest
        self._check_identity(manifest["identity"])
        self.task.restore(manifest["task"], checkpoint.arrays, checkpoint.contexts)
        self.position = manifest["position"]
        if self.position is not None:
            self.source.restore(self.position)
        for name, sink in self.sinks.items():
            if name in manifest["sinks"]:
                sink.restore(manifest["sinks"][name])
        self.counters |= manifest["counters"]
        self._saved_records = self.counters["consumed"]
        log.info("resumed from %s after %d records", checkpoint.name, self._saved_records)

    def _check_identity(self, saved: dict[str, Any]) -> None:
        for name, value in self.identity.items():
            if saved.get(name) != value:
                raise CheckpointError(
                    f"the checkpoints in {self.store.url} are of another stream: "  # type: ignore[union-attr]
                    f"{name} was {saved.get(name)!r} and is now {value!r}; "
                    "change it back, or give this run another checkpoint directory"
                )

    def _tell(self, event: str, *details: Any) -> None:
        for observer in self.observers:
            if hasattr(observer, event):  # an observer need not care for everything
                getattr(observer, event)(*details)

    def close(self) -> None:
        """Release everything; no record is lost that was committed."""
        for close in (self.source.close, *(sink.close for sink in self.sinks.values())):
            with contextlib.suppress(OSError):
                close()
        if self.store is not None:
            self.store.close()


@contextlib.contextmanager
def stop_on_signals(*signals: int) -> Iterator[threading.Event]:
    """An event that the first of *signals* sets; the second one acts as if unhandled."""
    import signal

    event = threading.Event()
    before = {number: signal.getsignal(number) for number in signals}

    def ask(number, _frame):
        event.set()
        signal.signal(number, before[number])

    for number in signals:
        signal.signal(number, ask)
    try:
        yield event
    finally:
        for number in signals:
            signal.signal(number, before[number])
