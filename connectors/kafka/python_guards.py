"""What kafka-python lacks in public, as of 3.0.12; `versions` holds which versions have it alike.

Mainly a group coordinator that brings every join to its end.  `KafkaConsumer.poll`
may run out of time in the midst of a join, which then goes on in the client's own thread.  The
client loses what becomes of it in two ways:

- When the join has ended between two polls, `join_group_async` begins another one instead of
  taking the assignment. The other members must then join again too, and a service that learns
  for longer than a join takes between its polls may never own a partition.
- When the reason to join (changed metadata) has gone meanwhile, nothing completes the join: the
  member sends no heartbeat, owns nothing and reports nothing.
"""

import warnings
from collections.abc import Callable
from typing import Any

with warnings.catch_warnings():  # it reads its schemas with a deprecated call
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaConsumer
    from kafka.coordinator.consumer import ConsumerCoordinator
    from kafka.future import Future

from .versions import check_parts

JOINING = tuple(
    f"_coordinator.{name}"
    for name in ("_join_task", "rejoining", "need_rejoin", "join_group_async")
)
ASKING = (
    *("_cluster.need_all_topic_metadata", "_cluster.metadata_refresh_in_progress"),
    *("_cluster.request_update", "_net.run", "_manager.wait_for"),
)
ENDING = "_sender.force_close"


class Ended(Future):
    """The outcome of a join that has ended; it shows as done once someone waits for it."""

    __slots__ = ("_outcome",)

    def __init__(self, outcome: Future):
        super().__init__()
        self._outcome = outcome

    def add_errback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        """Hears of a failure. Called after `add_callback`, so that both are known here."""
        super().add_errback(f, *args, **kwargs)
        if not self.is_done:
            self._outcome.chain(self)
        return self


class Coordinator(ConsumerCoordinator):
    """kafka-python's, but a join that has begun is gone on with and its outcome is taken."""

    _join_task: Future | None

    def need_rejoin(self) -> bool:
        """Also while a join is under way, whatever was the reason for it."""
        return self.rejoining or super().need_rejoin()

    async def join_group_async(self, timeout_ms: float | None = None) -> bool:
        """Takes the outcome of a join that ended since the last poll. In the client's thread."""
        if self._join_task is not None and self._join_task.is_done:
            self._join_task = Ended(self._join_task)
        return await super().join_group_async(timeout_ms)


def create_no_topics(client: Any) -> None:
    """Let *client*, a consumer or a producer, really create no topics.

    As of 3.0.12 ``allow_auto_create_topics`` does not reach what asks for metadata: a topic that
    has been deleted is made again by the next question about it, where the brokers let clients
    make topics.
    """
    name = "_cluster" if hasattr(client, "_cluster") else "_metadata"  # of a producer
    check_parts(client, f"{name}.config")
    getattr(client, name).config["allow_auto_create_topics"] = False


def topics_within(consumer: Any, seconds: float) -> set[str]:
    """``consumer.topics()``, which as of 3.0.12 waits without bound for brokers that are gone.

    Raises `KafkaTimeoutError`.
    """
    check_parts(consumer, *ASKING)
    cluster: Any = consumer._cluster
    before, cluster.need_all_topic_metadata = cluster.need_all_topic_metadata, True
    try:
        for _ in range(1 + bool(cluster.metadata_refresh_in_progress)):
            answer = cluster.request_update()
            consumer._net.run(consumer._manager.wait_for, answer, round(seconds * 1000))
    finally:
        cluster.need_all_topic_metadata = before
    return set(cluster.topics())


def complete_joins(consumer: KafkaConsumer) -> None:
    """Give *consumer*, which has made its coordinator itself, the one above."""
    check_parts(consumer, *JOINING)
    consumer._coordinator.__class__ = Coordinator


def end_at_once(producer: Any) -> None:
    """Let go of what is still unsent: ``close`` leaves its thread running for it."""
    check_parts(producer, ENDING)
    producer._sender.force_close()
