"""What a pipeline depends on: its parts by name, and how long they are waited for at the start."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connectors.secrets import without_user
from connectors.state import Dependencies, Dependency, Opened, reach

from ..config import schema
from ..config.labels import duration
from ..service.observers import Observer


class Surroundings(NamedTuple):
    """What a service depends on, who watches it, and what stops it."""

    dependencies: Dependencies
    observers: tuple[Observer, ...]
    stop: threading.Event

    def add(self, part: str, table: Any) -> Dependency:
        """The dependency behind the *part* of a configuration."""
        return self.dependencies.add(part, address(table))

    def reach(self, part: str, table: Any, attempt: Callable[[Dependency], Opened]) -> Opened:
        """What *attempt* opens for *part*; waited for as long as the table says."""
        dependency = self.add(part, table)
        seconds = duration(getattr(table, "wait", None), f"{part}.wait") or 0.0
        return reach(lambda: attempt(dependency), dependency, seconds, self.stop)


class CheckpointStore(Observer):
    """An observer that tells whether the checkpoints' place can be written.

    What could be locked and read is taken to be there until a write fails: on an idle topic
    none is due for long.
    """

    def __init__(self, dependency: Dependency):
        self._dependency, self._has_failed = dependency, False

    def started(self, run: Any) -> None:
        """A run has its state."""
        if not self._has_failed:
            self._dependency.up()

    def rebalance(self, assigned: int) -> None:
        """A member in waiting needs no place for checkpoints."""
        if assigned == 0 and not self._has_failed:
            self._dependency.up()

    def checkpoint(self, ledger: Any, seconds: float) -> None:
        """One was written."""
        self._has_failed = False
        self._dependency.up()

    def checkpoint_failed(self, reason: str) -> None:
        """One could not be written, or read."""
        if reason == "write":
            self._has_failed = True
            self._dependency.down("a checkpoint could not be written; the log says why")


def surroundings(
    config: schema.Config,
    observers: Sequence[Observer] = (),
    dependencies: Dependencies | None = None,
    stop: threading.Event | None = None,
) -> Surroundings:
    """Of a pipeline; the *observers* are told of changes."""
    dependencies = dependencies or Dependencies()
    dependencies.listeners += [observer.dependency for observer in observers]
    if config.checkpoint is not None:
        store = CheckpointStore(dependencies.add("checkpoint", without_user(config.checkpoint.url)))
        observers = (*observers, store)
    return Surroundings(dependencies, tuple(observers), stop or threading.Event())


def address(table: Any) -> str:
    """Where what *table* describes is, for people."""
    if isinstance(table, schema.KafkaSource | schema.KafkaSink):
        brokers = without_user(table.bootstrap or "")
        topic = table.topic if isinstance(table.topic, str) else ", ".join(table.topic)
        return f"{topic} on {brokers}" if brokers else topic
    path = getattr(table, "path", None)
    if path is None:
        return ""
    return path if isinstance(path, str) else ", ".join(path)
