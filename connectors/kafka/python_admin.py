"""The admin client of kafka-python, for a question and its answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .python_consumer import kafka
from .settings import KafkaSettings


@contextmanager
def administrator(settings: KafkaSettings, seconds: float) -> Iterator[Any]:
    """A client that waits *seconds* for the brokers, and as long for an answer; then closed."""
    options = settings.python_options()
    del options["metrics_enabled"]  # this client has none
    admin = kafka.KafkaAdminClient(
        **options,
        bootstrap_timeout_ms=round(seconds * 1000),
        request_timeout_ms=round(seconds * 1000),
    )
    try:
        yield admin
    finally:
        admin.close()
