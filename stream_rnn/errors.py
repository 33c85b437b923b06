"""The errors a caller can act on; each message names the field, the value and the remedy."""

import difflib
from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any


class BadRecord(ValueError):
    """A record that cannot be learned from; nothing was changed by the call that raised it.

    ``index`` is the record's place in the batch, so that a caller can set it aside
    (a dead letter) and go on with the rest.

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor()
    >>> try:
    ...     model.stream([{"x": 1.0}, {"x": float("inf")}], [0.5, 0.5])
    ... except BadRecord as bad:
    ...     bad.index, "inf" in str(bad)
    (1, True)
    """

    def __init__(self, message: str, index: int = 0):
        super().__init__(message)
        self.index = index


def faults(attempt: Callable[[int], object], count: int) -> dict[int, BadRecord]:
    """What is wrong with each of *count* records, where *attempt* raises it for one.

    >>> def attempt(t):
    ...     if t % 2:
    ...         raise BadRecord("odd")
    >>> faults(attempt, 4)
    {1: BadRecord('odd'), 3: BadRecord('odd')}
    """
    found: dict[int, BadRecord] = {}
    for index in range(count):
        try:
            attempt(index)
        except BadRecord as bad:
            bad.index = index
            found[index] = bad
    return found


class ConfigError(ValueError):
    """A configuration that cannot work; names the field, the value and the remedy.

    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> try:
    ...     RecurrentRegressor(LSTM(units=0))
    ... except ConfigError as error:
    ...     "units: 0" in str(error), "at least one unit" in str(error)
    (True, True)
    """


class CheckpointError(RuntimeError):
    """A checkpoint that is damaged, of another model, or in conflict with the stream.

    >>> from stream_rnn import RecurrentRegressor, dumps, loads
    >>> packed = dumps(RecurrentRegressor())
    >>> try:
    ...     loads(packed[:-1])
    ... except CheckpointError as error:
    ...     print(type(error).__name__)
    CheckpointError
    """


@singledispatch
def check(spec: Any) -> None:
    """Raise `ConfigError` for numbers of a spec that cannot be; each registers its own."""


MANY = 30  # names that are listed


def suggest(name: Any, known: Iterable[str]) -> str:
    """``did you mean 'path'?``, or all that is known.

    >>> suggest("pth", ["path", "format"])
    "did you mean 'path'?"
    """
    known = list(known)
    folded = {str(one).casefold(): one for one in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    if not known:
        return "nothing is accepted here"
    more = f" and {len(known) - MANY} more" if len(known) > MANY else ""
    return f"known: {', '.join(sorted(known)[:MANY])}{more}"
