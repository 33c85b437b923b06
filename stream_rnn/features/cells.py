"""From what stands in a field to what it is as a feature: a number, text, or nothing."""

from collections.abc import Sequence
from typing import Any

from connectors.lines.numbers import Numbers

from .missing import Missing

PLAIN = Numbers()


class Cells:
    """Reads values of features and of numeric targets.

    Text that is a number is that number, text that is *missing* is None, and so is a sentinel;
    other text stays as it is, and so do values that are no text.

    >>> cells = Cells(Missing())
    >>> [cells.value(v) for v in ("007", "NA", "Ulm", 1.5, float("nan"), True)]
    [7, None, 'Ulm', 1.5, nan, True]
    >>> cells.column(["1,5", "-", "2"], Numbers(","))
    [1.5, None, 2]
    """

    def __init__(self, missing: Missing):
        self.missing = missing

    def value(self, value: Any, numbers: Numbers = PLAIN) -> Any:
        """What one *value* is."""
        if type(value) is str:
            if self.missing.text(value):
                return None
            number = numbers.read(value)
            if number is None:
                return value
            value = number
        sentinels = self.missing.sentinels
        return None if sentinels and self.missing(value) else value

    def known(self, value: Any, numbers: Numbers = PLAIN) -> Any:
        """The same, None for every value that is missing."""
        value = self.value(value, numbers)
        return None if self.missing(value) else value

    def column(self, column: Sequence[str], numbers: Numbers = PLAIN) -> list[Any]:
        """What the cells of a column are."""
        usual = self.missing.usual
        if numbers == PLAIN:
            read = numbers.column(list(column))
            if read is None:
                read = numbers.column([None if cell in usual else cell for cell in column])
            if read is not None:
                return self._without_sentinels(read)
        return [self.value(cell, numbers) for cell in column]

    def _without_sentinels(self, values: list[Any]) -> list[Any]:
        sentinels = self.missing.sentinels
        if not sentinels:
            return values
        return [None if value in sentinels else value for value in values]
