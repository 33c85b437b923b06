"""In which order two topics were read: what a replay needs to be the same.

Kafka keeps the order within a partition, not between two.  A partition of records and its
labels are therefore read in rounds; within a round the order follows from the records alone
(`connectors.base.Record.timestamp`), and how far each round went is written down.  The
journal is committed with the offsets, in the same transaction, as their metadata.
"""

from collections.abc import Sequence
from typing import NamedTuple

LIMIT = 3600  # characters; brokers accept 4096 (offset.metadata.max.bytes)


class Place(NamedTuple):
    """The next offset of the records, and of the labels."""

    records: int
    labels: int


class Journal:
    """The places at which rounds ended, since one of the last two checkpoints.

    >>> journal = Journal(Place(100, 40))
    >>> for place in (Place(110, 40), Place(120, 40), Place(130, 45)):
    ...     journal.add(place)
    >>> journal.text()  # rounds of records only are one round
    '100 40 20 0 10 5'
    >>> Journal.parse(journal.text()) == [Place(100, 40), Place(120, 40), Place(130, 45)]
    True
    """

    def __init__(self, start: Place, rounds: Sequence[Place] = ()):
        self.places = [start, *rounds]
        self._marks = [start]  # the places of checkpoints, two at most

    @classmethod
    def parse(cls, text: str) -> list[Place]:
        """The places in *text*; none if it is not a journal."""
        try:
            numbers = [int(word) for word in text.split()]
        except ValueError:
            return []
        places: list[Place] = []
        for records, labels in zip(numbers[::2], numbers[1::2], strict=False):
            last = places[-1] if places else Place(0, 0)
            places.append(Place(last.records + records, last.labels + labels))
        return places

    def text(self) -> str:
        """The first place, then the length of every round."""
        last = Place(0, 0)
        words = []
        for place in self.places:
            words += [str(place.records - last.records), str(place.labels - last.labels)]
            last = place
        return " ".join(words)

    def add(self, place: Place) -> None:
        """A round has ended at *place*."""
        if place == self.places[-1]:
            return
        if len(self.places) > 1 and self.places[-1] not in self._marks:
            steps = [_kind(*pair) for pair in zip(self.places[-2:], [self.places[-1], place])]
            if steps[0] == steps[1] != "both":
                self.places.pop()
        self.places.append(place)
        if len(self.text()) > LIMIT:
            self._forget(self._marks[-1])

    def mark(self, place: Place) -> None:
        """A checkpoint was written at *place*: nothing before the one before it is needed."""
        if place in self.places and place != self._marks[-1]:
            self._marks = [self._marks[-1], place]
            self._forget(self._marks[0])

    def _forget(self, before: Place) -> None:
        if before in self.places:
            self.places = self.places[self.places.index(before) :]
            self._marks = [mark for mark in self._marks if mark in self.places]

    @property
    def is_long(self) -> bool:
        """A checkpoint would be good."""
        return len(self.text()) > LIMIT // 2

    @property
    def is_full(self) -> bool:
        """There is no room for a round that takes labels, only for longer ones of records."""
        return len(self.text()) > LIMIT - 200


def _kind(before: Place, after: Place) -> str:
    if before.labels == after.labels:
        return "records"
    return "labels" if before.records == after.records else "both"


def rounds_after(note: str, place: Place, committed: int) -> tuple[list[Place], bool]:
    """The rounds from a checkpoint at *place* up to the commit, and whether they are exact.

    They are not when the journal does not reach back to the checkpoint (the ones after it are
    damaged) or is missing (the group's offsets were set by hand).

    >>> rounds_after("100 40 20 0 10 5", Place(120, 40), 130)
    ([Place(records=130, labels=45)], True)
    >>> rounds_after("", Place(120, 40), 120)
    ([], True)
    >>> rounds_after("100 40 20 0 10 5", Place(50, 40), 130)
    ([Place(records=130, labels=45)], False)
    """
    places = Journal.parse(note)
    if not places or places[-1].records != committed:
        return (
            ([], True) if committed == place.records else ([Place(committed, place.labels)], False)
        )
    if place in places:
        return places[places.index(place) + 1 :], True
    return [places[-1]], False
