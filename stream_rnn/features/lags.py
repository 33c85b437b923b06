"""Values of fields so many records before, of each key by itself.

>>> from .missing import Missing
>>> lags, xs = Lags({"load": [1]}, Cells(Missing())), [{}, {}, {}]
>>> lags.add(xs, {"load": ["1,5", "NA", "2"]}, [None] * 3, Numbers(","))
>>> xs
[{}, {'load.lag1': 1.5}, {}]
"""

from collections import deque
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

from connectors.lines.numbers import Numbers

from ..keys.key import Key
from .cells import Cells

LONGEST = 200  # characters that are kept of a text
TEXTS = "@texts"  # among the fields of a snapshot: whether each holds text


class Histories(Protocol):
    """The values of each lagged field, newest first, by key."""

    def get(self, key: Any) -> dict[str, list] | None: ...

    def __setitem__(self, key: Any, past: dict[str, list]) -> None: ...


class Lags:
    """Adds lagged columns, ``load.lag1``; nothing changes until `commit`.

    A field holds text if its first value is text and no number; its lags are names then.
    Otherwise what is no finite number counts as missing in a lag: a record is judged by what it
    holds itself, never by what one before it held.
    """

    def __init__(self, lags: Mapping[str, Sequence[int]], cells: Cells):
        self.steps = {field: sorted(set(steps)) for field, steps in lags.items()}
        self.cells = cells
        # The past of each key, newest first; of None if there are no keys.
        self.histories: Histories = {}
        self._ahead: dict[Key | None, dict[str, deque]] = {}  # after the last `add`
        self._texts: dict[str, bool] = {}  # whether a field holds text, once that is known
        self._texts_ahead = self._texts

    def add(
        self,
        xs: Sequence[dict],
        columns: Mapping[str, Sequence[Any]],
        owners: Sequence[Key | None],
        numbers: Numbers,
    ) -> None:
        """Write the lags into *xs*; *columns* has the values of each field."""
        self._ahead = {key: self._history(key) for key in dict.fromkeys(owners)}
        self._texts_ahead = dict(self._texts)
        pasts = [self._ahead[key] for key in owners]
        for field in self.steps:
            self._add(field, xs, columns[field], pasts, numbers)

    def _history(self, key: Key | None) -> dict[str, deque]:
        """A copy of a key's past."""
        past = self.histories.get(key) or {}
        return {
            field: deque(past.get(field, ()), maxlen=steps[-1])
            for field, steps in self.steps.items()
        }

    def _add(
        self, field: str, xs: Sequence[dict], values: Sequence[Any], pasts: list, numbers: Numbers
    ) -> None:
        steps = [(step, f"{field}.lag{step}") for step in self.steps[field]]
        for x, value, fields in zip(xs, values, pasts, strict=True):
            past = fields[field]
            for step, name in steps:
                if step > len(past):
                    break
                if past[step - 1] is not None:
                    x[name] = past[step - 1]
            past.appendleft(self._lasting(field, self.cells.known(value, numbers)))

    def _lasting(self, field: str, value: Any) -> Any:
        """What a lag keeps of *value*: a finite number, text, or None."""
        if type(value) is float and field in self._texts_ahead:  # the common case
            return value if isfinite(value) else None
        if value is not None and field not in self._texts_ahead:
            self._texts_ahead[field] = isinstance(value, str)
        if isinstance(value, str):
            return value[:LONGEST] if self._texts_ahead[field] else None
        return finite(value)

    def commit(self) -> None:
        """The records of the last `add` are past."""
        for key, past in self._ahead.items():
            self.histories[key] = {field: list(values) for field, values in past.items()}
        self._ahead, self._texts = {}, self._texts_ahead

    # State --------------------------------------------------------------------------------

    def snapshot(self, alone: bool) -> dict[str, Any]:
        """JSON-able; the past only if it is *alone*: that of a key is in its context."""
        past = dict(self.histories.get(None) or {}) if alone else {}
        told = [  # what the past itself does not tell
            field
            for field, is_text in self._texts.items()
            if is_text or all(value is None for value in past.get(field, ()))
        ]
        return ({TEXTS: dict(self._texts)} if told else {}) | past

    def restore(self, state: Mapping[str, Any], alone: bool) -> None:
        """Take over what `snapshot` gave."""
        self._texts = dict(state.get(TEXTS, {}))
        for field in self.steps:
            if field not in self._texts and any(v is not None for v in state.get(field, ())):
                self._texts[field] = False
        self._texts_ahead = self._texts
        if alone:
            self.histories[None] = {
                field: [v if isinstance(v, str) else finite(v) for v in state.get(field, ())]
                for field in self.steps
            }


def finite(value: Any) -> Any:
    """*value* if it is a finite number, else None."""
    try:
        return value if isfinite(float(value)) else None
    except (TypeError, ValueError, OverflowError):
        return None
