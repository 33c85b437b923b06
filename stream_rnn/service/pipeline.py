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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from connectors.base import (
    Lost,
    Record,
    Reporting,
    Sink,
    Skipping,
    Source,
    SourceError,
    Unreachable,
    Unwritable,
)

from ..checkpoints.store import Store
from .ledger import SKIPPING, Identity, Ledger, Schedule
from .observers import Observer, Observers, Sample
from .outcome import Outcome
from .refusal_limit import Refusals, TooManyRefused
from .runtime import set_for_streams
from .task import Task

log = logging.getLogger(__name__)


class Pipeline:
    """One stream, from its source to its sinks."""

    part: str | None = None  # there is one to a process

    def __init__(
        self,
        source: Source,
        task: Task,
        sink: Sink,
        refused: Sink | None = None,
        store: Store | None = None,
        schedule: Schedule | None = None,
        observers: Sequence[Observer] = (),
        identity: Identity | None = None,
    ):
        self.observers = Observers(observers)
        self.ledger = Ledger(task, store, schedule, identity, self.observers)
        self.source, self.task, self.schedule = source, task, self.ledger.schedule
        self.sinks = {"sink": sink} | ({"refused": refused} if refused is not None else {})
        self._refusals = Refusals(self.schedule.max_refused, self.schedule.window)

    @property
    def counters(self) -> dict[str, int]:
        """Of the ledger."""
        return self.ledger.counters

    def run(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Run until the source is finished or *stop* is set; then drain.  The counters."""
        stop = stop or threading.Event()
        try:
            self.observers.state("starting")
            self.resume()
            self.observers.started(self)
            self.observers.state("running")
            self._loop(stop)
            self.observers.state("draining")
            if self.source.finished and (rows := self.task.last()):
                self.sinks["sink"].write(rows)
            self.commit()
            if self.source.finished:
                self.task.finish()
                self._refusals.finish()
        except BaseException:
            self.observers.state("failed")
            raise
        self.observers.state("stopped")
        return self.counters

    def _loop(self, stop: threading.Event) -> None:
        learning: tuple[Future[Outcome], Sequence[Record], Any] | None = None
        with set_for_streams(), ThreadPoolExecutor(1, "learner") as learner:
            while not (stop.is_set() or self.source.finished):
                wait = 0.0 if learning else self.schedule.poll_seconds
                try:
                    records = self.source.next_batch(self.schedule.batch_records, wait)
                except SourceError as error:  # what came before it counts
                    if learning:
                        self.publish(*learning)
                        self.commit()
                    if isinstance(error, Lost) and self.schedule.skip_lost:
                        raise SourceError(f"{error}; started again, it skips them") from None
                    raise
                position = self.source.snapshot()
                if learning:
                    self.publish(*learning)
                learning = None
                if records:
                    learning = learner.submit(self.task.learn, records), records, position
                if self.ledger.is_due() and not learning:
                    self.commit()
            if learning:
                self.publish(*learning)

    def publish(self, learned: "Future[Outcome]", records: Sequence[Record], position: Any) -> None:
        """Write what came of a batch; the estimator rests meanwhile."""
        outcome = learned.result()
        try:
            self.sinks["sink"].write(outcome.rows)
        except Unwritable as error:
            outcome = self.task.without(outcome, records, error.problems)
            self.sinks["sink"].write(outcome.rows)
        if outcome.refused:
            self._refuse(outcome)
        self.ledger.position = position
        self._count(outcome)
        if self.ledger.is_due():
            self.commit()

    def _refuse(self, outcome: Outcome) -> None:
        if kept := "refused" in self.sinks:
            self.sinks["refused"].write(outcome.refused)
        for letter in outcome.refused[:1]:
            values = {"values": letter["error"]}  # may name what the record holds
            told = (letter["offset"], letter["reason"], "its letter" if kept else "--log-values")
            log.warning("refused record %s: %s; %s says why", *told, extra=values)

    def _count(self, outcome: Outcome) -> None:
        self.ledger.count(outcome.counts)
        self.observers.batch(self, outcome)
        try:
            self._refusals.add(outcome)
        except TooManyRefused:
            self.commit()
            raise

    # -- durability ------------------------------------------------------------------

    def commit(self) -> None:
        """Make the sinks durable, then the checkpoint that counts on them."""
        for sink in self.sinks.values():
            sink.flush()
        self.ledger.save({name: sink.snapshot() for name, sink in self.sinks.items()})

    def resume(self) -> None:
        """Continue from the newest checkpoint; without one, write the first."""
        ledger = self.ledger
        if ledger.store is not None:
            ledger.store.lock()
        checkpoint = ledger.newest()
        if checkpoint is None:
            # What the sinks held before the first record, for a run killed before its
            # first checkpoint is due.
            ledger.position = self.source.snapshot()
            ledger.say_what_is_there(self.sinks)
            self.commit()
            return
        ledger.resume(checkpoint)
        self._seek(checkpoint.manifest)
        for name, sink in self.sinks.items():
            written = checkpoint.manifest["sinks"]
            if name in written and not ledger.identity.is_elsewhere(checkpoint.manifest, name):
                ledger.cut(name, sink, written[name])
        log.info("resumed from %s after %d records", checkpoint.name, self.counters["consumed"])

    def _seek(self, manifest: Mapping[str, Any]) -> None:
        """Take the source to where the checkpoint is, or say that it cannot be taken there."""
        ledger = self.ledger
        if ledger.position is None:  # a model without a place
            ledger.position = self.source.snapshot()
        elif ledger.identity.is_other_kind(manifest, "source"):
            log.warning("the source is another one: it is read from where a new run begins")
            ledger.position = self.source.snapshot()
        else:
            try:
                self.source.restore(ledger.position)
            except SourceError as error:
                self._lost(manifest, error)

    def _lost(self, manifest: Mapping[str, Any], error: SourceError) -> None:
        """Go on with what is there, if that is meant; else raise *error* with what to do."""
        elsewhere = self.ledger.identity.is_elsewhere(manifest, "source")
        if not (elsewhere or self.schedule.skip_lost) or isinstance(error, Unreachable):
            if isinstance(error, Unreachable):
                raise error
            raise Lost(f"{error}; {SKIPPING}") from None
        log.warning("%s; the model is kept, and what is there now is read from its start", error)
        lost = None
        if isinstance(self.source, Skipping):
            lost = self.source.restore_left(self.ledger.position)
        if not elsewhere:
            self.observers.gap(lost)
        self.ledger.position = self.source.snapshot()

    def metrics(self) -> Iterator[Sample]:
        """What the source and the sinks report of themselves."""
        for part in (self.source, *self.sinks.values()):
            if isinstance(part, Reporting):
                yield from part.metrics()

    def close(self) -> None:
        """Release everything; no record is lost that was committed."""
        for close in (self.source.close, *(sink.close for sink in self.sinks.values())):
            with contextlib.suppress(OSError):
                close()
        self.ledger.close()


@contextlib.contextmanager
def stop_on_signals(*signals: int) -> Iterator[threading.Event]:
    """An event that the first of *signals* sets; the second one acts as if unhandled."""
    import signal

    event = threading.Event()
    before = {number: signal.getsignal(number) for number in signals}

    def ask(number: int, _frame: Any) -> None:
        event.set()
        signal.signal(number, before[number])

    for number in signals:
        signal.signal(number, ask)
    try:
        yield event
    finally:
        for number in signals:
            signal.signal(number, before[number])
