"""The Kafka client library that ``KafkaSettings.client`` names, which is imported only then."""

from .driver import BATCH_BYTES, Consumer, GroupOptions, Producer, RecordDecoder
from .settings import KafkaSettings


def open_consumer(
    settings: KafkaSettings, decode: RecordDecoder, group: GroupOptions | None = None
) -> Consumer:
    """A consumer of the library that the settings name."""
    if settings.client == "confluent":
        from .confluent_consumer import ConfluentConsumer

        return ConfluentConsumer(settings, decode, group)
    from .python_consumer import PythonConsumer

    return PythonConsumer(settings, decode, group)


def open_producer(
    settings: KafkaSettings, transactional_id: str | None = None, batch_bytes: int | None = None
) -> Producer:
    """A producer of the library that the settings name.

    Messages are sent in batches of up to `BATCH_BYTES`, or *batch_bytes* if that is less.
    """
    size = min(BATCH_BYTES, batch_bytes or BATCH_BYTES)
    if settings.client == "confluent":
        from .confluent_producer import ConfluentProducer

        return ConfluentProducer(settings, transactional_id, size)
    from .python_producer import PythonProducer

    return PythonProducer(settings, transactional_id, size)
