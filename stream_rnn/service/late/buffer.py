"""Records that wait for their labels, and labels that wait for their records."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from math import inf
from typing import Any

Id = str | int
OUTCOMES = ("joined", "expired", "unmatched", "duplicate")


class Waiting:
    """A record that was predicted and is not learned yet."""

    __slots__ = ("id", "is_settled", "prediction", "time", "x", "y")

    def __init__(self, id: Id | None, x: dict, prediction: Any, time: float):
        self.id = id  # None: no label is for it
        self.x, self.prediction, self.time = x, prediction, time
        self.y: Any = None
        self.is_settled = False  # the label is there, or will not be waited for


class LabelBuffer:
    """Joins records and labels by id; hands records out in the order of their arrival.

    Args:
        within: a label this many seconds after its record is too late; None for no limit.
        max_pending: so many records wait at most, and as many labels; the oldest gives way.

    >>> buffer = LabelBuffer(within=10.0)
    >>> buffer.add("a", {"x": 1}, 0.5, time=0.0)
    >>> buffer.add("b", {"x": 2}, 0.5, time=1.0)
    >>> buffer.label("b", 7.0, time=2.0)
    >>> buffer.take()  # a is not settled yet
    []
    >>> buffer.label("a", 8.0, time=3.0)
    >>> [(waiting.x, waiting.y) for waiting in buffer.take()]
    [({'x': 1}, 8.0), ({'x': 2}, 7.0)]
    >>> buffer.add("c", {"x": 3}, 0.5, time=4.0)
    >>> buffer.label("d", 9.0, time=15.0)  # by then c's time is over
    >>> [(waiting.x, waiting.y) for waiting in buffer.take()]
    [({'x': 3}, None)]
    >>> buffer.counts
    {'joined': 2, 'expired': 1, 'unmatched': 0, 'duplicate': 0}
    """

    def __init__(self, within: float | None = None, max_pending: int = 10_000):
        self.within = inf if within is None else within
        self.max_pending = max_pending
        self.clock = -inf  # the latest time seen
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self._order: deque[Waiting] = deque()
        self._known: dict[Id, Waiting] = {}  # those in `_order`
        self._early: OrderedDict[Id, tuple[Any, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._order)

    @property
    def head_time(self) -> float | None:
        """Of the record that has waited longest."""
        return self._order[0].time if self._order else None

    def has_label(self, id: Id) -> bool:
        """Whether a label of this id has come before its record."""
        return id in self._early

    def advance(self, time: float) -> None:
        """It is *time* now: give up what has waited too long."""
        self.clock = max(self.clock, time)
        self._drop_early()

    def add(self, id: Id | None, x: dict, prediction: Any, time: float) -> None:
        """A record was predicted.  Where one of its id waits already it gets no label.

        None is the id of a record that no label is for.
        """
        self.advance(time)
        waiting = Waiting(id, x, prediction, time)
        self._order.append(waiting)
        if id is None or id in self._known:
            self.counts["duplicate"] += id is not None
            waiting.id, waiting.is_settled = None, True
            return
        self._known[id] = waiting
        if self._has_early(id):
            self._join(waiting, *self._early.pop(id))

    def label(self, id: Id, y: Any, time: float) -> None:
        """A label has come."""
        self.advance(time)
        waiting = self._known.get(id)
        if waiting is not None and not waiting.is_settled:
            self._join(waiting, y, time)
        elif waiting is not None or self._has_early(id):
            self.counts["duplicate"] += 1
        else:
            self._early[id] = y, time
            self._drop_early()

    def _has_early(self, id: Id) -> bool:
        """Whether a label has come before its record and still counts."""
        if id not in self._early:
            return False
        if self.clock <= self._early[id][1] + self.within:
            return True
        del self._early[id]
        self.counts["unmatched"] += 1
        return False

    def _join(self, waiting: Waiting, y: Any, time: float) -> None:
        if time > waiting.time + self.within:
            self.counts["unmatched"] += 1
            return
        waiting.y, waiting.is_settled = y, True
        self.counts["joined"] += 1

    def _drop_early(self) -> None:
        while self._early:
            id, (_, time) = next(iter(self._early.items()))
            if len(self._early) <= self.max_pending and self.clock <= time + self.within:
                return
            del self._early[id]
            self.counts["unmatched"] += 1

    def take(self, room: int = 0) -> list[Waiting]:
        """The settled records before the first that still waits, which leave the buffer.

        With *room* so many more may then be added.
        """
        taken = []
        while self._order:
            waiting = self._order[0]
            if not waiting.is_settled:
                is_late = self.clock > waiting.time + self.within
                if not is_late and len(self._order) + room <= self.max_pending:
                    break
                self.counts["expired"] += 1
            taken.append(self._order.popleft())
            if waiting.id is not None:
                del self._known[waiting.id]
        return taken

    def snapshot(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "clock": None if self.clock == -inf else self.clock,
            "waiting": [[w.id, w.x, w.prediction, w.time, w.is_settled, w.y] for w in self._order],
            "early": [[id, y, time] for id, (y, time) in self._early.items()],
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take over a snapshot."""
        self.clock = -inf if saved["clock"] is None else saved["clock"]
        self._order.clear()
        for id, x, prediction, time, is_settled, y in saved["waiting"]:
            waiting = Waiting(id, x, prediction, time)
            waiting.y, waiting.is_settled = y, is_settled
            self._order.append(waiting)
        self._known = {w.id: w for w in self._order if w.id is not None}
        self._early = OrderedDict((id, (y, time)) for id, y, time in saved["early"])
