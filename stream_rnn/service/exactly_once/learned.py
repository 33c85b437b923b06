"""What a batch of one partition did, and the message keys of what is published of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connectors.base import Record

from ..outcome import Outcome

Keys = list[bytes | None]


class Learned(NamedTuple):
    """What a batch did to the model, and what of it is to be published."""

    records: Sequence[Record]  # the ones whose results are not published yet
    outcome: Outcome | None  # of them; None when there are none
    replayed: dict[str, int]  # counts of those learned silently
    position: int  # the next offset
    labels: int = 0  # the next offset of the labels, where they have a topic of their own


def message_keys(
    records: Sequence[Record], outcome: Outcome, is_label: Callable[[Record], bool]
) -> tuple[Keys, Keys]:
    """Of the records with a result, and of the refused ones."""
    if not outcome.refused:  # the common case
        return [r.key for r in records if r.error is None and not is_label(r)], []
    refused = {(letter["partition"], letter["offset"]) for letter in outcome.refused}
    results: Keys = []
    letters: Keys = []
    for record in records:
        if (record.partition, record.offset) in refused:
            letters.append(record.key)
        elif record.error is None and not is_label(record):
            results.append(record.key)
    return results, letters
