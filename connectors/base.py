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

    ``value`` is the decoded row, or None when ``error`` says why it could not be decoded (of a
    tombstone it may be what the key says); ``raw`` is what arrived, unchanged, for a dead letter.

    >>> Record({"x": 1.5}, b'{"x": 1.5}').value
    {'x': 1.5}
    >>> Record(None, b"{", "Input data was truncated").error
    'Input data was truncated'
    """

    value: dict[str, Any] | None
    raw: bytes
    error: str | None = None
    partition: str = "0"
    offset: int = 0  # of this record in its partition: a count for files, Kafka's offset
    timestamp: float | None = None  # seconds since the epoch, where the source has one
    key: bytes | None = None
    numbers: Numbers | None = None  # how numbers are written, where all cells are text (CSV)


ALONE = "the_key"  # the name, in what a tombstone's key says, of a key that is a single value
TOMBSTONE = "a tombstone (a message without a value), which only deletes a key"


class BadMessage(ValueError):
    """Bytes that are not a record; the message says why, without repeating the bytes.

    >>> from connectors.json_records import json_decoder
    >>> try:
    ...     json_decoder()(b"[1]")
    ... except BadMessage as bad:
    ...     print(bad)
    not a JSON object but list
    """


class Label(Record):
    """A record that tells the target of another one.

    >>> label = Label({"order": 7, "late": 1}, b"")
    >>> isinstance(label, Record), label.value["order"]
    (True, 7)
    """

    __slots__ = ()


class Source(Protocol):
    """Where records come from.

    >>> from connectors.memory import MemorySource
    >>> source: Source = MemorySource([{"x": 1}, {"x": 2}])
    >>> first = source.next_batch(1, timeout=0)
    >>> position = source.snapshot()
    >>> source = MemorySource([{"x": 1}, {"x": 2}])  # after a crash
    >>> source.restore(position)
    >>> [record.value for record in source.next_batch(9, timeout=0)]
    [{'x': 2}]
    """

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
    """Where results go.

    >>> from connectors.memory import MemorySink
    >>> sink: Sink = MemorySink()
    >>> sink.write([{"prediction": 1.0}])
    >>> position = sink.snapshot()
    >>> sink.write([{"prediction": 2.0}])  # before a checkpoint would hold it
    >>> sink.restore(position)
    >>> sink.rows
    [{'prediction': 1.0}]
    """

    def write(self, rows: list[dict[str, Any]]) -> None: ...

    def flush(self) -> None:
        """Make everything written durable."""

    def snapshot(self) -> Any:
        """The JSON-able position just after the last row written."""

    def restore(self, position: Any) -> None:
        """Forget what was written after *position*; raises `Shortened` if that is not there."""

    def close(self) -> None: ...


@runtime_checkable
class Reporting(Protocol):
    """A source or sink that has something to say of itself beside its records.

    >>> from connectors.memory import MemorySource
    >>> class Timed(MemorySource):
    ...     def metrics(self):
    ...         yield "lag_seconds", {"partition": "0"}, 1.5
    >>> isinstance(Timed([]), Reporting), isinstance(MemorySource([]), Reporting)
    (True, False)
    """

    def metrics(self) -> Iterable[tuple[str, dict[str, str], float]]:
        """Samples: the name of a metric, its labels, its value."""


@runtime_checkable
class Skipping(Protocol):
    """A source that can go on with what is left of a position that is `Lost`.

    >>> from connectors.memory import MemorySource
    >>> class Ring(MemorySource):
    ...     def restore_left(self, position):
    ...         return None
    >>> isinstance(Ring([]), Skipping), isinstance(MemorySource([]), Skipping)
    (True, False)
    """

    def restore_left(self, position: Any) -> int | None:
        """Continue as near to *position* as there are records.

        How many are lost between the two, or None where that cannot be known.
        """


class SourceError(RuntimeError):
    """A source that cannot be read, or not from where it should be.

    >>> from connectors.files.source import FileSource
    >>> try:
    ...     FileSource("no-such-file.csv")
    ... except SourceError as error:
    ...     "no-such-file.csv" in str(error)
    True
    """


class Lost(SourceError):
    """What a source should go on with is not there any more, however often it is tried.

    >>> from connectors.memory import MemorySource
    >>> try:
    ...     MemorySource([{"x": 1}]).restore(5)
    ... except Lost as error:
    ...     print(str(error).split(";")[0])
    position 5 is not among the 1 records in memory
    """


class SinkError(RuntimeError):
    """A sink that cannot be written, or not from where it should be.

    >>> from connectors.files.json_sink import JsonLinesSink
    >>> try:
    ...     JsonLinesSink("/").write([{"x": 1}])
    ... except SinkError as error:
    ...     print(error)
    / is a folder; name a file in it
    """


class Shortened(SinkError):
    """A sink does not hold any more what was written up to the checkpoint.

    >>> from connectors.memory import MemorySink
    >>> try:
    ...     MemorySink().restore(5)
    ... except Shortened as error:
    ...     print(error)
    0 rows in memory, fewer than the 5 written
    """


class Unreachable(SourceError, SinkError):
    """What a source or a sink depends on does not answer now; later it may.

    >>> issubclass(Unreachable, SourceError) and issubclass(Unreachable, SinkError)
    True
    """


class Denied(SourceError, SinkError):
    """What a source or a sink depends on answers, but not to this user, or not in a way that this
    process can read: a person is needed.

    >>> issubclass(Denied, Unreachable)  # which is tried again
    False
    """


class Unwritable(SinkError):
    """Rows that a sink can never write, however often it is tried; nothing was written.

    ``problems`` says what is wrong with which of them, by index.

    >>> str(Unwritable({3: "longer than 1 MB"}))
    '1 rows cannot be written; row 3: longer than 1 MB'
    """

    def __init__(self, problems: Mapping[int, str]):
        index, problem = next(iter(problems.items()))
        super().__init__(f"{len(problems)} rows cannot be written; row {index}: {problem}")
        self.problems = dict(problems)


def good_records(
    values: Any, raws: Any, partition: str, offset: int, numbers: Numbers | None = None
) -> list[Record]:
    """Records of decoded *values*, numbered from *offset*.

    >>> [record.offset for record in good_records([{"x": 1}, {"x": 2}], [b"", b""], "a.csv", 10)]
    [10, 11]
    """
    return [
        _new(Record, (value, raw, None, partition, number, None, None, numbers))
        for number, (value, raw) in enumerate(zip(values, raws), offset)
    ]


_new = tuple.__new__  # a third faster than Record(...), which only checks the arity
