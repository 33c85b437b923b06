"""How many of the last records were refused, and when that is too many."""

from .outcome import Outcome


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
        self._all_refused = self._all_seen = 0
        self._last: str | None = None

    def add(self, outcome: Outcome) -> None:
        """Count, and judge."""
        self.count(outcome)
        self.judge()

    def count(self, outcome: Outcome) -> None:
        """Add what became of a batch."""
        self._refused += outcome.counts["refused"]
        self._seen += outcome.counts["consumed"]
        if outcome.refused:
            self._last = outcome.refused[-1]["error"]

    def judge(self) -> None:
        """Raises `TooManyRefused` when a window is full and too many of it were refused."""
        if self._seen < self.window:
            return
        refused, seen = self._refused, self._seen
        self._all_refused += refused
        self._all_seen += seen
        self._refused = self._seen = 0
        self._judge(refused, seen, f"of the last {seen}")

    def finish(self) -> None:
        """Raises `TooManyRefused` if too many were refused of a run that has come to its end.

        It may have been too short to fill a window.
        """
        refused, seen = self._all_refused + self._refused, self._all_seen + self._seen
        self._judge(refused, seen, f"of all {seen}")

    def _judge(self, refused: int, seen: int, of_what: str) -> None:
        if refused > self.most * seen:
            raise TooManyRefused(
                f"{refused} {of_what} records were refused, more than max_dead_letter_ratio = "
                f"{self.most} accepts; last: {self._last or 'see the log'}"
            )
