"""Two sources as one: records, and among them the labels of earlier ones."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from . import times
from .base import Label, Lost, Record, Reporting, Skipping, Source, SourceError, Unreachable


class Side:
    """A source whose position can be told between any two of its records."""

    def __init__(self, source: Source):
        self.source = source
        self.held: deque[Record] = deque()
        self._before, self._taken = source.snapshot(), 0  # the last batch, and what went of it

    def fill(self, most: int, timeout: float) -> bool:
        """Whether a record is held, after looking for one."""
        if not self.held and not self.source.finished:
            self._before, self._taken = self.source.snapshot(), 0
            self.held.extend(self.source.next_batch(most, timeout))
        return bool(self.held)

    def take(self) -> Record:
        """The next one; `fill` has said that there is one."""
        self._taken += 1
        return self.held.popleft()

    def snapshot(self) -> dict[str, Any]:
        """Where the last batch began, and how many of it were taken."""
        if not self.held:
            return {"position": self.source.snapshot(), "taken": 0}
        return {"position": self._before, "taken": self._taken}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue there; raises `SourceError` when that is not possible."""
        self.held.clear()
        self.source.restore(saved["position"])
        self._before, self._taken = saved["position"], saved["taken"]
        while len(self.held) < self._taken:  # those are there: they were read before
            if self.source.finished:
                raise Lost(
                    f"the checkpoint continues after {self._taken} more records than there are; "
                    "restore them, or start anew with an empty checkpoint directory"
                )
            self.held.extend(self.source.next_batch(self._taken - len(self.held), 1.0))
        self.held.clear()

    def restore_left(self, saved: dict[str, Any]) -> int | None:
        """As `restore`, but where that is `Lost`, as near to it as there are records."""
        try:
            self.restore(saved)
            return 0
        except Unreachable:
            raise
        except SourceError:
            self.held.clear()
        lost = None
        if isinstance(self.source, Skipping):
            lost = self.source.restore_left(saved["position"])
        self._before, self._taken = self.source.snapshot(), 0
        return lost


class LabelledSource:
    """Records of *records* and, as `Label`, of *labels*, merged by time.

    Where both have a next record the earlier one comes first, a record before a label of the
    same time; without times the two take turns.  Where one has nothing now the other goes on:
    of files at rest the order is always the same, of live streams it is that of arrival.

    *time* is the field that holds the time, as a number or ISO 8601; without it the sources'
    own timestamps count.

    >>> from connectors.memory import MemorySource
    >>> records = MemorySource([{"id": n, "at": n} for n in (1, 2, 3)])
    >>> labels = MemorySource([{"id": 1, "at": 2, "y": 5.0}])
    >>> merged = LabelledSource(records, labels, time="at")
    >>> [record.value["id"] for record in merged.next_batch(10, 0.0)]
    [1, 2, 1, 3]
    """

    def __init__(self, records: Source, labels: Source, time: str | None = None):
        self._records, self._labels, self._time = Side(records), Side(labels), time
        self._is_labels_turn = False

    @property
    def finished(self) -> bool:
        """Whether neither will ever have another record."""
        return all(not s.held and s.source.finished for s in (self._records, self._labels))

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*; an empty list when none came within *timeout* seconds."""
        batch: list[Record] = []
        while len(batch) < max_records:
            labelled = self._labels.fill(max_records, 0.0)
            if not self._records.fill(max_records, 0.0 if batch or labelled else timeout):
                if not labelled:
                    break
                batch.append(Label._make(self._labels.take()))
            elif labelled and self._is_label_next():
                batch.append(Label._make(self._labels.take()))
            else:
                batch.append(self._records.take())
        return batch

    def _is_label_next(self) -> bool:
        record, label = (self._when(side.held[0]) for side in (self._records, self._labels))
        if record is not None and label is not None:
            return label < record
        self._is_labels_turn = not self._is_labels_turn
        return not self._is_labels_turn

    def _when(self, record: Record) -> float | None:
        if self._time is None:
            return record.timestamp
        value = None if record.value is None else record.value.get(self._time)
        try:
            when = times.seconds(value, relative=True)
        except ValueError:
            return None
        return when if abs(when) < times.LATEST else None  # else all others would come first

    def snapshot(self) -> dict[str, Any]:
        """The positions of both, just after the last record handed out."""
        return {
            "records": self._records.snapshot(),
            "labels": self._labels.snapshot(),
            "is_labels_turn": self._is_labels_turn,
        }

    def restore(self, position: dict[str, Any]) -> None:
        """Continue there; raises `SourceError` when that is not possible."""
        self._records.restore(position["records"])
        self._labels.restore(position["labels"])
        self._is_labels_turn = position["is_labels_turn"]

    def restore_left(self, position: dict[str, Any]) -> int | None:
        """See `connectors.base.Skipping`; a side that cannot skip is read from its start."""
        lost = [side.restore_left(position[name]) for name, side in self._sides().items()]
        return None if None in lost else sum(filter(None, lost))

    def _sides(self) -> dict[str, Side]:
        return {"records": self._records, "labels": self._labels}

    def metrics(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Those of both."""
        for side in (self._records, self._labels):
            if isinstance(side.source, Reporting):
                yield from side.source.metrics()

    def close(self) -> None:
        """Let go of both."""
        self._records.source.close()
        self._labels.source.close()
