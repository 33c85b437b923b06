"""The administrator of confluent-kafka (librdkafka); what it says itself goes to the log."""

from typing import Any

from .confluent_consumer import Problems, log
from .settings import KafkaSettings


def administrator(settings: KafkaSettings) -> Any:
    """A client that asks brokers about topics; without a logger it would write to stderr itself."""
    from confluent_kafka.admin import AdminClient

    options = {"reconnect.backoff.max.ms": 1000, "error_cb": Problems(), "logger": log}
    return AdminClient(settings.confluent_options() | options)
