"""Transactions whose end a session did not live to hear of.

A session breaks while the brokers commit what it has sent: the commit may be done all the same.
Its records are learned again, silently, and so this is the only place where they are counted.
The answer to the commit may still come; if it is lost, the group's offset tells, once the
partition is taken over again.
"""

from concurrent.futures import Future
from typing import NamedTuple

from connectors.kafka.driver import Fenced, Partition

from .learned import Learned
from .partition import PartitionRun


class Sent(NamedTuple):
    """What a run has sent, and the commit of it."""

    run: PartitionRun
    commit: Future[float]  # the seconds it took, from the first record sent
    learned: Learned


class Unsettled:
    """By partition: a run has one transaction at a time."""

    def __init__(self) -> None:
        self._waiting: dict[Partition, Sent] = {}
        self._doubtful: dict[Partition, Learned] = {}  # the commit failed, or its answer is lost

    def add(self, partition: Partition, sent: Sent) -> None:
        """Nobody waits for the commit of what was *sent*."""
        self._waiting[partition] = sent

    def committed(self) -> list[Sent]:
        """Those that are known now to be committed; they are forgotten."""
        found = []
        for partition, sent in list(self._waiting.items()):
            if not sent.commit.done():
                continue
            del self._waiting[partition]
            error = sent.commit.exception()
            if error is None:
                found.append(sent)
            elif not isinstance(error, Fenced):
                self._doubtful[partition] = sent.learned
        return found

    def found(self, partition: Partition, committed: int) -> Learned | None:
        """What was sent of *partition*, if the group has committed just that, and no more."""
        self._waiting.pop(partition, None)
        learned = self._doubtful.pop(partition, None)
        return learned if learned is not None and learned.position == committed else None
