"""How many of the last records were refused, and when that is too many."""

from .task import Outcome


class TooManyRefused(RuntimeError):
    """More of the last records were refused than the configuration accepts."""


class Refusals:
    """Counts over windows of records.

    >>> refusals = Refusals(most=0.5, window=4)
    >>> one = Outcome([], [], {"consumed": 2, "refused": 1}, {}, 0.0, [])
    >>> refusals.add(one)
    >>> refusals.add(one)
    >>> letter = {"error": "no target"}
    >>> refusals.add(Outcome([], [letter] * 3, {"consumed": 4, "refused": 3}, {}, 0.0, []))
    Traceback (most recent call last):
        ...
    stream_rnn.service.refusal_limit.TooManyRefused: 3 of the last 4 records were refused, \
more than max_dead_letter_ratio = 0.5 accepts; last: no target
    """

    def __init__(self, most: float, window: int):
        self.most, self.window = most, window
        self._refused = self._seen = 0

    def add(self, outcome: Outcome) -> None:
        """Raises `TooManyRefused` when a window is full and too many of it were refused."""
        self._refused += outcome.counts["refused"]
        self._seen += outcome.counts["consumed"]
        if self._seen < self.window:
            return
        refused, seen = self._refused, self._seen
        self._refused = self._seen = 0
        if refused > self.most * seen:
            last = outcome.refused[-1]["error"] if outcome.refused else "see the log"
            raise TooManyRefused(
                f"{refused} of the last {seen} records were refused, more than "
                f"max_dead_letter_ratio = {self.most} accepts; last: {last}"
            )
