"""The Kafka client library that ``KafkaSettings.client`` names, which is imported only then."""

from connectors.kafka_driver import Consumer, GroupOptions, Producer, RecordDecoder
from connectors.kafka_settings import KafkaSettings


def open_consumer(
    settings: KafkaSettings, decode: RecordDecoder, group: GroupOptions | None = None
) -> Consumer:
    """A consumer of the library that the settings name."""
    if settings.client == "confluent":
        from connectors.kafka_confluent import ConfluentConsumer

        return ConfluentConsumer(settings, decode, group)
    from connectors.kafka_python import PythonConsumer

    return PythonConsumer(settings, decode, group)


def open_producer(settings: KafkaSettings, transactional_id: str | None = None) -> Producer:
    """A producer of the library that the settings name."""
    if settings.client == "confluent":
        from connectors.kafka_confluent_producer import ConfluentProducer

        return ConfluentProducer(settings, transactional_id)
    from connectors.kafka_python_producer import PythonProducer

    return PythonProducer(settings, transactional_id)
