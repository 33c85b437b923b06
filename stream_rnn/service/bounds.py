"""What grows with the data has a limit, and says so before it is there."""

import logging

log = logging.getLogger(__name__)

NEAR = 0.8  # of a limit: time to act
CALM = 0.5  # below it the next approach is told again


class Bound:
    """Watches one number that grows with the data.

    >>> bound = Bound("keys", 10, "max_keys", "records of new keys are refused")
    >>> [bound.look(count) for count in (7, 8, 9, 10, 11)]
    [0.7, 0.8, 0.9, 1.0, 1.1]
    """

    def __init__(self, what: str, limit: int, setting: str, then: str):
        self.what, self.limit, self.setting, self.then = what, limit, setting, then
        self.remedy = f"; {setting} raises it" if setting else ""
        self._told = 0.0

    def look(self, count: int) -> float:
        """The share that is taken; the log is told near the limit and at it, once each."""
        share = count / self.limit
        if share < CALM:
            self._told = 0.0
        for level in (1.0, NEAR):
            if share >= level > self._told:
                self._told = level
                told = self.what, count, self.limit, self.then, self.remedy
                log.warning("%s: %d of at most %d; at the limit %s%s", *told)
                break
        return share
