"""What the sources and sinks ask of a Kafka client library.

`python_consumer`, `confluent_consumer` and the producers beside them implement it; `clients`
picks one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from ..base import Lost, Record, SinkError


class Partition(NamedTuple):
    """One partition of a topic.

    >>> str(Partition("rivers", 3)), Partition.parse("rivers-3")
    ('rivers-3', Partition(topic='rivers', number=3))
    """

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"

    @classmethod
    def parse(cls, name: str) -> "Partition":
        """Of its `str`."""
        topic, _, number = name.rpartition("-")
        return cls(topic, int(number))


SEND_SECONDS = 120.0  # an acknowledgement is waited for, across reconnections
METADATA_SECONDS = 10.0  # until partitions that were added are seen
BOOTSTRAP_SECONDS = 10.0  # a broker is given to answer a new client
MAX_IN_FLIGHT = 20_000  # records sent and not yet acknowledged
BATCH_BYTES = 1 << 18  # of messages that are sent together
REQUEST_BYTES = 64 << 20  # a producer sends; what is too large for a topic its broker says

Header = tuple[str, bytes]


def refused(bootstrap: str) -> str:
    """That brokers do not accept the password, and what to do."""
    return (
        f"the Kafka broker at {bootstrap} accepts this client's connection, but not its "
        "credentials: correct username, password_file and mechanism"
    )


class Fenced(SinkError):
    """Another process has taken over this transactional id or this place in the group."""


class Gone(Lost):
    """A topic is not there, or not any more, or this user may not see it."""


def deleted(topic: str) -> Gone:
    """What to raise where a topic is gone."""
    return Gone(
        f"topic {topic!r} has been deleted, or this user may not see it any more: correct topic or "
        "the user's rights; of a topic that is made again the records are others"
    )


class Listener(Protocol):
    """Hears of changes in what a group member owns, inside `Consumer.poll` or `close`."""

    def assigned(self, partitions: set[Partition]) -> None:
        """They are owned now, and paused until they are sought and resumed."""

    def revoked(self, partitions: set[Partition]) -> None:
        """They go to another member after this returns: the last moment to commit."""

    def lost(self, partitions: set[Partition]) -> None:
        """Another member owns them already: nothing may be written for them."""


class GroupOptions(NamedTuple):
    """Membership in a consumer group.

    ``instance`` makes the member static: it may restart within the session without a
    rebalance.  ``cooperative`` moves only the partitions that change their owner.
    """

    group: str
    instance: str | None = None
    session_seconds: float = 45.0
    poll_interval_seconds: float = 300.0
    cooperative: bool = False


class Consumer(Protocol):
    """Reads committed records; commits nothing by itself."""

    def topics(self) -> set[str]:
        """The names of all that this user may see, asked anew."""

    def partitions(self, topic: str) -> list[Partition]:
        """Of an existing topic; raises `Gone` for one that does not exist."""

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """Read exactly these partitions from these offsets."""

    def subscribe(self, topics: Iterable[str], listener: Listener) -> None:
        """Join the group."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Continue an assigned partition at *offset*, resumed if it was paused."""

    def poll(self, max_records: int, timeout: float) -> dict[Partition, list[Record]]:
        """Up to *max_records* of what is there, or what comes first within *timeout* seconds."""

    def position(self, partition: Partition) -> int | None:
        """The next offset to be fetched, past control records; None if not known yet."""

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """The first offset that is kept, and the one after the last committed record."""

    def committed(self, partitions: Iterable[Partition]) -> dict[Partition, int | None]:
        """The group's committed offsets."""

    def note(self, partition: Partition) -> str:
        """The metadata that the group committed with its offset."""

    def highwater(self, partition: Partition) -> int | None:
        """The offset after the last record, as of the last fetch."""

    def probe(self, partition: Partition, timeout: float) -> None:
        """Ask the brokers something; `Unreachable` if none answers within *timeout* seconds.

        `Gone` if its topic has been deleted.
        """

    def group_metadata(self) -> Any:
        """What fences a stale member when it is passed to `Producer.begin`."""

    def close(self) -> None:
        """Leave the group, which may call the listener, and let go."""


class Producer(Protocol):
    """Sends in order; bounds what is in flight; with a transactional id, transactions."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int | None = None,
        headers: list[Header] | None = None,
        timestamp: float | None = None,
    ) -> None:
        """Queue a record; raises `SinkError` if one sent before has failed."""

    def flush(self) -> None:
        """Wait until every record is acknowledged; raises `SinkError` if one was not."""

    def init_transactions(self) -> None:
        """Fence and finish whatever an earlier owner of the transactional id left."""

    def begin(
        self,
        offsets: Mapping[Partition, int],
        group_metadata: Any,
        notes: Mapping[Partition, str] | None = None,
    ) -> None:
        """Start a transaction that moves the group's input *offsets*, with metadata *notes*."""

    def commit(self) -> None:
        """Flush and commit.  Any `SinkError` is final: close, restart."""

    def abort(self) -> None:
        """End the transaction so that nothing of it ever becomes visible."""

    def close(self, timeout: float = 10.0) -> None:
        """Send what is queued within *timeout* seconds, then let go; raises `SinkError`."""


class RecordDecoder(Protocol):
    """Messages of one partition to records."""

    def __call__(
        self,
        partition: str,
        raws: list[bytes | None],
        offsets: list[int],
        milliseconds: list[int],
        keys: list[bytes | None],
    ) -> list[Record]: ...
