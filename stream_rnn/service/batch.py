"""What the records of a batch have in common."""

from collections.abc import Sequence
from typing import Any

from connectors.base import Record
from connectors.lines.numbers import Numbers

from ..rows import is_known


def numbers_of(records: Sequence[Record]) -> Numbers | None:
    """How the numbers of *records* are written, where their values are text."""
    first = records[0].numbers if records else None
    if first is not None and any([record.numbers is None for record in records]):  # noqa: C419
        return None  # of several kinds: each value is looked at
    return first


def unlabelled(ys: Sequence[Any]) -> int:
    """How many are not known; of several targets, one known is enough to learn."""
    if ys and isinstance(ys[0], dict):
        return sum(not is_known(y) for y in ys)
    return sum([y is None or y != y for y in ys])  # `is_known`, without a call for each
