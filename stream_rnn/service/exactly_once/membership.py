"""What outlives a session: a member's settings, what it has counted, who watches it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.kafka.driver import Partition

from ..ledger import Schedule
from ..observers import Observer, Observers
from ..outcome import COUNTERS, Outcome
from ..refusal_limit import Refusals
from .unsettled import Unsettled


class Batching(NamedTuple):
    """How many records make a transaction: at least `least`, or what comes in `seconds`."""

    least: int = 100
    seconds: float = 0.1
    overlap: bool = True  # read on while committing


class Membership:
    """One member of a consumer group, through all its sessions.

    ``counters`` are of this process; ``commits`` counts the transactions; ``ends`` are the
    offsets to stop at, empty until a session has asked for them, None to go on for ever;
    ``unsettled`` are the transactions that broken sessions have left behind.
    """

    def __init__(
        self,
        topics: Sequence[str],
        schedule: Schedule | None = None,
        batching: Batching | None = None,
        observers: Sequence[Observer] = (),
        stop_at_end: bool = False,
    ):
        self.topics = topics
        self.schedule, self.batching = schedule or Schedule(), batching or Batching()
        self.observers = Observers(observers)
        self.refusals = Refusals(self.schedule.max_refused, self.schedule.window)
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.commits, self.unsettled = 0, Unsettled()
        self.ends: Mapping[Partition, int] | None = {} if stop_at_end else None

    def committed(self, outcome: Outcome) -> None:
        """A transaction with *outcome* is visible."""
        self.commits += 1
        self.refusals.count(outcome)
        for name, number in outcome.counts.items():
            self.counters[name] += number
