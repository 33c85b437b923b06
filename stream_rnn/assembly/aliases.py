"""A topic under two addresses: what is written there must not be what is read here.

Brokers have many names (localhost, 127.0.0.1, each node of a cluster), so that addresses do not
tell.  A topic's id does, which no other topic ever has.
"""

from connectors.kafka.names import matching
from connectors.kafka.origins import origins
from connectors.kafka.settings import KafkaSettings

from ..config import schema
from .parts import connection
from .topics import topics_of


def read_and_written(config: schema.Config) -> tuple[str, str] | None:
    """Which part writes to a topic that is read, and what is wrong; the brokers are asked."""
    source = config.source
    if not isinstance(source, schema.KafkaSource):
        return None
    read = topics_of(source)
    if config.labels is not None and config.labels.topic is not None:
        read = [*read, config.labels.topic]
    for part, table in (("sink", config.sink), ("dead_letter", config.dead_letter)):
        if not isinstance(table, schema.KafkaSink) or table.topic not in matching(
            read, [table.topic]
        ):
            continue
        here, there = (
            origins(KafkaSettings.from_options(connection(one)), [table.topic]).get(table.topic)
            for one in (source, table)
        )
        if here is not None and there is not None and here.id == there.id:
            return part, (
                f"topic {table.topic!r} on {table.bootstrap} is what the source reads on "
                f"{source.bootstrap}: the run would read its own results for ever; give it another "
                "place"
            )
    return None
