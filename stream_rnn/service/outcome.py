"""What came of a batch: results, dead letters, and how many of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.base import TOMBSTONE, Record
from connectors.dead_letter import letter

from ..errors import BadRecord
from ..features.rows import MissingTarget, Row
from ..keys.key import MissingKey, TooManyKeys
from .met import TooManyNames

COUNTERS = ("consumed", "predicted", "learned", "refused")  # what becomes of records
REASONS: dict[type, str] = {
    MissingTarget: "missing_target",
    MissingKey: "missing_key",
    TooManyKeys: "too_many_keys",
    TooManyNames: "too_many_names",
}


class Outcome(NamedTuple):
    """What came of a batch."""

    rows: list[Row]  # results, in the order of the records
    refused: list[Row]  # dead letters, in the order of the records
    counts: dict[str, int]  # consumed, predicted, learned, refused
    reasons: dict[str, int]  # of the refusals
    seconds: float  # spent learning
    timestamps: list[float]  # of the records that have one
    settled: Sequence[Row] = ()  # earlier predictions in order, with the targets that came now
    labels: Mapping[str, int] | None = None  # what became of labels, see `late.buffer`
    keys: Sequence[Any] = ()  # whose each of `rows` is, where records have a key
    passed: int = 0  # tombstones, which are neither results nor letters
    forgotten: int = 0  # keys that such have deleted


def joined(
    parts: Sequence[Outcome], labels: Mapping[str, int] | None = None, seconds: float | None = None
) -> Outcome:
    """The outcomes of consecutive parts as one; *seconds* of all, if not those of the parts."""
    counts = dict.fromkeys(COUNTERS, 0)
    reasons: dict[str, int] = {}
    for part in parts:
        for total, more in ((counts, part.counts), (reasons, part.reasons)):
            for name, number in more.items():
                total[name] = total.get(name, 0) + number
    return Outcome(
        rows=[row for part in parts for row in part.rows],
        refused=[row for part in parts for row in part.refused],
        counts=counts,
        reasons=reasons,
        seconds=sum(part.seconds for part in parts) if seconds is None else seconds,
        timestamps=[t for part in parts for t in part.timestamps],
        settled=[row for part in parts for row in part.settled],
        labels=labels,
        keys=[key for part in parts for key in part.keys],
        passed=sum(part.passed for part in parts),
    )


def letter_of(record: Record, stage: str, reason: str, error: str | None = None) -> Row:
    """A dead letter; *reason* is one of few, for a metric's label."""
    return {"reason": reason, **letter(record, stage=stage, error=error)}


def refusal(record: Record, bad: BadRecord) -> Row:
    """The letter for a record that cannot be learned from."""
    return letter_of(record, "learn", REASONS.get(type(bad), "refused"), str(bad))


def undecodable(records: Sequence[Record]) -> dict[int, Row]:
    """Letters for what is no record at all, by place."""
    if not any([record.error is not None for record in records]):  # noqa: C419  faster so
        return {}
    return {
        index: letter_of(record, "decode", "undecodable")
        for index, record in enumerate(records)
        if record.error not in (None, TOMBSTONE)
    }


def tombstones(records: Sequence[Record]) -> set[int]:
    """The places of messages without a value."""
    return {index for index, record in enumerate(records) if record.error == TOMBSTONE}


def with_letters(
    outcome: Outcome,
    records: Sequence[Record],
    problems: Mapping[int, str],
    rows: Mapping[int, str],
) -> Outcome:
    """*outcome* of *records* with letters in the place of some of its rows.

    *problems* says what is wrong, by the place of the record; *rows* by that of the row.
    """
    new = {
        index: letter_of(records[index], "write", "unwritable", f"the result: {problem}")
        for index, problem in problems.items()
    }
    places = {(r.partition, r.offset): index for index, r in enumerate(records)}
    old = {places[row["partition"], row["offset"]]: row for row in outcome.refused}
    counts = {**outcome.counts}
    counts["predicted"] -= len(new)
    counts["refused"] += len(new)
    return outcome._replace(
        rows=[row for at, row in enumerate(outcome.rows) if at not in rows],
        refused=[row for _, row in sorted((old | new).items())],
        counts=counts,
        reasons={**outcome.reasons, "unwritable": len(new)},
    )
