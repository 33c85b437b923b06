"""Which topic it is that has a name.

A topic that is deleted and made again has the same name and other records; so has the topic of
that name in another cluster.  Offsets of the one mean nothing in the other, and where they lie
within its bounds nothing else would tell.
"""

import base64
import logging
import time
import uuid
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ..base import Lost
from .settings import KafkaSettings

log = logging.getLogger(__name__)

SECONDS = 10.0  # for an answer
AGE = 1.0  # seconds for which an answer holds: partitions are opened together


class Origin(NamedTuple):
    """A topic's id, which no other topic ever has, and its cluster's; as Kafka's tools print them.

    >>> Origin.of({"0": 12, "id": "STg4mjMQRia55Un9opUPhg", "cluster": "JEoEKYwtAqjPghCVWziqEQ"})
    Origin(id='STg4mjMQRia55Un9opUPhg', cluster='JEoEKYwtAqjPghCVWziqEQ')
    >>> Origin.of({"0": 12}) is None  # a position of before they were kept
    True
    """

    id: str
    cluster: str

    @classmethod
    def of(cls, position: Mapping[str, Any]) -> "Origin | None":
        """That of a topic's part of a position."""
        if "id" not in position:
            return None
        return cls(str(position["id"]), str(position.get("cluster", "")))


def origins(settings: KafkaSettings, topics: Collection[str]) -> dict[str, Origin]:
    """Of those *topics* that tell: brokers before 2.8 know no ids."""
    try:
        return ask_origins(settings, topics)
    except Exception as error:  # whatever the library raises: the run goes on without
        log.warning(
            "the ids of topic %s are not told (%s): one that is made again will not be noticed",
            *(", ".join(sorted(topics)), str(error) or "no answer in time"),
        )
        return {}


def ask_origins(settings: KafkaSettings, topics: Collection[str]) -> dict[str, Origin]:
    """As `origins`; raises whatever the library raises."""
    ask = _confluent if settings.client == "confluent" else _python
    return ask(settings, sorted(set(topics)))


class Origins:
    """The origins of topics, asked when they are wanted; once for those wanted together."""

    def __init__(self, settings: KafkaSettings, topics: Collection[str]):
        self._settings, self._topics = settings, set(topics)
        self._known: dict[str, Origin] = {}
        self._asked: float | None = None

    def of(self, topic: str) -> Origin | None:
        """That of *topic* now."""
        now = time.monotonic()
        if topic not in self._topics or self._asked is None or now - self._asked > AGE:
            self._topics.add(topic)
            self._known, self._asked = origins(self._settings, self._topics), now
        return self._known.get(topic)


def check_origin(
    topic: str, before: Origin | None, now: Origin | None, since: str = "since the checkpoint"
) -> None:
    """Raise `Lost` if the topic is not the one that it was; *since* says when it was.

    >>> check_origin("rides", Origin("a", "c"), Origin("a", "c"))
    >>> try:
    ...     check_origin("rides", Origin("a", "c"), Origin("b", "c"))
    ... except Lost as error:
    ...     print(str(error).split(":")[0])
    topic 'rides' has been deleted and made again since the checkpoint
    """
    if before is None or now is None or before.id == now.id:
        return
    if before.cluster != now.cluster:
        what = (
            f"topic {topic!r} is in another cluster than at the checkpoint (its id was "
            f"{before.cluster} and is now {now.cluster})"
        )
        remedy = "Correct bootstrap"
    else:
        what = f"topic {topic!r} has been deleted and made again {since}"
        remedy = "Correct topic"
    raise Lost(
        f"{what}: its offsets mean other records. {remedy}, or start anew with an empty "
        "checkpoint directory"
    )


def _python(settings: KafkaSettings, topics: list[str]) -> dict[str, Origin]:
    from .python_admin import administrator

    with administrator(settings, SECONDS) as admin:
        cluster = admin.describe_cluster()["cluster_id"]
        told = admin.describe_topics(topics)
    ids = {topic["name"]: topic.get("topic_id") for topic in told}
    return {name: Origin(_text(i), cluster or "") for name, i in ids.items() if i}


def _text(number: Any) -> str:
    """A topic's id as Kafka's tools print it.

    >>> _text("4938389a-3310-4626-b9e5-49fda2950f86")
    'STg4mjMQRia55Un9opUPhg'
    """
    return base64.urlsafe_b64encode(uuid.UUID(str(number)).bytes).decode().rstrip("=")


def _confluent(settings: KafkaSettings, topics: list[str]) -> dict[str, Origin]:
    from confluent_kafka import KafkaException, TopicCollection

    from .confluent_admin import administrator

    admin = administrator(settings)
    asked = admin.describe_topics(TopicCollection(topics), request_timeout=SECONDS)
    cluster = admin.list_topics(topics[0], timeout=SECONDS).cluster_id
    found = {}
    for name, future in asked.items():
        try:
            found[name] = Origin(str(future.result(SECONDS).topic_id), cluster or "")
        except KafkaException as error:
            log.debug("topic %s: %s", name, error)
    return found
