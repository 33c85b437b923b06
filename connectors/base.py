"""Sources and sinks: where records come from and where results go.

A source hands out batches of records and says, as a JSON-able *position*, how far it has
come; a source restored to that position continues with the next record.  A sink takes
batches of result rows and says how far it has durably written; a sink restored to that
position forgets whatever was written after it, so that a replay writes it again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .lines.numbers import Numbers


class Record(NamedTuple):
    """One record of a source.

    ``value`` is the decoded row, or None when ``error`` says why it could not be decoded;
    ``raw`` is what arrived, unchanged, for a dead letter.
    """

    value: dict[str, Any] | None
    raw: bytes
    error: str | None = None
    partition: str = "0"
    offset: int = 0  # of this record in its partition: a count for files, Kafka's offset
    timestamp: float | None = None  # seconds since the epoch, where the source has one
    key: bytes | None = None
    numbers: Numbers | None = None  # how numbers are written, where all cells are text (CSV)


TOMBSTONE = "a tombstone (a message without a value), which only deletes a key"


class BadMessage(ValueError):
    """Bytes that are not a record; the message says why, without repeating the bytes."""


class Label(Record):
    """A record that tells the target of another one."""

    __slots__ = ()


class Source(Protocol):
    """Where records come from."""

    @property
    def finished(self) -> bool:
        """Whether no further record will ever come."""

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*; an empty list when none came within *timeout* seconds."""

    def snapshot(self) -> Any:
        """The JSON-able position just after the last record handed out."""

    def restore(self, position: Any) -> None:
        """Continue just after *position*; raises `SourceError` when that is not possible."""

    def close(self) -> None: ...


class Sink(Protocol):
    """Where results go."""

    def write(self, rows: list[dict[str, Any]]) -> None: ...

    def flush(self) -> None:
        """Make everything written durable."""

    def snapshot(self) -> Any:
        """The JSON-able position just after the last row written."""

    def restore(self, position: Any) -> None:
        """Forget what was written after *position*."""

    def close(self) -> None: ...


@runtime_checkable
class Reporting(Protocol):
    """A source or sink that has something to say of itself beside its records."""

    def metrics(self) -> Iterable[tuple[str, dict[str, str], float]]:
        """Samples: the name of a metric, its labels, its value."""


class SourceError(RuntimeError):
    """A source that cannot be read, or not from where it should be."""


class Lost(SourceError):
    """What a source should go on with is not there any more, however often it is tried."""


class SinkError(RuntimeError):
    """A sink that cannot be written, or not from where it should be."""


class Unreachable(SourceError, SinkError):
    """What a source or a sink depends on does not answer now; later it may."""


class Denied(SourceError, SinkError):
    """What a source or a sink depends on answers, but not to this user: a person is needed."""


class Unwritable(SinkError):
    """Rows that a sink can never write, however often it is tried; nothing was written.

    ``problems`` says what is wrong with which of them, by index.
    """

    def __init__(self, problems: Mapping[int, str]):
        index, problem = next(iter(problems.items()))
        super().__init__(f"{len(problems)} rows cannot be written; row {index}: {problem}")
        self.problems = dict(problems)


def good_records(
    values: Any, raws: Any, partition: str, offset: int, numbers: Numbers | None = None
) -> list[Record]:
    """Records of decoded *values*, numbered from *offset*."""
    return [
        _new(Record, (value, raw, None, partition, number, None, None, numbers))
        for number, (value, raw) in enumerate(zip(values, raws), offset)
    ]


_new = tuple.__new__  # a third faster than Record(...), which only checks the arity
