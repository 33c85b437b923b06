"""Names in the order a person reads them: numbers in them compare as numbers."""

import os
import re

_DIGITS = re.compile(r"(\d+)")


def natural(path: str) -> tuple:
    """A key to sort by.

    >>> sorted(["part_10.csv", "part_2.csv", "day1/b", "day1/a"], key=natural)
    ['day1/a', 'day1/b', 'part_2.csv', 'part_10.csv']
    """
    parts = _DIGITS.split(os.path.normpath(path))
    return tuple((int(p), p) if n % 2 else (0, p) for n, p in enumerate(parts)), path
