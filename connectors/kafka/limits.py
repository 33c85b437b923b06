"""How large a message topics take: their own ``max.message.bytes``, or the broker's.

A larger one is refused by the broker, however often it is sent; so it is not sent.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .settings import KafkaSettings

log = logging.getLogger(__name__)

LIMIT = "max.message.bytes"
SECONDS = 10.0  # for an answer
AGE = 10.0  # seconds after which it is asked again: a topic's limit can be changed


class Limits:
    """The limits of *topics*, asked when they are wanted."""

    def __init__(self, settings: KafkaSettings, topics: Iterable[str]):
        self._settings, self._topics = settings, sorted(set(topics))
        self._known: Mapping[str, int] = {}
        self._asked: float | None = None

    def now(self) -> Mapping[str, int]:
        """As they are now; without the topics that do not tell."""
        if self._asked is None or time.monotonic() - self._asked > AGE:
            self._known = topic_limits(self._settings, self._topics)
            self._asked = time.monotonic()
        return self._known


def topic_limits(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, int]:
    """Bytes that a batch of one message may have, of those *topics* that tell.

    A user without the right to describe them is told nothing, and then the log is.
    """
    ask = _confluent if settings.client == "confluent" else _python
    wanted = sorted(set(topics))
    try:
        found = ask(settings, wanted)
    except Exception as error:  # whatever the library raises: the run goes on without
        log.debug("the limits of topics are not told: %s", error, exc_info=True)
        found = {}
    if silent := [topic for topic in wanted if topic not in found]:
        log.warning(
            "topic %s does not tell its %s (it takes the right DescribeConfigs): "
            "sink.max_message_bytes must not be above it",
            *(", ".join(silent), LIMIT),
        )
    return found


def _python(settings: KafkaSettings, topics: list[str]) -> dict[str, int]:
    from .python_admin import administrator
    from .python_consumer import kafka

    resources = [kafka.admin.ConfigResource("topic", topic, {LIMIT: None}) for topic in topics]
    with administrator(settings, SECONDS) as admin:
        told = admin.describe_configs(resources, config_filter="all")
    return {topic: int(configs[LIMIT]["value"]) for topic, configs in _of_topics(told).items()}


def _of_topics(told: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """The answers about topics that have one."""
    answers = [pair for kind in told.values() for pair in kind.items()]
    return {topic: configs for topic, configs in answers if LIMIT in configs}


def _confluent(settings: KafkaSettings, topics: list[str]) -> dict[str, int]:
    from confluent_kafka.admin import ConfigResource, ResourceType

    from .confluent_admin import administrator

    admin = administrator(settings)
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    found = {}
    for resource, future in admin.describe_configs(resources, request_timeout=SECONDS).items():
        configs = future.result(SECONDS)
        found[resource.name] = int(configs[LIMIT].value)
    return found
